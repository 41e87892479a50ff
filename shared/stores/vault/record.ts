/**
 * The companion record of a secret: what KV v2 itself cannot hold. It lies under `pendingPrefix`, keeps one version, and is only
 * ever replaced by compare-and-set. docs/storage-schema.md describes its fields.
 */
import { KeywheelError } from '../../errors.ts';
import type { SecretValue, VersionRef } from '../port.ts';
import type { Entry, Fields } from './kv.ts';

/** A version that was staged and is not in the main path. It may have lost the label pending to another one. */
export interface Staged extends VersionRef {
  readonly rotationId: string;
  readonly value: SecretValue;
}

/** Written before the main path is: should the answer be lost, the value tells whether that number is ours. */
export interface Intent extends VersionRef {
  readonly number: number;
  readonly value: SecretValue;
}

/** A number of the main path that holds a version which has another name: ours, or an older one that became current again. */
export interface Published extends VersionRef {
  readonly number: number;
  /** Numbers begin again when a key is deleted for good; the time tells the two apart. */
  readonly created: string;
}

export interface CompanionRecord {
  /** Its own number in KV, for the next compare-and-set; 0 when there is none. */
  readonly number: number;
  readonly staged: readonly Staged[];
  readonly pending?: string;
  readonly intents: readonly Intent[];
  readonly published: readonly Published[];
  /** Rotation ids. No material is left of them. */
  readonly discarded: readonly string[];
}

const SCHEMA_VERSION = 1;
/** Versions that lost the label. Rotations that are this far behind are over. */
const MOST_UNLABELLED = 2;
const MOST_INTENTS = 2;
const MOST_PUBLISHED = 64;
const MOST_DISCARDED = 128;

export function emptyRecord(number: number): CompanionRecord {
  return { number, staged: [], intents: [], published: [], discarded: [] };
}

/** What is kept is bounded, newest last. What was staged too long ago counts as discarded. */
export function fieldsOf(record: CompanionRecord): Fields {
  const unlabelled = record.staged.filter((each) => each.id !== record.pending);
  const dropped = unlabelled.slice(0, Math.max(0, unlabelled.length - MOST_UNLABELLED));
  const withText = ({ value, createdAt, ...rest }: Staged | Intent): Fields => ({
    ...rest,
    ...(createdAt === 0 ? {} : { createdAt }),
    value: JSON.stringify(value), // as text, since KV sorts the fields of objects
  });
  return {
    schemaVersion: SCHEMA_VERSION,
    staged: record.staged.filter((each) => !dropped.includes(each)).map(withText),
    ...(record.pending === undefined ? {} : { pending: record.pending }),
    intents: record.intents.slice(-MOST_INTENTS).map(withText),
    published: record.published.slice(-MOST_PUBLISHED),
    discarded: [...record.discarded, ...dropped.map((each) => each.rotationId)].slice(-MOST_DISCARDED),
  };
}

/** ERR_STORE_CORRUPT when it is not what Keywheel wrote; ERR_STATE_NEWER when a later one did. */
export function recordOf(name: string, entry: Entry | undefined): CompanionRecord {
  // Somebody may have deleted it: then its number still counts for the compare-and-set.
  if (entry?.fields === undefined) return emptyRecord(entry?.number ?? 0);
  const { schemaVersion, pending, ...fields } = entry.fields;
  if (typeof schemaVersion === 'number' && schemaVersion > SCHEMA_VERSION) {
    throw new KeywheelError('ERR_STATE_NEWER', `the pending record of ${name} was written by a newer keywheel`, {
      hint: 'use that version, or a later one',
      subject: name,
    });
  }
  const corrupt = (): KeywheelError =>
    new KeywheelError('ERR_STORE_CORRUPT', `the pending record of ${name} is not as keywheel wrote it`, {
      hint: 'look at it under `pendingPrefix`; without it a rotation that is under way is given up',
      subject: name,
    });
  // What was new when the record was written has no time of its own: it is the record's.
  const createdAt = Date.parse(entry.created);
  const rows = <T>(key: string): T[] => {
    const rows = fields[key];
    if (!Array.isArray(rows)) throw corrupt();
    return rows.map((row: unknown) => {
      if (typeof row !== 'object' || row === null || typeof (row as Fields)['id'] !== 'string') throw corrupt();
      const { value } = row as Fields;
      return { createdAt, ...row, ...(value === undefined ? {} : { value: valueOf(value, corrupt) }) } as T;
    });
  };
  const discarded = fields['discarded'];
  if (schemaVersion !== SCHEMA_VERSION || !Array.isArray(discarded)) throw corrupt();
  return {
    number: entry.number,
    staged: rows<Staged>('staged'),
    ...(typeof pending === 'string' ? { pending } : {}),
    intents: rows<Intent>('intents'),
    published: rows<Published>('published'),
    discarded: discarded.map(String),
  };
}

function valueOf(text: unknown, corrupt: () => KeywheelError): SecretValue {
  try {
    return JSON.parse(String(text)) as SecretValue;
  } catch {
    throw corrupt(); // the parser's own error quotes the text
  }
}
