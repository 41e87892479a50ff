import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from './index.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'keywheel-check-vault-'));
});
afterAll(() => rm(folder, { recursive: true }));

const approle = { method: 'approle', roleIdEnv: 'ROLE_ID', secretIdFile: 'secret-id' };

/** The store as it is loaded, or the lines of what is wrong. */
async function load(store: Record<string, unknown>, name = 'app/db'): Promise<unknown> {
  const file = path.join(folder, 'keywheel.yaml');
  const target = {
    kind: 'postgres',
    host: 'db.example.com',
    database: 'app',
    admin: { username: 'keywheel', passwordEnv: 'PG_ADMIN_PASSWORD' },
    accounts: ['app_a', 'app_b'],
    ownerRole: 'app_owner',
  };
  const stores = { main: { kind: 'vault', address: 'https://vault.example.com:8200', ...store } };
  const secrets = { [name]: { store: 'main', strategy: 'dual-account', target } };
  await writeFile(file, stringify({ version: 1, state: { kind: 'sqlite', path: 'state.db' }, stores, secrets }));
  return loadConfig(file).then(
    (config) => config.stores['main'],
    (error: { code: string; message: string }) => {
      expect(error.code).toBe('ERR_CONFIG_INVALID');
      return error.message.replaceAll(file, 'keywheel.yaml').split('\n');
    },
  );
}

describe('a vault store', () => {
  it('has defaults for all but its address and login, and absolute files', async () => {
    expect(await load({ login: approle, ca: 'ca.pem' })).toEqual({
      kind: 'vault',
      address: 'https://vault.example.com:8200',
      mount: 'secret',
      pendingPrefix: 'keywheel-pending/',
      ca: path.join(folder, 'ca.pem'),
      login: { method: 'approle', mount: 'approle', roleIdEnv: 'ROLE_ID', secretIdFile: path.join(folder, 'secret-id') },
    });
  });

  it.each([
    [{ method: 'approle', roleIdEnv: 'A' }],
    [{ method: 'kubernetes', role: 'r' }],
    [{ method: 'jwt', role: 'r', jwtFile: 'token', mount: 'jwt/github' }],
    [{ method: 'token' }],
    [{ method: 'token', tokenFile: 'token' }],
  ])('takes %j', async (login) => {
    expect(await load({ login })).toMatchObject({ login: { method: login.method } });
  });

  it.each([
    [{ method: 'approle' }, 'has no source of the role id; set roleIdEnv or roleIdFile'],
    [{ ...approle, roleIdFile: 'x' }, 'has two sources of the role id; set only one of roleIdEnv or roleIdFile'],
    [{ ...approle, secretIdEnv: 'X' }, 'has two sources of the secret id; set only one of secretIdEnv or secretIdFile'],
    [{ method: 'jwt', role: 'r' }, 'has no source of the token; set jwtEnv or jwtFile'],
    [{ method: 'jwt', role: 'r', jwtEnv: 'A', jwtFile: 'b' }, 'has two sources of the token; set only one of jwtEnv or jwtFile'],
    [{ method: 'token', tokenEnv: 'A', tokenFile: 'b' }, 'has two sources of the token; set only one of tokenEnv or tokenFile'],
  ])('refuses the login %j', async (login, says) => {
    expect(await load({ login })).toEqual([
      expect.stringMatching(new RegExp(`^keywheel.yaml:\\d+: stores.main.login: ${says}$`)),
    ]);
  });

  it.each([
    ['mount', ['secret', 'team/kv', 'a.b'], ['', '/kv', 'kv/', 'a//b', '..', 'a/../b', '.', './a', 'a/.', 'a b', 'a?b', 'a%2f']],
    ['namespace', ['admin', 'admin/team', 'admin/'], ['/admin', '..', 'a b']],
    ['pendingPrefix', ['p/', 'a/b/'], ['p', '/p/', '../', 'a/./', '']],
  ])('takes a %s that is a path below its place, and no other', async (key, good, bad) => {
    for (const value of good) expect(await load({ login: approle, [key]: value })).toMatchObject({ [key]: value });
    for (const value of bad) {
      expect([value, await load({ login: approle, [key]: value })]).toEqual([
        value,
        [expect.stringContaining(`stores.main.${key}: `)],
      ]);
    }
  });

  it.each([
    ['keywheel-pending/app', 'pendingPrefix'],
    ['/app', 'is no path in vault'],
    ['app/', 'is no path in vault'],
    ['a//b', 'is no path in vault'],
    ['a/../b', 'is no path in vault'],
    ['a/./b', 'is no path in vault'],
  ])('refuses the secret name %s', async (name, says) => {
    expect(await load({ login: approle }, name)).toEqual([expect.stringContaining(says)]);
  });

  it.each(['app', 'a/b/c', 'app%', 'a.b', 'keywheel-pending', 'ключ'])('takes the secret name %s', async (name) => {
    expect(await load({ login: approle }, name)).toMatchObject({ kind: 'vault' });
  });
});
