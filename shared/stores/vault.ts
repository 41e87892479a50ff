/**
 * HashiCorp Vault and OpenBao, KV version 2. Its newest version is what consumers read, so a pending one lies in a companion record
 * under `pendingPrefix` of the same mount, and publishing is one write with `cas`.
 *
 * The policy of the role that rotates `app/*` in the mount `secret`, nothing more:
 *
 *     path "secret/data/app/*"                      { capabilities = ["create", "read", "update"] }
 *     path "secret/metadata/app/*"                  { capabilities = ["read", "list"] }
 *     path "secret/data/keywheel-pending/app/*"     { capabilities = ["create", "read", "update"] }
 *     path "secret/metadata/keywheel-pending/app/*" { capabilities = ["create", "update"] }
 *     path "secret/config"                          { capabilities = ["read"] }
 *
 * A consumer's is `path "secret/data/app/db" { capabilities = ["read"] }`. Where consumers are granted more of the mount than single
 * names, `path "secret/data/keywheel-pending/*" { capabilities = ["deny"] }` belongs beside it. Both need `auth/token/*-self` of the
 * policy `default`.
 */
import type { VaultStoreConfig } from '../config/index.ts';
import type { Call } from '../deps.ts';
import { checkName } from './check.ts';
import type { StoreDeps } from './open.ts';
import type { SecretStore, SecretSummary, SupportsPut } from './port.ts';
import * as changes from './vault/change.ts';
import { openVaultClient } from './vault/client.ts';
import { openKv } from './vault/kv.ts';
import { listNames } from './vault/list.ts';
import * as looks from './vault/look.ts';
import type { Context } from './vault/look.ts';
import { checkPath } from './vault/path.ts';
import { openSession } from './vault/session.ts';
import { checkKvValue } from './vault/value.ts';

/** Secrets of a folder that are looked at side by side. */
const AT_ONCE = 8;

/**
 * Opens the store; the login is made at the first call and revoked by `close`. ERR_CONFIG_INVALID when `ca` cannot be read. Every call:
 * ERR_STORE_LOGIN, ERR_STORE_FORBIDDEN, ERR_STORE_THROTTLED, ERR_STORE_UNAVAILABLE, ERR_STORE_FAILED.
 */
export async function openVaultStore(config: VaultStoreConfig, deps: StoreDeps): Promise<SecretStore & SupportsPut> {
  const { gate, clock } = deps;
  const call = (kind: Call['kind'], text: string): Call => ({ port: 'store', kind, text });
  // A rehearsal logs in and reads for real: what it tells depends on what is there.
  const look = <T>(text: string, perform: () => Promise<T>): Promise<T> =>
    gate.run(call('read', text), perform, () => {
      throw new TypeError('a read is never rehearsed');
    });
  const env = deps.env ?? process.env;
  const client = openVaultClient({ ...config, env, uniform: () => deps.random.uniform() });
  const session = openSession(client, config.login, { env, clock, through: look });
  const kv = openKv(config.mount, session, config.address);
  const context: Context = {
    kv,
    look,
    change: (text, perform, rehearsed) => gate.run(call('effect', text), perform, rehearsed),
    mount: config.mount,
    pendingPrefix: config.pendingPrefix,
    now: () => Math.trunc(clock.now()),
    rehearsed: new Map(),
  };
  const check = (name: string): void => {
    checkName('secret name', name);
    checkPath(name, config.pendingPrefix);
  };

  return {
    kind: 'vault',
    async describe(name) {
      check(name);
      return looks.describe(context, name);
    },
    async read(name, at) {
      check(name);
      if (typeof at !== 'string') checkName('version id', at.version);
      return looks.read(context, name, at);
    },
    async stage(name, value, rotationId) {
      check(name);
      checkName('rotation id', rotationId);
      checkKvValue(name, value);
      return changes.stage(context, name, value, rotationId);
    },
    async publish(name, version, expected) {
      check(name);
      checkName('version id', version);
      checkName('revision', expected);
      return changes.publish(context, name, version, expected);
    },
    async discard(name, version) {
      check(name);
      checkName('version id', version);
      return changes.discard(context, name, version);
    },
    async put(name, value, expected) {
      check(name);
      checkKvValue(name, value);
      if (typeof expected === 'string') checkName('revision', expected);
      return changes.put(context, name, value, expected);
    },
    async *list(filter) {
      const names = listNames(context, filter?.prefix ?? '');
      let batch: Promise<SecretSummary | undefined>[] = [];
      const flush = async (): Promise<SecretSummary[]> => {
        const summaries = await Promise.all(batch);
        batch = [];
        return summaries.filter((summary) => summary !== undefined);
      };
      for await (const name of names) {
        batch.push(looks.summarize(context, name));
        if (batch.length === AT_ONCE) yield* await flush();
      }
      yield* await flush();
    },
    close: () => session.close(),
  };
}
