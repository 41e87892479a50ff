import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { configToPackage } from '../../scripts/package/config.ts';
import { CLOUDS } from '../../scripts/package/clouds.ts';
import { CERTIFICATE, configOf, place, type Place } from './helpers/configs.ts';

const PRIVATE_KEY = '-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n';

let at: Place | undefined;
afterEach(() => at?.remove());

async function refusal(config: object, files: Readonly<Record<string, string>> = { 'db-ca.pem': CERTIFICATE }): Promise<unknown> {
  at = await place(config, files);
  return configToPackage(at.config).then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('the configuration in a package', () => {
  it.each(CLOUDS)('is taken along for %s with the certificate authorities that it names', async (cloud) => {
    at = await place(configOf(cloud), { 'db-ca.pem': CERTIFICATE, 'store.key': 'material' });

    const { files } = await configToPackage(at.config);

    expect(files.map(({ name }) => name)).toEqual(['keywheel.yaml', 'db-ca.pem']);
  });

  it('says what to do when there is none', async () => {
    at = await place(configOf('aws'));
    const missing = path.join(at.folder, 'other.yaml');

    await expect(configToPackage(missing)).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: `${missing}: there is no such file`,
      hint: expect.stringContaining('keywheel init') as string,
    });
  });

  it('is refused, with all that is wrong, when a function could not work with it', async () => {
    const target = { ...(configOf('aws')['secrets'] as { 'prod-app-db': { target: object } })['prod-app-db'].target };
    const error = await refusal({
      version: 1,
      state: { kind: 'sqlite', path: 'state.db' },
      stores: { main: { kind: 'local', path: 'store.db', keyFile: 'store.key' } },
      secrets: {
        'app/db': {
          store: 'main',
          strategy: 'dual-account',
          target: { ...target, admin: { username: 'admin', passwordFile: './admin-password' } },
        },
      },
    });

    expect(error).toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      hint: expect.stringContaining('docs/guides/deploy-aws.md') as string,
    });
    const lines = (error as Error).message.split('\n').map((line) => line.slice(line.indexOf('yaml: ') + 6));
    expect(lines).toEqual([
      'state: is a file, and a function keeps none; use dynamodb, firestore or azure-tables',
      'stores.main: is a file, and a function keeps none; use the store of a cloud, or vault',
      'secrets.app/db.target.admin.passwordFile: is relative, and key files are never packaged; write where the platform mounts it',
    ]);
  });

  it.each([
    ['holds a private key', { 'db-ca.pem': CERTIFICATE + PRIVATE_KEY }, 'holds something other than certificates'],
    ['is no PEM file', { 'db-ca.pem': 'password' }, 'holds something other than certificates'],
    ['is not there', {}, 'cannot be read'],
  ])('is refused when a certificate file %s', async (_name, files, why) => {
    const error = await refusal(configOf('aws'), files);

    expect(error).toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: expect.stringContaining(`target.tls.ca: ${why}`) as string,
    });
  });
});
