/** From acts to files, in the way that trails deliver them: late, twice, compressed. */
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { createRandom } from './random.ts';
import { acts, createWriters, type Injection } from './stream.ts';
import { MINUTE, type Act } from './types.ts';
import type { World } from './world.ts';

export interface Delivery {
  readonly seed: string;
  readonly hours: number;
  readonly injections?: readonly Injection[];
  /** The part of records that come twice: 0.21 was measured in the field. */
  readonly duplicates?: number;
  /** Milliseconds by which a record may come late: 600,000 is the most that vendors tell. */
  readonly lateness?: number;
  /** Only acts from here on are written; the others are drawn all the same. */
  readonly from?: number;
  readonly until?: number;
}

/** Tells every record in the order of its delivery, and every act with the ids of its records, the one that matters first. Answers the number of records. */
export function deliver(
  world: World,
  options: Delivery,
  line: (source: string, record: string) => void,
  seen: (act: Act, ids: readonly string[]) => void,
): number {
  const { duplicates = 0, lateness = 0, from = 0, until = Number.POSITIVE_INFINITY } = options;
  const random = createRandom(`${options.seed}/delivery`);
  const writers = createWriters(createRandom(`${options.seed}/records`));
  const waiting = new Map<number, [string, string][]>();
  let records = 0;
  let flushed = 0;
  const tell = (source: string, record: string): void => {
    records += 1;
    line(source, record);
  };
  const flush = (minute: number): void => {
    for (; flushed < minute && waiting.size > 0; flushed += 1) {
      for (const [source, record] of waiting.get(flushed) ?? []) tell(source, record);
      waiting.delete(flushed);
    }
  };
  const later = (source: string, record: string, time: number): void => {
    const minute = Math.floor(time / MINUTE);
    const others = waiting.get(minute);
    if (others === undefined) waiting.set(minute, [[source, record]]);
    else others.push([source, record]);
  };
  const straight = duplicates === 0 && lateness === 0;
  for (const act of acts(world, options.hours, options.injections)) {
    const { source } = act.store;
    const wanted = act.time >= from && act.time < until;
    const ids: string[] = [];
    writers[source](act, (record, id) => {
      if (ids[0] !== id) ids.push(id);
      if (!wanted) return;
      if (straight) {
        tell(source, record);
        return;
      }
      // Most come within two minutes, few at the very end.
      const late = lateness === 0 ? 0 : lateness * random.unit() ** 3;
      later(source, record, act.time + late);
      if (duplicates > 0 && random.chance(duplicates))
        later(source, record, act.time + late + random.unit() * Math.max(lateness, 5 * MINUTE));
    });
    if (ids.length > 0 && wanted) seen(act, ids);
    if (!straight) {
      const minute = Math.floor(act.time / MINUTE);
      if (flushed === 0) flushed = minute;
      flush(minute - 1);
    }
  }
  for (const minute of [...waiting.keys()].sort((one, other) => one - other))
    for (const [source, record] of waiting.get(minute) ?? []) tell(source, record);
  return records;
}

export interface Files {
  readonly write: (source: string, record: string) => void;
  /** Paths, in the order in which they were begun. */
  close(): readonly string[];
}

/** One NDJSON file for each source, or one for all of them. */
export function openFiles(folder: string, { gzip = false, merged = false, name = '' } = {}): Files {
  mkdirSync(folder, { recursive: true });
  const open = new Map<string, { path: string; file: number; lines: string[]; size: number }>();
  const write = (one: { file: number; lines: string[]; size: number }): void => {
    if (one.lines.length === 0) return;
    const text = `${one.lines.join('\n')}\n`;
    // Members one after another, as a log shipper writes them.
    writeSync(one.file, gzip ? gzipSync(text, { level: 1 }) : Buffer.from(text, 'utf8'));
    one.lines = [];
    one.size = 0;
  };
  return {
    write(source, record) {
      const key = merged ? 'all' : source;
      let one = open.get(key);
      if (one === undefined) {
        const path = join(folder, `${name}${key}.ndjson${gzip ? '.gz' : ''}`);
        one = { path, file: openSync(path, 'w'), lines: [], size: 0 };
        open.set(key, one);
      }
      one.lines.push(record);
      one.size += record.length;
      if (one.size > 1_000_000) write(one);
    },
    close() {
      for (const one of open.values()) {
        write(one);
        closeSync(one.file);
      }
      return [...open.values()].map(({ path }) => path);
    },
  };
}
