/** The local store: one SQLite file whose values are encrypted. The format is in docs/storage-schema.md. */
import type { LocalStoreConfig } from '../config/index.ts';
import type { Call } from '../deps.ts';
import { KeywheelError } from '../errors.ts';
import { openSqlite } from '../sqlite.ts';
import type { SqliteFile, SqliteOptions, Tx } from '../sqlite.ts';
import { checkName, checkValue } from './check.ts';
import { NONCE_BYTES, sameBytes } from './local/cipher.ts';
import { deriveKeys, readKey } from './local/key.ts';
import type { StoreKeys } from './local/key.ts';
import * as operations from './local/operations.ts';
import type { RowContext } from './local/rows.ts';
import { LOCAL_STORE_FILE, readMeta } from './local/schema.ts';
import type { StoreDeps } from './open.ts';
import type { SecretStore, SupportsPut } from './port.ts';

export interface LocalStore extends SecretStore, SupportsPut {
  /** Lets go of the file. A process that ends may leave it out. */
  close(): void;
}

/**
 * Opens the store, or makes it (0600, in a 0700 directory) where there is none; a rehearsal makes nothing and starts from an empty one.
 * ERR_STORE_KEY, ERR_STORE_CORRUPT, ERR_STATE_NEWER, ERR_STORE_FULL, ERR_STORE_UNAVAILABLE.
 */
export function openLocalStore(config: LocalStoreConfig, deps: StoreDeps, options: SqliteOptions = {}): LocalStore {
  const key = readKey(config, deps.env);
  const hex = (length: number) => Buffer.from(deps.random.bytes(length)).toString('hex');
  const file = openSqlite(
    LOCAL_STORE_FILE,
    config.path,
    { fill: (tx) => fill(tx, key, hex(16)), nonce: hex(8), rehearsing: deps.gate.rehearsing },
    options,
  );
  let keys: StoreKeys;
  try {
    keys = file.read((tx) => unlock(tx, key, file, config));
  } catch (error) {
    file.close();
    throw error;
  }
  const context: RowContext = { keys, nonce: () => deps.random.bytes(NONCE_BYTES), corrupt: (what) => file.corrupt(what) };
  const now = () => Math.trunc(deps.clock.now());

  const call = (kind: Call['kind'], text: string): Call => ({ port: 'store', kind, text: `local: ${text}` });
  const reading = async <T>(text: string, work: (tx: Tx) => T): Promise<T> =>
    deps.gate.run(
      call('read', text),
      async () => file.read(work),
      () => file.read(work),
    );
  const changing = async <T>(text: string, work: (tx: Tx) => T): Promise<T> =>
    deps.gate.run(
      call('effect', text),
      async () => file.write(work),
      () => file.rehearse(work),
    );

  return {
    kind: 'local',
    describe: async (name) => {
      checkName('secret name', name);
      return reading(`describe ${name}`, (tx) => operations.describe(context, tx, name));
    },
    read: async (name, at) => {
      checkName('secret name', name);
      if (typeof at !== 'string') checkName('version id', at.version);
      const where = typeof at === 'string' ? at : `version ${at.version}`;
      return reading(`read ${name} at ${where}`, (tx) => operations.read(context, tx, name, at));
    },
    stage: async (name, value, rotationId) => {
      checkName('secret name', name);
      checkName('rotation id', rotationId);
      checkValue(name, value);
      const text = `stage ${name} version ${operations.versionIdOf(rotationId)} as pending (rotation ${rotationId})`;
      return changing(text, (tx) => operations.stage(context, tx, name, value, rotationId, now()));
    },
    publish: async (name, version, expected) => {
      checkName('secret name', name);
      checkName('version id', version);
      checkName('revision', expected);
      return changing(`publish ${name} version ${version} as current if it is at revision ${expected}`, (tx) =>
        operations.publish(context, tx, name, version, expected),
      );
    },
    discard: async (name, version) => {
      checkName('secret name', name);
      checkName('version id', version);
      return changing(`discard ${name} version ${version}`, (tx) => operations.discard(context, tx, name, version));
    },
    put: async (name, value, expected) => {
      checkName('secret name', name);
      checkValue(name, value);
      if (typeof expected === 'string') checkName('revision', expected);
      const condition = expected === undefined ? '' : expected === null ? ' if it is new' : ` if it is at revision ${expected}`;
      const made = { id: `p-${hex(8)}`, now: now() };
      return changing(`put ${name} as current${condition}`, (tx) => operations.put(context, tx, name, value, expected, made));
    },
    async *list(filter) {
      const prefix = filter?.prefix ?? '';
      yield* await reading(prefix === '' ? 'list' : `list ${JSON.stringify(prefix)}*`, (tx) =>
        operations.list(context, tx, prefix),
      );
    },
    close: () => file.close(),
  };
}

function fill(tx: Tx, key: Uint8Array, storeId: string): void {
  tx.run('INSERT INTO meta (key, value) VALUES (?, ?)', 'store_id', storeId);
  tx.run('INSERT INTO meta (key, value) VALUES (?, ?)', 'key_check', deriveKeys(key, storeId).check);
}

/** The key's check value tells a wrong key from a damaged file before anything is decrypted. */
function unlock(tx: Tx, key: Uint8Array, file: SqliteFile, config: LocalStoreConfig): StoreKeys {
  const storeId = readMeta(tx, 'store_id');
  const check = readMeta(tx, 'key_check');
  if (typeof storeId !== 'string' || !(check instanceof Uint8Array)) throw file.corrupt('its key check is missing');
  const keys = deriveKeys(key, storeId);
  if (sameBytes(keys.check, check)) return keys;
  const source = config.keyFile ?? config.keyEnv ?? '';
  throw new KeywheelError(
    'ERR_STORE_KEY',
    `store ${config.path} cannot be opened with the key in ${source}, because it is another key`,
    {
      hint: 'give the key that the store was made with; nothing was changed',
      subject: config.path,
    },
  );
}
