/** Starts a program under the guard: on its own folder, with its output in a file, healthy before it is handed out. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { KeywheelError } from '../../shared/errors.ts';

const GUARD = path.join(import.meta.dirname, 'guard.mjs');
const POLL_MS = 25;
/** Tells the guard to leave the folder. */
const KEEP = 'keep\n';

export interface ProgramOptions {
  readonly name: string;
  /** A folder made by `programFolder`; the guard removes it when the program has ended. */
  readonly folder: string;
  readonly file: string;
  /** Everybody on the machine can read them: never material. */
  readonly args: readonly string[];
  /** Added to PATH and HOME (the program's folder); the test's own environment is not passed on. */
  readonly env?: Readonly<Record<string, string>>;
  /** Asked again and again until it says true. A throw counts as not yet. */
  readonly ready: () => Promise<boolean>;
  /** Milliseconds until the program must be ready. */
  readonly timeout?: number;
}

export interface Program {
  readonly pid: number;
  readonly logFile: string;
  readonly stop: () => Promise<void>;
  /** SIGKILL, as a power cut would; resolves when the program is gone. The folder stays, for a program that is started on it next. */
  readonly crash: () => Promise<void>;
}

type Message = { pid: number } | { failed: string } | { code: number | null; signal: string | null };

/** A new folder that only this user can enter. */
export function programFolder(name: string): Promise<string> {
  return mkdtemp(path.join(tmpdir(), `keywheel-peer-${name}-`));
}

/**
 * ERR_TARGET_FAILED when the program ended before it was ready, ERR_TIMEOUT when it was not ready in time; the folder with its log
 * then stays, and the hint names the log.
 */
export async function startProgram(options: ProgramOptions): Promise<Program> {
  const { name, folder, file, args, env = {}, timeout = 30_000 } = options;
  const logFile = path.join(folder, `${name}.log`);
  const guard = spawn(process.execPath, [GUARD, folder, logFile, file, ...args], {
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, ...env },
  });
  letGo(guard);
  const stdin = guard.stdin;
  stdin.on('error', () => {}); // the guard has ended, which its exit event tells
  // What the guard has told up to now.
  const seen: { pid?: number; ended?: string } = {};
  createInterface(guard.stdout).on('line', (line) => {
    const message = JSON.parse(line) as Message;
    if ('pid' in message) seen.pid = message.pid;
    else if ('failed' in message) seen.ended = `it could not be run: ${message.failed}`;
    else seen.ended = message.signal === null ? `it exited with status ${message.code}` : `it was ended by ${message.signal}`;
  });
  // `close`, not `exit`: only then has everything been read that the guard told.
  const gone = once(guard, 'close').then(async () => {
    if (seen.ended !== undefined) return;
    // The guard itself was killed: then its work falls to us.
    seen.ended = 'its guard was ended';
    killGroup(seen.pid);
    await rm(folder, { recursive: true, force: true });
  });

  const end = async (last: '' | typeof KEEP): Promise<void> => {
    guard.ref();
    stdin.end(last);
    await gone;
  };
  const stop = () => end('');
  const crash = (): Promise<void> => {
    killGroup(seen.pid);
    return end(KEEP);
  };

  const deadline = Date.now() + timeout;
  while (seen.ended === undefined && Date.now() < deadline) {
    if (seen.pid !== undefined && (await options.ready().catch(() => false))) return { pid: seen.pid, logFile, stop, crash };
    await delay(POLL_MS);
  }
  const why = seen.ended;
  await end(KEEP);
  const hint = `read ${logFile}`;
  if (why !== undefined) throw new KeywheelError('ERR_TARGET_FAILED', `${name} did not start, ${why}`, { hint });
  throw new KeywheelError('ERR_TIMEOUT', `${name} did not start, it was not ready within ${timeout} ms`, { hint });
}

/** A forgotten peer must not keep the test process alive: when that ends, the guard ends the peer. */
function letGo(guard: ChildProcess): void {
  guard.unref();
  (guard.stdin as Socket | null)?.unref();
  (guard.stdout as Socket | null)?.unref();
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // it ended in this moment
  }
}
