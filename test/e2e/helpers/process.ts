/** Runs the command line as users and schedulers do: a process of its own, told apart by how it ended. */
import { spawn } from 'node:child_process';
import path from 'node:path';

const BIN = path.resolve(import.meta.dirname, '../../../functions/cli/bin.mjs');
const TIMEOUT = 60_000;

export interface Ended {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  kill(signal?: NodeJS.Signals): void;
}

export interface RunOptions {
  readonly cwd: string;
  /** The whole environment: nothing of this process's own is passed on but PATH. */
  readonly env: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Milliseconds after which it is ended by SIGKILL and counts as hung. */
  readonly timeout?: number;
  /** Bytes that it may write to any one file: what a full disk looks like to a program (EFBIG instead of ENOSPC). */
  readonly fileLimit?: number;
  /** Called with stderr so far whenever there is more. */
  readonly onStderr?: (text: string) => void;
}

export function startKeywheel(args: readonly string[], options: RunOptions): Running {
  const limit = options.fileLimit === undefined ? [] : ['prlimit', `--fsize=${options.fileLimit}`, '--'];
  const [program = '', ...rest] = [...limit, process.execPath, BIN, ...args];
  const child = spawn(program, rest, { cwd: options.cwd, env: { PATH: process.env['PATH'] ?? '', ...options.env } });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    options.onStderr?.(stderr);
  });
  const { timeout = TIMEOUT } = options;
  const ended = new Promise<Ended>((resolve, reject) => {
    let hung = false;
    const timer = setTimeout(() => {
      hung = true;
      child.kill('SIGKILL');
    }, timeout);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (hung) reject(new Error(`keywheel ${args.join(' ')} did not end within ${timeout} ms; stderr: ${stderr}`));
      else resolve({ code, signal, stdout, stderr });
    });
  });
  // A command that reads nothing may end before it is written to.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.stdin ?? '');
  return { pid: child.pid ?? 0, ended, kill: (signal = 'SIGKILL') => void child.kill(signal) };
}

export const runKeywheel = (args: readonly string[], options: RunOptions): Promise<Ended> => startKeywheel(args, options).ended;
