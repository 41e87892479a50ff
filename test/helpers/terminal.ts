/** Runs the command line as a user does: a process of its own, in a folder of its own. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

const BIN = path.resolve(import.meta.dirname, '../../functions/cli/bin.mjs');

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Called with stderr so far whenever there is more; may signal the process. */
  readonly onStderr?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
}

export interface Folder {
  readonly path: string;
  run(args: readonly string[], options?: RunOptions): Promise<Run>;
  remove(): Promise<void>;
}

export async function makeFolder(): Promise<Folder> {
  const folder = await mkdtemp(path.join(tmpdir(), 'keywheel-terminal-'));
  // Nothing of the user's own settings, and nothing that colours.
  const clean = { PATH: process.env['PATH'] ?? '', HOME: folder };
  return {
    path: folder,
    run: (args, options = {}) =>
      new Promise((resolve, reject) => {
        const child = spawn(process.execPath, [BIN, ...args], { cwd: folder, env: { ...clean, ...options.env } });
        let stdout = '';
        let stderr = '';
        child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
        child.stderr.setEncoding('utf8').on('data', (text: string) => {
          stderr += text;
          options.onStderr?.(stderr, (signal) => void child.kill(signal));
        });
        child.on('error', reject);
        child.on('close', (code) => resolve({ code, stdout, stderr }));
        // A command that reads nothing may end before it is written to.
        child.stdin.on('error', () => undefined);
        child.stdin.end(options.stdin ?? '');
      }),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
