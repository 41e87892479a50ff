/** The key of a local store: 32 random bytes, base64, in a file that only its owner can read or in an environment variable. */
import { createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, fsyncSync, mkdirSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import type { Environment } from '../../config/index.ts';
import { KeywheelError } from '../../errors.ts';

const KEY_BYTES = 32;
const LONGEST_FILE = 1024;

export interface KeySource {
  readonly keyFile?: string | undefined;
  readonly keyEnv?: string | undefined;
}

/** What is derived from the key for one store file, so that the same key in two files never meets the same cipher key. */
export interface StoreKeys {
  readonly encrypt: Uint8Array;
  readonly seal: Uint8Array;
  /** Tells a wrong key from a damaged file. Says nothing about the key. */
  readonly check: Uint8Array;
}

/**
 * Writes a fresh key to a new file with mode 0600, in a directory with mode 0700 if that is missing too.
 * ERR_STORE_KEY when the file exists: another key would make every value in the store unreadable.
 */
export function createLocalStoreKey(file: string): void {
  let descriptor: number | undefined;
  try {
    mkdirSync(path.dirname(path.resolve(file)), { recursive: true, mode: 0o700 });
    descriptor = openSync(file, 'wx', 0o600);
    writeSync(descriptor, `${randomBytes(KEY_BYTES).toString('base64')}\n`);
    fsyncSync(descriptor);
  } catch (error) {
    if (descriptor !== undefined) rmSync(file, { force: true }); // half a key is worse than none
    const errno = errnoOf(error);
    if (errno === 'EEXIST') {
      throw keyError(file, `store key file ${file} was not written, because it exists already`, 'keep it, or move it away first');
    }
    throw keyError(
      file,
      `store key file ${file} could not be written (${errno})`,
      'check the path, its permissions and free space',
    );
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** The key's bytes. ERR_STORE_KEY when it is missing, exposed or malformed, or when not exactly one source is named. */
export function readKey({ keyFile, keyEnv }: KeySource, env: Environment = process.env): Uint8Array {
  if ((keyFile === undefined) === (keyEnv === undefined)) {
    const said = keyFile === undefined ? 'neither keyFile nor keyEnv is given' : 'both keyFile and keyEnv are given';
    throw new KeywheelError('ERR_STORE_KEY', `local store has no certain key, because ${said}`, {
      hint: 'give exactly one of keyFile and keyEnv in keywheel.yaml',
    });
  }
  if (keyFile !== undefined) return parse(readKeyFile(keyFile), keyFile, `store key file ${keyFile}`);
  const name = keyEnv ?? '';
  const text = env[name];
  if (text === undefined || text === '') {
    throw keyError(name, `store key cannot be read, because ${name} is not set`, `export ${name} with the 32-byte key in base64`);
  }
  return parse(text, name, `store key in ${name}`);
}

/** HKDF-SHA256 (RFC 5869) with the store's own random id as salt. */
export function deriveKeys(key: Uint8Array, storeId: string): StoreKeys {
  const derive = (purpose: string) => new Uint8Array(hkdfSync('sha256', key, storeId, `keywheel/local/1/${purpose}`, KEY_BYTES));
  return {
    encrypt: derive('encrypt'),
    seal: derive('seal'),
    check: createHmac('sha256', derive('check')).update('keywheel').digest(),
  };
}

function readKeyFile(file: string): string {
  let descriptor: number;
  try {
    // Non-blocking, so that a named pipe in its place is refused and not waited for.
    descriptor = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    const errno = errnoOf(error);
    const why = errno === 'ENOENT' ? 'there is no such file' : `it cannot be opened (${errno})`;
    const hint =
      errno === 'ENOENT' ? 'restore the key from a backup; `keywheel init` writes one for a new store' : 'check its permissions';
    throw keyError(file, `store key file ${file} cannot be read, because ${why}`, hint);
  }
  try {
    // The opened file is judged, not the name: a link to something looser shows that file's mode.
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) {
      throw keyError(file, `store key file ${file} cannot be used, because it is not a regular file`, 'name a regular file');
    }
    if (process.platform !== 'win32') refuseExposed(file, stat);
    const buffer = Buffer.alloc(LONGEST_FILE);
    return buffer.toString('latin1', 0, readSync(descriptor, buffer));
  } finally {
    closeSync(descriptor);
  }
}

function refuseExposed(file: string, stat: { mode: number; uid: number }): void {
  const mode = (stat.mode & 0o777).toString(8).padStart(4, '0');
  if ((stat.mode & 0o177) !== 0) {
    const message = `store key file ${file} cannot be used, because its mode is ${mode} and others may read or change it`;
    throw keyError(file, message, `chmod 600 ${file}`);
  }
  const me = process.geteuid?.() ?? 0;
  if (me !== 0 && stat.uid !== me && stat.uid !== 0) {
    throw keyError(file, `store key file ${file} cannot be used, because another user owns it`, `chown ${me} ${file}`);
  }
}

function parse(text: string, subject: string, what: string): Uint8Array {
  const base64 = text.trim();
  const key = Buffer.from(base64, 'base64');
  if (key.length !== KEY_BYTES || key.toString('base64') !== base64) {
    throw keyError(subject, `${what} cannot be used, because it is not 32 bytes in base64`, 'restore the key from a backup');
  }
  return new Uint8Array(key);
}

function keyError(subject: string, message: string, hint: string): KeywheelError {
  return new KeywheelError('ERR_STORE_KEY', message, { hint, subject });
}

function errnoOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error';
}
