import { readFile } from 'node:fs/promises';
import { formatDuration } from '../../shared/config/index.ts';
import { KeywheelError } from '../../shared/errors.ts';
import type { Rehearsal, RehearsalLine } from '../../shared/rotation/index.ts';
import type { Paint, Tone } from './output.ts';
import { harmless } from './text.ts';

const TONES: Readonly<Partial<Record<RehearsalLine['kind'], Tone>>> = { effect: 'warn', read: 'dim', wait: 'dim' };

/** `3600000 ms of grace; …` for people: `1h: grace; …`. */
function waitText(text: string): string {
  const match = /^(\d+) ms of (.*)$/s.exec(text);
  return match === null ? text : `${formatDuration(Number(match[1]))}: ${match[2]}`;
}

/** Calls are numbered, waits are not: `3 effect ALTER ROLE …` and `-- wait 1h: grace; …`. Never cut: they are the exact calls. */
export function rehearsalLines({ secret, lines }: Rehearsal, paint: Paint): string[] {
  const calls = lines.filter((line) => line.kind !== 'wait').length;
  const digits = String(calls).length;
  let number = 0;
  const text = lines.map(({ kind, text }) => {
    if (kind === 'wait') return paint('dim', `${'-'.repeat(Math.max(2, digits))} wait ${harmless(waitText(text))}`);
    number += 1;
    const tone = TONES[kind];
    const word = kind.padEnd(6);
    return `${String(number).padStart(digits)} ${tone === undefined ? word : paint(tone, word)} ${harmless(text)}`;
  });
  return [paint('bold', harmless(secret)), ...text];
}

interface DryRunFile {
  readonly rehearsals?: readonly { readonly secret?: unknown; readonly status?: unknown; readonly lines?: unknown }[];
}

/** Reads what `rotate --dry-run --json` printed, for `rotate --expect`. */
export async function readDryRun(file: string, names: readonly string[]): Promise<ReadonlyMap<string, readonly RehearsalLine[]>> {
  const hint = `make it with: keywheel rotate ${names.join(' ')} --dry-run --json > ${file}`;
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new KeywheelError('ERR_USAGE', `the dry run ${file} cannot be read`, { hint, cause });
  }
  const lines = new Map<string, readonly RehearsalLine[]>();
  try {
    for (const each of (JSON.parse(text) as DryRunFile).rehearsals ?? []) {
      if (typeof each.secret === 'string' && each.status === 'closed' && Array.isArray(each.lines))
        lines.set(each.secret, each.lines as RehearsalLine[]);
    }
  } catch (cause) {
    throw new KeywheelError('ERR_USAGE', `${file} is not what a dry run prints`, { hint, cause });
  }
  const absent = names.find((name) => !lines.has(name));
  if (absent !== undefined)
    throw new KeywheelError('ERR_USAGE', `${file} shows no dry run of ${absent} that went to its end`, { hint });
  return lines;
}
