/** What the terminal answers to something that cannot be done: one message, one hint, one exit code, the same with and without --json. */
import { expect } from 'vitest';
import type { Ended } from './process.ts';
import type { Room, RoomRunOptions } from './room.ts';

export interface Answer {
  readonly exit: number;
  /** The error's or the hold's code. */
  readonly code: string;
  /** The whole message; `…` in it stands for anything. */
  readonly message: string;
  readonly hint: string;
}

interface Told {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

/** The one thing that a JSON answer says went wrong. */
export function toldBy(stdout: string): Told | undefined {
  expect(stdout.trimEnd().split('\n')).toHaveLength(1);
  const body = JSON.parse(stdout) as {
    schemaVersion: number;
    error?: Told;
    results?: { error?: Told; rotation?: { hold?: Told; failure?: Told } }[];
  };
  expect(body.schemaVersion).toBe(1);
  const [result] = body.results ?? [];
  return body.error ?? result?.rotation?.hold ?? result?.error ?? result?.rotation?.failure;
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const pattern = (text: string): RegExp => new RegExp(`^${text.split('…').map(escaped).join('.*')}$`, 's');

/** Runs `args` with --json and holds what it says to `answer`. */
export async function expectAnswer(
  room: Room,
  args: readonly string[],
  answer: Answer,
  options: RoomRunOptions = {},
): Promise<Ended> {
  const ended = await room.run([...args, '--json'], options);
  const told = toldBy(ended.stdout);
  expect(told?.message).toMatch(pattern(answer.message));
  expect(told?.hint ?? '').toMatch(pattern(answer.hint));
  expect({ code: told?.code, exit: ended.code, signal: ended.signal }).toEqual({
    code: answer.code,
    exit: answer.exit,
    signal: null,
  });
  expectOneMessage(ended, told?.message ?? '');
  return ended;
}

/** On stderr: the message once, its hint, nothing of a stack or of a driver. */
export function expectOneMessage({ stderr }: Ended, message: string): void {
  const lines = stderr.trimEnd().split('\n');
  const hints = lines.filter((line) => line.startsWith('hint: '));
  const said = lines.filter((line) => line.startsWith('keywheel: '));
  expect(said).toHaveLength(message.split('\n').length);
  expect(said.join('\n')).toContain(message.split('\n')[0]);
  expect(hints).toHaveLength(1);
  expect([...said, ...hints]).toEqual(lines);
}
