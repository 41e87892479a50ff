/** Starts the worker processes and adds up what they count. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { WorkerJob, WorkerReport } from './tally.ts';

const STOP_TIMEOUT = 8000;

export interface Workers {
  /** Asks every worker to finish and waits until all are gone. Safe to call twice. */
  stop(): Promise<void>;
  stopNow(): void;
}

export interface WorkerListener {
  report(report: WorkerReport): void;
  /** A worker ended without being asked: whatever it was doing has failed. */
  lost(code: string): void;
}

/** `env` is added to this process's own environment. */
export function startWorkers(
  count: number,
  job: WorkerJob,
  listener: WorkerListener,
  env: Readonly<Record<string, string>> = {},
): Workers {
  let stopping = false;
  const children: ChildProcess[] = [];
  for (let n = 0; n < count; n += 1) {
    const child = fork(new URL('./worker.ts', import.meta.url), [], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      env: { ...process.env, ...env },
    });
    child.on('message', (message) => listener.report(message as WorkerReport));
    child.on('error', () => undefined);
    child.on('exit', (code, signal) => {
      if (!stopping) listener.lost(signal ?? `exit ${code ?? 'unknown'}`);
    });
    child.send(job);
    children.push(child);
  }
  return {
    async stop() {
      stopping = true;
      await Promise.all(children.map(stopOne));
    },
    stopNow() {
      stopping = true;
      for (const child of children) child.kill('SIGKILL');
    },
  };
}

async function stopOne(child: ChildProcess): Promise<void> {
  if (gone(child)) return;
  const exited = once(child, 'exit');
  if (child.connected) child.send('stop', () => undefined);
  const timer = new AbortController();
  await Promise.race([exited, delay(STOP_TIMEOUT, undefined, { signal: timer.signal }).catch(() => undefined)]);
  timer.abort();
  if (!gone(child)) {
    child.kill('SIGKILL');
    await exited;
  }
}

function gone(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
