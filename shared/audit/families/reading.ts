/** What one event reads, and how much of it is new to its reader: worked out once for all detectors of reading. */
import { FLAG, hasFlag } from '../event.ts';
import { sliceIfAny, type Profile } from '../profiles/profile.ts';
import type { Scene } from '../scene.ts';
import { HABITS, isNew, READERSHIP, wordHash, type Habits } from './known.ts';

const DAY = 86_400_000;
/** A secret that was made so recently gets its first readers now: nobody is surprised. */
const YOUNG = 3 * DAY;
/** A principal is a newcomer for so long, or until it has been seen so often. */
const NEWCOMER = DAY;
const NEWCOMER_EVENTS = 30;
/** A newcomer that starts by reading its own path is not thought to take everything below it. */
const NEWCOMER_PATH_WEIGHT = 4;

export interface Reading {
  /** A value was read, by somebody, for real. */
  reads: boolean;
  habits: Habits | undefined;
  newcomer: boolean;
  /** The secrets of the event that are new to the principal and were not made just now or by itself. By their index. */
  readonly novel: Profile[];
  /** Secrets reached without being named, when such reaching is new to the principal. */
  unnamed: number;
  /** A batch, a path, an old version: as a hash, 0 for an ordinary read. */
  shape: number;
  newShape: boolean;
}

/** One is enough: scenes come one after another, and each overwrites it. */
const scratch: Reading = {
  reads: false,
  habits: undefined,
  newcomer: false,
  novel: [],
  unnamed: 0,
  shape: 0,
  newShape: false,
};

/** What the scratch is of: learning asks again what observing has just asked, before anything has changed. */
const last = { event: undefined as unknown, principal: undefined as unknown, n: -1 };

/** What is learned next changes what is known. */
export function forgetReading(): void {
  last.event = undefined;
}

const SHAPES = FLAG.batch | FLAG.byPath | FLAG.catchAll | FLAG.history;

export function readingOf(scene: Scene): Reading {
  const { event, principal } = scene;
  if (last.event === event && last.principal === principal && last.n === principal.n) return scratch;
  last.event = event;
  last.principal = principal;
  last.n = principal.n;
  scratch.habits = sliceIfAny(principal, HABITS);
  scratch.novel.length = 0;
  scratch.unnamed = 0;
  scratch.shape = 0;
  scratch.newShape = false;
  scratch.reads = event.verb === 'read' && event.outcome === 'ok' && !scene.own && !hasFlag(event, FLAG.echo | FLAG.system);
  scratch.newcomer = isNewcomer(principal, event.time);
  if (!scratch.reads) return scratch;
  const known = scratch.habits?.secrets;
  for (const secret of scene.secrets) {
    if (!isNew(known, secret.hash, event.time)) continue;
    const readership = sliceIfAny(secret, READERSHIP);
    const created = readership?.created ?? 0;
    if (created !== 0 && event.time - created < YOUNG) continue;
    if (readership !== undefined && readership.writer === principal.hash) continue;
    scratch.novel.push(secret);
  }
  const shape = event.flags & SHAPES;
  if (shape !== 0) {
    scratch.shape = wordHash(`shape:${shape}`);
    scratch.newShape = isNew(scratch.habits?.shapes, scratch.shape, event.time);
    if (scratch.newShape && hasFlag(event, FLAG.byPath | FLAG.catchAll)) {
      const unnamed = Math.max(0, event.weight - scene.secrets.length);
      const path = hasFlag(event, FLAG.byPath) && !hasFlag(event, FLAG.catchAll);
      scratch.unnamed = path && scratch.newcomer ? Math.min(NEWCOMER_PATH_WEIGHT, unnamed) : unnamed;
    }
  }
  return scratch;
}

export const isNewcomer = (principal: Profile, time: number): boolean =>
  principal.n < NEWCOMER_EVENTS || time - principal.first < NEWCOMER;

const WARM_DAYS = 5;
const WARM_EVENTS = 200;

/** True once the tenant was seen long enough for "never before" to mean something. */
export const isWarm = ({ tenant }: Scene): boolean => tenant.days >= WARM_DAYS && tenant.n >= WARM_EVENTS;
