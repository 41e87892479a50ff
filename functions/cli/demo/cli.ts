/** Runs the production command line as a user would: a process of its own, which can be killed. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../bin.mjs', import.meta.url));
const KEPT_OUTPUT = 4000;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last of what it said on stderr. */
  readonly said: string;
}

export interface Run {
  readonly done: Promise<Ended>;
  kill(signal: NodeJS.Signals): void;
}

/** `onStart` gets the process id and returns what to call when the process has ended. */
export function keywheel(args: readonly string[], onStart: (pid: number) => () => void): Run {
  const child = spawn(process.execPath, [...process.execArgv, BIN, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, NO_COLOR: '1' },
  });
  const ended = child.pid === undefined ? undefined : onStart(child.pid);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-KEPT_OUTPUT);
  });
  const done = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      ended?.();
      resolve({ code, signal, said: said.trim() });
    });
  });
  // Whoever awaits `done` sees the error; nobody may be awaiting it yet.
  done.catch(() => undefined);
  return { done, kill: (signal) => void child.kill(signal) };
}
