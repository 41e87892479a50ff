/** How the contract suites open the Google Secret Manager adapter: the real SDK, against the protocol server of test/peers/google. */
import { SecretManagerServiceClient } from '@google-cloud/secret-manager';
import * as grpc from '@grpc/grpc-js';
import { openGate, rehearsalGate } from '../../shared/deps.ts';
import type { Call } from '../../shared/deps.ts';
import { openGcpStore } from '../../shared/stores/gcp.ts';
import { encodeName } from '../../shared/stores/gcp/names.ts';
import type { SecretStore, SecretValue, SupportsPut } from '../../shared/stores/index.ts';
import { startSecretManager, type SecretManagerServer } from '../peers/google/secret-manager/server.ts';
import { manualClock, realRandom } from './harness.ts';
import type { StoreFixture, StoreHarness } from './store.ts';

export interface GcpFixture extends StoreFixture {
  readonly store: SecretStore & SupportsPut;
  readonly server: SecretManagerServer;
  readonly config: Parameters<typeof openGcpStore>[0];
  /** The vendor's client, as people's tools use it. */
  readonly person: Person;
}

interface Person {
  readonly sdk: SecretManagerServiceClient;
  /** The full name of the secret that a Keywheel name, or an id, is kept as. */
  path(name: string): string;
  /** `gcloud secrets versions add`: the number of the new version. */
  add(name: string, value: SecretValue | string): Promise<number>;
  /** `gcloud secrets create` */
  create(name: string): Promise<void>;
  /** `gcloud secrets update --update-version-aliases`, where none of the secret's other aliases is lost. */
  alias(name: string, aliases: (before: Readonly<Record<string, number>>) => Readonly<Record<string, number>>): Promise<void>;
}

function openPerson(server: SecretManagerServer, location?: string): Person {
  const { hostname, port } = new URL(server.endpoint);
  const sdk = new SecretManagerServiceClient({
    apiEndpoint: hostname,
    port: Number(port),
    sslCreds: grpc.credentials.createInsecure(),
    clientOptions: { universe_domain: 'googleapis.com' } as object,
  });
  const parent = `projects/${server.project}${location === undefined ? '' : `/locations/${location}`}`;
  const path = (name: string): string => `${parent}/secrets/${encodeName(name)}`;
  const person: Person = {
    sdk,
    path,
    async add(name, value) {
      const data = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
      const [version] = await sdk.addSecretVersion({ parent: path(name), payload: { data } });
      return Number(version.name?.split('/').at(-1));
    },
    async create(name) {
      const secret = location === undefined ? { replication: { automatic: {} } } : {};
      await sdk.createSecret({ parent, secretId: encodeName(name), secret });
    },
    async alias(name, aliases) {
      for (;;) {
        const [{ etag, versionAliases }] = await sdk.getSecret({ name: path(name) });
        const before = Object.fromEntries(Object.entries(versionAliases ?? {}).map(([alias, number]) => [alias, Number(number)]));
        const secret = { name: path(name), etag: etag ?? '', versionAliases: { ...aliases(before) } };
        const moved = await sdk
          .updateSecret({ secret, updateMask: { paths: ['version_aliases'] } })
          .catch((error: { code?: number }) => {
            if (error.code !== grpc.status.FAILED_PRECONDITION) throw error;
          });
        if (moved !== undefined) return;
      }
    },
  };
  return person;
}

export async function openGcpFixture(more: { readonly location?: string; readonly readLag?: number } = {}): Promise<GcpFixture> {
  const clock = manualClock();
  const server = await startSecretManager({ now: () => clock.now() });
  const config = {
    kind: 'gcp' as const,
    project: server.project,
    endpoint: server.endpoint,
    pendingSuffix: '--pending',
    ...more,
  };
  const calls: Call[] = [];
  const observe = (call: Call) => void calls.push(call);
  const opened: (() => unknown)[] = [];
  const open = async (gate = openGate(observe)) => {
    const store = await openGcpStore(config, { clock, random: realRandom, gate });
    opened.push(() => store.close?.());
    return store;
  };
  const person = openPerson(server, more.location);
  opened.push(() => person.sdk.close());
  return {
    store: await open(),
    server,
    config,
    person,
    calls,
    clock,
    async seed(name, value) {
      await person.create(name).catch((error: { code?: number }) => {
        if (error.code !== grpc.status.ALREADY_EXISTS) throw error;
      });
      const current = await person.add(name, value);
      await person.alias(name, (before) => ({
        ...before,
        ...(before['current'] === undefined ? {} : { previous: before['current'] }),
        current,
      }));
    },
    second: () => open(),
    rehearsal: () => open(rehearsalGate(observe)),
    async close() {
      for (const close of opened) await close();
      await server.stop();
    },
  };
}

export const gcpStoreHarness: StoreHarness = { open: () => openGcpFixture() };
