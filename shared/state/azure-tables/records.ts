/** Records of the State port, by conditional writes on entities. */
import type { Random } from '../../deps.ts';
import { KeywheelError } from '../../errors.ts';
import type { StateRevision, Stored } from '../port.ts';
import type { Prepared } from './check.ts';
import { isMismatch, stateError, statusOf } from './errors.ts';
import { fits, rangeOf, encodeKey } from './keys.ts';
import { entityOf, etagOf, live, RECORDS, revisionOf, rowOf, valueOf } from './rows.ts';
import type { Row } from './rows.ts';
import type { Table } from './table.ts';

const SIDE_BY_SIDE = 8;
const TRIES = 3;
/** What ended is left this long for workers whose clocks are behind. */
const SWEEP_AFTER_MS = 3_600_000;
const MOST_SWEPT = 20;

export interface RecordContext {
  readonly table: Table;
  readonly random: Random;
  now(): number;
}

/** Table Storage has no read of many keys but a scan: point reads, some at a time. */
export async function readMany(context: RecordContext, keys: readonly string[]): Promise<(Row | undefined)[]> {
  const found: (Row | undefined)[] = Array.from({ length: keys.length });
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < keys.length; index = next++) found[index] = await readRow(context, keys[index] ?? '');
  };
  await Promise.all(Array.from({ length: Math.min(SIDE_BY_SIDE, keys.length) }, worker));
  return found;
}

/** Deleted and ended ones too. */
async function readRow({ table, random }: RecordContext, key: string): Promise<Row | undefined> {
  const row = encodeKey(key);
  if (!fits(row)) return undefined; // a longer key was never written
  const found = await trying(random, `state record ${key} could not be read`, key, table, () => table.get(RECORDS, row));
  return found === undefined ? undefined : rowOf(found);
}

export async function* list<T>(context: RecordContext, prefix: string): AsyncGenerator<Stored<T>> {
  const { table } = context;
  const ended: Row[] = [];
  const pages = table.pages(rangeOf(prefix))[Symbol.asyncIterator]();
  for (;;) {
    let page: IteratorResult<Readonly<Record<string, unknown>>[]>;
    try {
      page = await pages.next();
    } catch (error) {
      throw stateError(error, 'state records could not be listed', prefix, table.name);
    }
    if (page.done === true) break;
    for (const row of page.value.map(rowOf)) {
      if (live(row, context.now()) !== undefined) yield stored<T>(row);
      else if (row.text === undefined || (row.expiresAt ?? 0) <= context.now() - SWEEP_AFTER_MS) ended.push(row);
    }
  }
  await sweep(context, ended.slice(0, MOST_SWEPT));
}

export function stored<T>(row: Row): Stored<T> {
  return { key: row.key, value: valueOf(row) as T, revision: revisionOf(row) };
}

/**
 * Writes all or nothing. A delete is first the write of a row without a value, because the SDK's transactions delete whatever is there: their
 * delete takes no condition. What was deleted so is removed right after.
 */
export async function apply(context: RecordContext, writes: readonly Prepared[]): Promise<StateRevision[]> {
  const { table, random } = context;
  const first = writes[0];
  if (first === undefined) return [];
  /** Etags of ended rows that stand where a new one is to be. */
  const ended = new Map<string, string>();
  for (let attempt = 0; attempt < TRIES + writes.length; attempt += 1) {
    const now = context.now();
    const rows = writes.map(({ text, ttl }) => ({
      text,
      expiresAt: ttl === undefined ? undefined : now + Math.ceil(ttl),
      nonce: Buffer.from(random.bytes(8)).toString('hex'),
    }));
    const made = writes.map((write, index) => ({
      entity: entityOf(rows[index] ?? { text: undefined, expiresAt: undefined, nonce: '' }, write.rowKey),
      etag: write.expected === null ? ended.get(write.key) : etagOf(write.expected, write.key, now),
    }));
    // A revision that no live record can have: which key is the first to be wrong, the records tell.
    const hopeless = writes.some(({ expected }, index) => expected !== null && made[index]?.etag === undefined);
    try {
      const [only] = made;
      const etags = hopeless
        ? undefined
        : made.length === 1 && only !== undefined
          ? [await table.write(only.entity, only.etag)]
          : await table.writeAll(made);
      if (etags !== undefined) return await finished(context, writes, rows, etags);
    } catch (error) {
      if (!isMismatch(error)) {
        const doing = `state record ${first.key} could not be written`;
        const told = stateError(error, doing, first.key, table.name);
        if (told.code !== 'ERR_STATE_UNAVAILABLE' || statusOf(error) === 401) throw told;
        // It may have been made, and its answer lost: then what is there bears our mark.
        const there = await readMany(
          context,
          writes.map(({ key }) => key),
        );
        if (there.every((row, index) => row?.nonce === rows[index]?.nonce)) {
          return finished(
            context,
            writes,
            rows,
            there.map((row) => row?.etag ?? ''),
          );
        }
        throw told;
      }
    }
    const there = await readMany(
      context,
      writes.map(({ key }) => key),
    );
    for (const [index, { key, expected }] of writes.entries()) {
      const row = there[index];
      const found = live(row, context.now());
      if ((found === undefined ? null : revisionOf(found)) !== expected) throw conflict(key, expected, found);
      if (row !== undefined && found === undefined) ended.set(key, row.etag);
      else ended.delete(key);
    }
  }
  throw new KeywheelError(
    'ERR_STATE_UNAVAILABLE',
    `state record ${first.key} could not be written, it is being changed all the time`,
    {
      hint: 'it is tried again',
      retryable: true,
      subject: first.key,
    },
  );
}

async function finished(
  context: RecordContext,
  writes: readonly Prepared[],
  rows: readonly Pick<Row, 'text' | 'expiresAt' | 'nonce'>[],
  etags: readonly string[],
): Promise<StateRevision[]> {
  const made = writes.map(({ key }, index) => ({
    key,
    text: rows[index]?.text,
    expiresAt: rows[index]?.expiresAt,
    nonce: rows[index]?.nonce ?? '',
    etag: etags[index] ?? '',
  }));
  await sweep(
    context,
    made.filter(({ text }) => text === undefined),
  );
  return made.map(revisionOf);
}

/** Removes rows that hold nothing any more. What does not go now goes another time. */
async function sweep({ table }: RecordContext, rows: readonly Row[]): Promise<void> {
  await Promise.allSettled(rows.map(({ key, etag }) => table.delete(RECORDS, encodeKey(key), etag)));
}

/** Reads may be repeated at will. */
export async function trying<T>(random: Random, doing: string, key: string, table: Table, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const told = stateError(error, doing, key, table.name);
      if (told.code !== 'ERR_STATE_UNAVAILABLE' || attempt === 2) throw told;
      await new Promise((resolve) => setTimeout(resolve, 50 + 200 * random.uniform()));
    }
  }
}

function conflict(key: string, expected: StateRevision | null, found: Row | undefined): KeywheelError {
  const wanted = expected === null ? 'absent' : `at revision ${expected}`;
  const is = found === undefined ? 'absent' : `at revision ${revisionOf(found)}`;
  return new KeywheelError('ERR_STATE_CONFLICT', `state record ${key} was not changed, because it is ${is} and not ${wanted}`, {
    hint: 'another worker was first; read it again',
    subject: key,
  });
}
