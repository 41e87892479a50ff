/** Whatever the demo starts is given back: at the end, at an error, at Ctrl-C, and when its own process is killed. */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface Scope {
  /** Aborts at the first SIGINT, SIGTERM or SIGHUP. */
  readonly signal: AbortSignal;
  /** `now` is the way out that does not wait, for a process that is exiting. */
  onClose(close: () => Promise<void>, now?: () => void): void;
  /** Last in, first out. Every step is taken, whatever the others do. */
  close(): Promise<void>;
}

export function openScope(): Scope {
  const interruption = new AbortController();
  const steps: { close: () => Promise<void>; now?: () => void }[] = [];
  const interrupt = (): void => interruption.abort();
  const leave = (): void => {
    for (const step of steps.toReversed()) step.now?.();
  };
  for (const name of SIGNALS) process.on(name, interrupt);
  process.on('exit', leave);
  return {
    signal: interruption.signal,
    onClose(close, now) {
      steps.push(now ? { close, now } : { close });
    },
    async close() {
      try {
        for (let step = steps.pop(); step; step = steps.pop()) await step.close().catch(() => undefined);
      } finally {
        // Only now: a second Ctrl-C must not leave the server running.
        for (const name of SIGNALS) process.removeListener(name, interrupt);
        process.removeListener('exit', leave);
      }
    },
  };
}

export async function removeFolder(dir: string): Promise<void> {
  await rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

export function removeFolderNow(dir: string): void {
  try {
    rmSync(dir, { recursive: true, force: true });
  } catch {
    // The server may still be writing; the guard below tries again.
  }
}

export interface Guard {
  /** Names a process that must not outlive the demo; call the result when it has ended. */
  watch(pid: number): () => void;
}

/**
 * SIGKILL cannot be caught, so a second process waits for this one to end: its stdin is a pipe that only we hold. It then ends the
 * rotation and the server and, unless it is to be kept, removes the folder. After a clean end it finds nothing to do.
 */
export function guardFolder(dir: string, keep: boolean): Guard {
  const guard = spawn(process.execPath, ['-e', GUARD, dir, keep ? 'keep' : 'remove'], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.on('error', () => undefined);
  guard.stdin.on('error', () => undefined);
  guard.unref();
  // A pipe keeps the event loop alive unless told not to.
  (guard.stdin as unknown as { unref?: () => void }).unref?.();
  return {
    watch(pid) {
      guard.stdin.write(`+${pid}\n`);
      return () => void guard.stdin.write(`-${pid}\n`);
    },
  };
}

const GUARD = `
const fs = require('node:fs'), path = require('node:path');
const [, dir, keep] = process.argv;
let text = '';
const kill = (pid, signal) => { try { process.kill(Number(pid), signal); } catch {} };
const clean = () => {
  const running = new Set();
  for (const line of text.split('\\n')) line[0] === '+' ? running.add(line.slice(1)) : running.delete(line.slice(1));
  for (const pid of running) kill(pid, 'SIGKILL');
  if (!fs.existsSync(dir)) return process.exit();
  try { kill(Number.parseInt(fs.readFileSync(path.join(dir, 'pgdata', 'postmaster.pid'), 'utf8'), 10), 'SIGQUIT'); } catch {}
  if (keep === 'keep') return process.exit();
  setTimeout(() => { try { fs.rmSync(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }); } catch {} process.exit(); }, 500);
};
process.on('SIGHUP', () => {}).on('SIGINT', () => {});
process.stdin.setEncoding('utf8').on('data', (chunk) => { text += chunk; }).on('end', clean).on('error', clean);
`;
