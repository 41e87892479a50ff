import { existsSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CreateSecretCommand, GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { alive } from './cache.ts';
import type { Moto } from './index.ts';
import { describeWithPeer } from './vitest.ts';

await describeWithPeer('moto', 'the peer moto', (start) => {
  let moto: Moto;
  let client: SecretsManagerClient;
  beforeAll(async () => {
    moto = await start({});
    const {
      AWS_ACCESS_KEY_ID: accessKeyId = '',
      AWS_SECRET_ACCESS_KEY: secretAccessKey = '',
      AWS_REGION: region = '',
    } = moto.env;
    client = new SecretsManagerClient({ endpoint: moto.endpoint, region, credentials: { accessKeyId, secretAccessKey } });
  });
  afterAll(() => moto.stop());

  it('keeps a secret, gives it back, and has forgotten it after a reset', async () => {
    await client.send(new CreateSecretCommand({ Name: 'app', SecretString: '{"username":"one"}' }));
    const read = await client.send(new GetSecretValueCommand({ SecretId: 'app' }));

    await moto.reset();

    const again = client.send(new GetSecretValueCommand({ SecretId: 'app' }));
    expect(read).toMatchObject({ SecretString: '{"username":"one"}', VersionStages: ['AWSCURRENT'] });
    await expect(again).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: expect.stringContaining("can't find") as string,
    });
  });

  it('leaves no process, no folder and no listener when it is stopped, also twice', async () => {
    const other = await start({});
    expect(alive(other.pid)).toBe(true);

    await other.stop();
    await other.stop();

    expect(alive(other.pid)).toBe(false);
    expect(existsSync(other.folder)).toBe(false);
    await expect(fetch(other.endpoint)).rejects.toMatchObject({ name: 'TypeError', message: 'fetch failed' });
  });
});
