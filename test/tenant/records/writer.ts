/** What the four writers share. */
import type { Random } from '../random.ts';
import type { Act } from '../types.ts';

/** A record, and the vendor's id of its event. */
export type Out = (line: string, id: string) => void;
/** Writes the records of an act, the one that matters first; none where the store records nothing of the kind. */
export type Writer = (act: Act, out: Out) => void;
export type MakeWriter = (random: Random) => Writer;

export const json = (value: unknown): string => JSON.stringify(value);

let second = -1;
let text = '';
/** `2026-01-02T03:04:05`, remembered while the second is the same. */
export function seconds(time: number): string {
  const now = Math.floor(time / 1000);
  if (now !== second) {
    second = now;
    text = new Date(now * 1000).toISOString().slice(0, 19);
  }
  return text;
}

export const millis = (time: number): string => `${seconds(time)}.${String(Math.floor(time % 1000)).padStart(3, '0')}`;
