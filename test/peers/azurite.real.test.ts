import { existsSync } from 'node:fs';
import { AzureNamedKeyCredential, TableClient } from '@azure/data-tables';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { alive } from './cache.ts';
import type { Azurite } from './index.ts';
import { describeWithPeer } from './vitest.ts';

await describeWithPeer('azurite', 'the peer azurite', (start) => {
  let azurite: Azurite;
  beforeAll(async () => {
    azurite = await start({});
  });
  afterAll(() => azurite.stop());

  /** What every storage emulator has: https://learn.microsoft.com/azure/storage/common/storage-use-azurite#well-known-storage-account-and-key */
  const client = () =>
    new TableClient(
      azurite.url,
      'peer',
      new AzureNamedKeyCredential(
        'devstoreaccount1',
        'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==',
      ),
      { allowInsecureConnection: true, retryOptions: { maxRetries: 0 } },
    );

  it('is on loopback, and keeps an entity under a condition', async () => {
    expect(azurite.url).toBe(`http://127.0.0.1:${azurite.port}/devstoreaccount1`);
    const table = client();
    await table.createTable();
    const { etag = '' } = await table.createEntity({ partitionKey: 'p', rowKey: 'r', text: 'one' });
    await table.updateEntity({ partitionKey: 'p', rowKey: 'r', text: 'two' }, 'Replace', { etag });

    const stale = table.updateEntity({ partitionKey: 'p', rowKey: 'r', text: 'three' }, 'Replace', { etag });

    await expect(stale).rejects.toMatchObject({
      statusCode: 412,
      message: expect.stringContaining('UpdateConditionNotSatisfied'),
    });
    expect(await table.getEntity('p', 'r')).toMatchObject({ text: 'two' });
  });

  it('leaves no process, no folder and no listener when it is stopped, also twice', async () => {
    const other = await start({});
    expect(alive(other.pid)).toBe(true);

    await other.stop();
    await other.stop();

    expect(alive(other.pid)).toBe(false);
    expect(existsSync(other.folder)).toBe(false);
    await expect(fetch(other.url)).rejects.toMatchObject({ message: 'fetch failed', cause: { code: 'ECONNREFUSED' } });
  });
});
