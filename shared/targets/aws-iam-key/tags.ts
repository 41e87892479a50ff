/**
 * What Keywheel remembers on an IAM user. Access keys carry no tags, users do: a set of tags that only grows, with a tag of its own for each fact,
 * so that two writers who do not see each other never undo what the other wrote. https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
 *
 *     keywheel:fence:12       = <installation> <secret>             the highest one counts
 *     keywheel:key:AKIA…      = <rotation>, or adopted              keys that a rotation made or took over
 *     keywheel:intent:r-…:1763900000:… = AKIA….AKIA…                what was there when a rotation asked for a key at this second
 */
import { createHash } from 'node:crypto';
import { KeywheelError } from '../../errors.ts';
import type { Stamp } from '../port.ts';

/** One request for a key whose outcome may be unknown: when it was made, in seconds since the epoch, and which keys were there. */
interface Attempt {
  readonly tag: string;
  readonly second: number;
  readonly before: readonly string[];
}

export interface Marks {
  /** Highest first. */
  readonly fences: readonly { readonly fence: number; readonly owner: string }[];
  /** By access key id. */
  readonly keys: ReadonlyMap<string, string>;
  /** By rotation. */
  readonly attempts: ReadonlyMap<string, readonly Attempt[]>;
}

export const ADOPTED = 'adopted';
const PREFIX = 'keywheel:';
const LONGEST = 256;

export const fenceTag = (fence: number): string => `${PREFIX}fence:${fence}`;
export const keyTag = (id: string): string => `${PREFIX}key:${id}`;
/** `nonce`: two tries within one second must not be taken for one. */
export const intentTag = (rotation: string, second: number, nonce: string): string =>
  `${PREFIX}intent:${rotation}:${second}:${nonce}`;
export const intentText = (before: readonly string[]): string => (before.length === 0 ? '-' : before.join('.'));

/** Letters, digits and ` _.:/=+-@` are all that a tag may hold; everything but plain name characters is written as `=` and two hex digits. */
export function encode(text: string): string {
  return text.toWellFormed().replace(/[^\w./@-]/gu, (char) => {
    return [...Buffer.from(char)].map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
  });
}

export function ownerOf(stamp: Pick<Stamp, 'installation' | 'secret'>): string {
  const text = `${encode(stamp.installation)} ${encode(stamp.secret)}`;
  if (text.length <= LONGEST) return text;
  return `${text.slice(0, LONGEST - 66)}:${createHash('sha256').update(text).digest('hex')}`;
}

/** ERR_TARGET_MISMATCH for a mark that cannot be read: guessing at it could end somebody's key. */
export function parseMarks(user: string, tags: ReadonlyMap<string, string>): Marks {
  const fences: { fence: number; owner: string }[] = [];
  const keys = new Map<string, string>();
  const attempts = new Map<string, Attempt[]>();
  for (const [tag, value] of tags) {
    const [, kind, name] = /^keywheel:(fence|key|intent):(.+)$/.exec(tag) ?? [];
    if (kind === undefined || name === undefined) continue;
    if (kind === 'fence') fences.push({ fence: number(user, tag, name), owner: value });
    else if (kind === 'key') keys.set(name, value);
    else {
      const { rotation, attempt } = parseAttempt(user, tag, name, value);
      attempts.set(rotation, [...(attempts.get(rotation) ?? []), attempt]);
    }
  }
  return { fences: fences.toSorted((a, b) => b.fence - a.fence), keys, attempts };
}

function number(user: string, tag: string, text: string): number {
  const value = Number(text);
  if (/^\d{1,16}$/.test(text) && Number.isSafeInteger(value)) return value;
  throw unreadable(user, tag);
}

function parseAttempt(user: string, tag: string, name: string, text: string): { rotation: string; attempt: Attempt } {
  const [, rotation, second = ''] = /^([^:]+):(\d{1,12}):\w+$/.exec(name) ?? [];
  if (rotation === undefined || !/^(-|\w+(\.\w+)*)$/.test(text)) throw unreadable(user, tag);
  return { rotation, attempt: { tag, second: Number(second), before: text === '-' ? [] : text.split('.') } };
}

function unreadable(user: string, tag: string): KeywheelError {
  return new KeywheelError('ERR_TARGET_MISMATCH', `tag ${tag} of IAM user ${user} cannot be read, so nothing was changed`, {
    hint: 'find out who wrote it; put it right, or remove it and look at the keys of this user by hand',
    subject: user,
  });
}
