import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminPasswordSource, type AdminSource } from './index.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'keywheel-admin-'));
});
afterAll(() => rm(folder, { recursive: true }));

const source = (over: Partial<AdminSource> = {}): AdminSource => ({
  env: {},
  readSecret: () => Promise.resolve(undefined),
  ...over,
});

async function file(text: string, mode: number): Promise<string> {
  const name = path.join(folder, `password-${mode.toString(8)}-${text.length}`);
  await writeFile(name, text);
  await chmod(name, mode);
  return name;
}

describe('the admin password', () => {
  it('is read again at each use', async () => {
    const env: Record<string, string> = { PW: 'first' };
    const password = adminPasswordSource({ username: 'a', passwordEnv: 'PW' }, source({ env }));

    const before = await password();
    env['PW'] = 'second';

    expect([before, await password()]).toEqual(['first', 'second']);
  });

  it('comes from a 0600 file without its line end', async () => {
    const passwordFile = await file('from file \n', 0o600);

    const password = await adminPasswordSource({ username: 'a', passwordFile }, source())();

    expect(password).toBe('from file ');
  });

  it('comes from the password field of a secret in the same store', async () => {
    const readSecret = (name: string): Promise<{ password: string } | undefined> =>
      Promise.resolve(name === 'db/admin' ? { password: 'kept' } : undefined);

    const password = await adminPasswordSource({ username: 'a', secret: 'db/admin' }, source({ readSecret }))();

    expect(password).toBe('kept');
  });

  it.each([
    [{ passwordEnv: 'PW' }, {}, 'admin password: environment variable PW is not set', 'set PW for this process'],
    [{ passwordEnv: 'PW' }, { env: { PW: '' } }, 'admin password: environment variable PW is empty', 'set PW for this process'],
    [{ secret: 's' }, {}, 'admin password: secret "s" is not in the store', 'put it with: keywheel put s < admin.json'],
    [
      { secret: 's' },
      { readSecret: () => Promise.resolve({ password: 7 }) },
      'admin password: secret "s" has no password field',
      'put it with: keywheel put s < admin.json',
    ],
  ])('says what is missing for %j', async (admin, over, message, hint) => {
    const password = adminPasswordSource({ username: 'a', ...admin }, source(over));

    await expect(password()).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID', message, hint });
  });

  it('refuses a file that others may read, and never says what is in it', async () => {
    const passwordFile = await file('canary-value', 0o640);

    const error = await adminPasswordSource({ username: 'a', passwordFile }, source())().catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: `admin password file ${passwordFile}: mode 0640 lets other users read or change it`,
      hint: `run: chmod 600 ${passwordFile}`,
    });
    expect(JSON.stringify(error) + String(error)).not.toContain('canary-value');
  });

  it.each([
    ['missing', 'there is no such file'],
    ['.', 'it is not a regular file'],
  ])('refuses %s', async (name, why) => {
    const passwordFile = path.join(folder, name);

    const password = adminPasswordSource({ username: 'a', passwordFile }, source());

    await expect(password()).rejects.toMatchObject({ message: `admin password file ${passwordFile}: ${why}` });
  });

  it('refuses an empty file', async () => {
    const passwordFile = await file('\n', 0o600);

    await expect(adminPasswordSource({ username: 'a', passwordFile }, source())()).rejects.toMatchObject({
      message: `admin password file ${passwordFile}: it is empty`,
    });
  });
});
