import { open } from 'node:fs/promises';
import { KeywheelError } from '../errors.ts';
import type { Environment } from './load.ts';
import type { HttpTargetConfig, PostgresTargetConfig } from './schema.ts';

/** Where the admin credential of a target is. `field`: of the secret, when it is not `password`. */
export type AdminConfig = Pick<PostgresTargetConfig['admin'], 'passwordEnv' | 'passwordFile' | 'secret'> &
  Partial<Pick<HttpTargetConfig['admin'], 'field'> & Pick<PostgresTargetConfig['admin'], 'username'>>;

export interface AdminSource {
  readonly env: Environment;
  /** The current value of a secret in the same store; undefined when there is none. */
  readSecret(name: string): Promise<Readonly<Record<string, unknown>> | undefined>;
}

const MOST_BYTES = 64 * 1024;

const refuse = (message: string, hint: string, subject: string): KeywheelError =>
  new KeywheelError('ERR_CONFIG_INVALID', message, { hint, subject });

async function fromFile(file: string): Promise<string> {
  const hint = `write the password into it, then run: chmod 600 ${file}`;
  const handle = await open(file, 'r').catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${cause.code ?? 'unknown reason'})`;
    throw refuse(`admin password file ${file}: ${why}`, hint, file);
  });
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw refuse(`admin password file ${file}: it is not a regular file`, hint, file);
    // Checked on the open file, so that what was checked is what is read. Windows has no such mode.
    if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0) {
      const mode = (stat.mode & 0o777).toString(8).padStart(4, '0');
      throw refuse(
        `admin password file ${file}: mode ${mode} lets other users read or change it`,
        `run: chmod 600 ${file}`,
        file,
      );
    }
    if (stat.size > MOST_BYTES) throw refuse(`admin password file ${file}: it is larger than a password can be`, hint, file);
    const password = (await handle.readFile('utf8')).replace(/\r?\n$/, '');
    if (password === '') throw refuse(`admin password file ${file}: it is empty`, hint, file);
    return password;
  } finally {
    await handle.close();
  }
}

/**
 * How to get the admin credential that the configuration names. It is read at each call, so that the admin credential's own
 * rotation needs no restart. ERR_CONFIG_INVALID, with what to do, when it is missing; the value is in no error.
 */
export function adminPasswordSource(admin: AdminConfig, source: AdminSource): () => Promise<string> {
  return async () => {
    if (admin.passwordEnv !== undefined) {
      const password = source.env[admin.passwordEnv];
      if (password !== undefined && password !== '') return password;
      const state = password === undefined ? 'is not set' : 'is empty';
      throw refuse(
        `admin password: environment variable ${admin.passwordEnv} ${state}`,
        `set ${admin.passwordEnv} for this process`,
        admin.passwordEnv,
      );
    }
    if (admin.passwordFile !== undefined) return fromFile(admin.passwordFile);
    if (admin.secret !== undefined) {
      const value = await source.readSecret(admin.secret);
      const field = admin.field ?? 'password';
      const password = value?.[field];
      if (typeof password === 'string' && password !== '') return password;
      const why = value === undefined ? 'is not in the store' : `has no ${field} field`;
      const hint = `put it with: keywheel put ${admin.secret} < admin.json`;
      throw refuse(`admin password: secret ${JSON.stringify(admin.secret)} ${why}`, hint, admin.secret);
    }
    throw refuse(
      'admin password: no source is configured',
      'set one of passwordEnv, passwordFile or secret under admin',
      'admin',
    );
  };
}
