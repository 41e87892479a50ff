/** What the parsers of all sources share: bounded texts, times, and shapes of hostile JSON. Pure. */
import { FLAG, type Skip } from '../event.ts';
import type { ParseContext } from '../source.ts';

export { clientOf, isAutomation } from './common-client.ts';
export { netOf, NO_NET } from './common-net.ts';
export { timeOf } from './common-time.ts';

/** One object each: a skipped record allocates nothing. */
export const SKIP = {
  irrelevant: { skip: 'irrelevant' },
  paired: { skip: 'paired' },
  malformed: { skip: 'malformed' },
  unknown: { skip: 'unknown' },
} as const satisfies Record<string, Skip>;

/** Most secrets that one event names; what is more counts in `weight`. */
export const MOST_SECRETS = 100;
/** Longest name of a secret, principal or path that is kept: more than any store allows. */
export const NAME_MAX = 512;

/**
 * `text` in NFC, at most `max` UTF-16 units, well-formed, so that two spellings of one name are one name and no text fills memory.
 * Control characters stay: whoever prints it escapes them.
 */
export function capped(text: string, max: number): string {
  // Cut before normalising: a megabyte of combining marks is not worth sorting.
  const short = text.length > max ? text.slice(0, max) : text;
  if (isPlain(short)) return short;
  const normal = short.normalize('NFC');
  return (normal.length > max ? normal.slice(0, max) : normal).toWellFormed();
}

function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || code > 0x7e) return false;
  }
  return true;
}

const AHEAD = 5 * 60_000;
/** FLAG.skewed where an event is from the future, else 0. */
export const skewOf = (time: number, { received }: ParseContext): number => (time > received + AHEAD ? FLAG.skewed : 0);

type Json = Readonly<Record<string, unknown>>;

/** The object that `value` is; an array is none. */
export const objectOf = (value: unknown): Json | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;

/** An own property: never what a prototype has by this name. */
export const own = (value: Json | undefined, key: string): unknown =>
  value !== undefined && Object.hasOwn(value, key) ? value[key] : undefined;

export const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** A list of words, written as one text. */
export const words = (text: string): readonly string[] => text.split(' ');

/** At most `most` items of an array; a lone value counts as an array of one. */
export function listOf(value: unknown, most: number): readonly unknown[] {
  if (Array.isArray(value)) return value.length > most ? value.slice(0, most) : (value as readonly unknown[]);
  return value === undefined || value === null ? [] : [value];
}
