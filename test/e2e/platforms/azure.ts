/** Azure: the functions under Microsoft's own library, a protocol server of Key Vault with a managed identity, and Azurite's tables. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { AzureNamedKeyCredential, TableClient } from '@azure/data-tables';
import { startAzure, type AzureAnswer } from '../../hosts/start.ts';
import { startKeyVault } from '../../peers/azure/key-vault/server.ts';
import { ahead } from './ahead.ts';
import type { Definition, Hosted } from './cloud.ts';
import { keep } from './keeper.ts';
import { needed } from './peers.ts';

const events = path.resolve(import.meta.dirname, '../../../events/azure');
const sample = (file: string): GridSample => JSON.parse(readFileSync(path.join(events, file), 'utf8')) as GridSample;

interface GridSample {
  readonly data: Readonly<Record<string, unknown>>;
}

/** What every storage emulator has: https://learn.microsoft.com/azure/storage/common/storage-use-azurite#well-known-storage-account-and-key */
const EMULATOR = new AzureNamedKeyCredential(
  'devstoreaccount1',
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==',
);

export const azure: Definition = {
  needs: ['azurite'],
  async open(_job, secret) {
    const startAzurite = await needed('azurite');
    const [vault, azurite] = await Promise.all([startKeyVault({ tls: true }), startAzurite({})]);
    const table = 'keywheel';
    await new TableClient(azurite.url, table, EMULATOR, { allowInsecureConnection: true }).createTable();
    const identity = { ...vault.env, AZURE_TOKEN_CREDENTIALS: 'prod' };
    const env = { ...identity, ...azurite.env };
    const store = { kind: 'azure', vaultUrl: vault.url } as const;
    return {
      title: 'Microsoft’s functions library, with Key Vault and Table Storage',
      sections: { store, state: { kind: 'azure-tables', url: azurite.url, table } },
      env,
      consumers: { store, env: identity },
      authority: readFileSync(vault.env['NODE_EXTRA_CA_CERTS'] ?? '', 'utf8'),
      rotator: (configFile) => rotator({ ...env, KEYWHEEL_CONFIG: configFile }, secret),
      async stop() {
        await Promise.all([vault.stop(), azurite.stop()]);
      },
    };
  },
};

function rotator(env: Readonly<Record<string, string>>, secret: string): Hosted {
  const app = keep('function app', () => startAzure({ env }));
  /** Both events of Key Vault ask, where there is no schedule that knows better. */
  const kinds = [sample('rotate-near-expiry.json'), sample('rotate-expired.json')] as const;
  const timer = sample('advance-timer.json');
  let asked: object = {};
  let count = 0;

  async function trigger(name: 'rotate' | 'advance', json: unknown): Promise<void> {
    const answer: AzureAnswer = await (await app.get()).trigger(name, json);
    if (!answer.ok) throw new Error(`${name}: ${answer.name ?? 'error'}: ${answer.message ?? ''}`);
  }

  return {
    async ask(again) {
      if (!again) {
        const event = kinds[count % 2 === 0 ? 0 : 1];
        count += 1;
        const data = { ...event.data, ObjectName: secret };
        asked = { ...event, id: randomUUID(), subject: secret, eventTime: ahead(count).toISOString(), data };
      }
      await trigger('rotate', asked);
    },
    tick: () => trigger('advance', timer),
    crash: () => app.crash(),
    output: () => app.output(),
    stop: () => app.stop(),
  };
}
