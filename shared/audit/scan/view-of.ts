/** The one way from a record's bytes to its View: the scanner where it can, JSON.parse where it cannot. */
import { jsonView, type Plan, type View } from '../view.ts';
import { createScanner } from './scanner.ts';
import { utf8 } from './text.ts';

/** `malformed`: not valid JSON, no object, or nested deeper than 1,000. */
export type Viewer = (bytes: Buffer, start: number, end: number) => View | 'malformed';

/**
 * JSON.parse takes any depth, but code that walks what it gives may not. Vault and OpenBao refuse requests deeper than 300
 * (https://developer.hashicorp.com/vault/docs/configuration/listener/tcp, `max_json_depth`), older ones do not: a record that somebody made deep
 * must still be scored.
 */
const DEEPEST = 1_000;

/** A viewer of its own for a plan. Its Views are good until its next call. */
export function createViewer(plan: Plan): Viewer {
  const scanner = createScanner(plan);
  return (bytes, start, end) => scanner.scan(bytes, start, end) ?? parsed(plan, bytes, start, end);
}

const viewers = new WeakMap<Plan, Viewer>();

/** The View of a record by a plan: equal to `jsonView` of the parsed record. Good until the next call with the same plan. */
export function viewOf(plan: Plan, bytes: Buffer, start: number, end: number): View | 'malformed' {
  let viewer = viewers.get(plan);
  if (viewer === undefined) {
    viewer = createViewer(plan);
    viewers.set(plan, viewer);
  }
  return viewer(bytes, start, end);
}

function parsed(plan: Plan, bytes: Buffer, start: number, end: number): View | 'malformed' {
  if (depthOf(bytes, start, end) > DEEPEST) return 'malformed';
  let record: unknown;
  try {
    record = JSON.parse(utf8(bytes, start, end));
  } catch {
    return 'malformed';
  }
  return typeof record === 'object' && record !== null && !Array.isArray(record) ? jsonView(plan, record) : 'malformed';
}

/** How deep brackets nest outside of strings; of broken JSON, some number. */
function depthOf(bytes: Buffer, start: number, end: number): number {
  let depth = 0;
  let deepest = 0;
  let quoted = false;
  for (let at = start; at < end; at += 1) {
    const code = bytes[at];
    if (quoted) {
      if (code === 0x5c) at += 1;
      else if (code === 0x22) quoted = false;
    } else if (code === 0x22) quoted = true;
    else if (code === 0x7b || code === 0x5b) deepest = Math.max(deepest, (depth += 1));
    else if (code === 0x7d || code === 0x5d) depth -= 1;
  }
  return deepest;
}
