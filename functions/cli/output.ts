import type { Environment } from '../../shared/config/index.ts';
import { isKeywheelError } from '../../shared/errors.ts';
import { EXIT, exitCodeOf, type ExitCode } from '../../shared/reply/index.ts';
import { harmless, jsonLine } from './text.ts';

/** The least of a stream that is needed to write to it. */
export interface Sink {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

export type Tone = 'good' | 'warn' | 'bad' | 'dim' | 'bold';
export type Paint = (tone: Tone, text: string) => string;

const CODES: Readonly<Record<Tone, number>> = { bold: 1, dim: 2, bad: 31, good: 32, warn: 33 };

/** FORCE_COLOR decides where it is set (0 is no), as in Node itself; then NO_COLOR; then whether it is a terminal. */
export function wantsColour(sink: Sink, env: Environment): boolean {
  const force = env['FORCE_COLOR'];
  if (force !== undefined) return force !== '0' && force !== 'false';
  if ((env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb') return false;
  return sink.isTTY === true;
}

export function painter(sink: Sink, env: Environment): Paint {
  if (!wantsColour(sink, env)) return (_tone, text) => text;
  return (tone, text) => `\u001b[${CODES[tone]}m${text}\u001b[0m`;
}

/** Where a command writes: data to stdout, everything else to stderr. */
export interface Output {
  readonly json: boolean;
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** For data. */
  readonly paint: Paint;
  /** Columns that tables may use. */
  readonly width: number;
  /** One line of data. Its parts from outside must be harmless already. */
  line(text: string): void;
  /** One JSON object on one line, with its schemaVersion. */
  record(value: object): void;
  /** `keywheel: …` on stderr, a line each. */
  say(message: string): void;
  hint(text: string): void;
  /** Tells an error on stderr, and with --json on stdout too; returns the exit code that it means. */
  fail(error: unknown): ExitCode;
}

export interface OutputOptions {
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly env: Environment;
  readonly json: boolean;
}

const DEFAULT_WIDTH = 80;

interface Told {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

/** Only our own errors' text is known to be free of material; of another one only the name is told. */
function tellable(error: unknown): Told {
  if (isKeywheelError(error)) {
    return { code: error.code, message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) };
  }
  const name = error instanceof Error ? error.name : typeof error;
  return {
    code: 'ERR_INTERNAL',
    message: `an unexpected ${name}; its text is withheld because it may hold material`,
    hint: 'set KEYWHEEL_DEBUG=1 to see where it was thrown',
  };
}

/** Where an unexpected error was thrown, without its message. */
function frames(error: unknown): string[] {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  return stack.split('\n').filter((line) => /^\s+at /.test(line));
}

export function createOutput({ stdout, stderr, env, json }: OutputOptions): Output {
  const warn = painter(stderr, env);
  const say = (message: string): void => {
    for (const line of message.split('\n')) stderr.write(`keywheel: ${harmless(line)}\n`);
  };
  const hint = (text: string): void => void stderr.write(`${warn('dim', 'hint:')} ${harmless(text)}\n`);
  const record = (value: object): void => void stdout.write(`${jsonLine({ schemaVersion: 1, ...value })}\n`);
  return {
    json,
    stdout,
    stderr,
    paint: painter(stdout, env),
    width: stdout.isTTY === true ? stdout.columns || DEFAULT_WIDTH : DEFAULT_WIDTH,
    line: (text) => void stdout.write(`${text}\n`),
    record,
    say,
    hint,
    fail(error) {
      const told = tellable(error);
      if (json) record({ error: told });
      say(told.message);
      if (told.hint !== undefined) hint(told.hint);
      if (!isKeywheelError(error) && env['KEYWHEEL_DEBUG'] === '1') for (const frame of frames(error)) say(frame.trim());
      return isKeywheelError(error) ? exitCodeOf(error.code) : EXIT.failed;
    },
  };
}
