/**
 * Google Cloud Secret Manager. It publishes what is added (`latest`), so consumers read the version alias `current`; what is pending is in a
 * companion secret, NAME and `pendingSuffix`, that they are not granted.
 *
 * Moving `current` is one UpdateSecret with the secret's etag: aliases `current` and `previous`, and the annotation that says which version
 * came from which rotation. A version that a rotation staged has the id `v-ROTATION`, one that people added has its number. Versions that
 * were current stay enabled; ending them is their owner's business. `put` and the first `stage` create what is missing.
 */
import type { GcpStoreConfig } from '../config/index.ts';
import type { Call } from '../deps.ts';
import { openApi } from './gcp/api.ts';
import { openClient, pause } from './gcp/client.ts';
import { remembering } from './gcp/memory.ts';
import { openNames } from './gcp/names.ts';
import { publish, put } from './gcp/publish.ts';
import { list, read } from './gcp/read.ts';
import { rehearsalApi } from './gcp/rehearsal.ts';
import { discard, stage } from './gcp/stage.ts';
import { look, stateOf, versionIdOf, type GcpContext } from './gcp/view.ts';
import { checkName } from './check.ts';
import type { StoreDeps } from './open.ts';
import type { SecretStore, SupportsPut } from './port.ts';

/**
 * Reads of an alias are eventually consistent: they "typically converge within minutes, but may take a few hours", says
 * https://docs.cloud.google.com/secret-manager/docs/reference/consistency. Ten minutes is the typical case; the evidence of disuse, without
 * which nothing is revoked, covers the rest.
 */
const READ_LAG = 10 * 60_000;

export async function openGcpStore(config: GcpStoreConfig, deps: StoreDeps): Promise<SecretStore & SupportsPut> {
  const { gate, random, clock } = deps;
  const names = openNames(config.pendingSuffix);
  const client = openClient(config, () => random.uniform());
  const readLag = config.readLag ?? READ_LAG;
  const api = remembering(openApi(client, config), readLag, () => clock.now());
  const wait = (turn: number) => pause(Math.min(1_000, 25 * 2 ** turn) * (0.5 + random.uniform() / 2));
  const live: GcpContext = { api, names, pause: wait };
  const rehearsed: GcpContext = { api: rehearsalApi(api, () => clock.now()), names, pause: wait };
  const context = gate.rehearsing ? rehearsed : live;

  const call = (kind: Call['kind'], text: string): Call => ({ port: 'store', kind, text: `gcp: ${text}` });
  const reading = <T>(text: string, work: (context: GcpContext) => Promise<T>): Promise<T> =>
    gate.run(
      call('read', text),
      () => work(context),
      () => {
        throw new TypeError('a read is never rehearsed');
      },
    );
  const changing = async <T>(text: string, work: (context: GcpContext) => Promise<T>): Promise<T> => {
    const done = await gate.run<{ readonly outcome: T | Promise<T> }>(
      call('effect', text),
      async () => ({ outcome: await work(live) }),
      () => ({ outcome: work(rehearsed) }),
    );
    return done.outcome;
  };

  return {
    kind: 'gcp',
    readLag,
    async describe(name) {
      checkName('secret name', name);
      return reading(`describe ${name}`, async (context) => {
        const view = await look(context, name);
        return view === undefined ? undefined : stateOf(view);
      });
    },
    async read(name, at) {
      checkName('secret name', name);
      if (typeof at !== 'string') checkName('version id', at.version);
      return reading(`read ${name} at ${typeof at === 'string' ? at : `version ${at.version}`}`, (context) =>
        read(context, name, at),
      );
    },
    async stage(name, value, rotationId) {
      checkName('rotation id', rotationId);
      const where = `in secret ${names.companionOf(name)}`;
      const text = `stage ${name} version ${versionIdOf(rotationId)} as pending (rotation ${rotationId}) ${where}`;
      return changing(text, (context) => stage(context, name, value, rotationId));
    },
    async publish(name, version, expected) {
      checkName('version id', version);
      checkName('revision', expected);
      const text = `publish ${name} version ${version} as current of secret ${names.idOf(name)} if it is at revision ${expected}`;
      return changing(text, (context) => publish(context, name, version, expected));
    },
    async discard(name, version) {
      checkName('version id', version);
      const where = `in secret ${names.companionOf(name)}`;
      return changing(`discard ${name} version ${version} ${where}`, (context) => discard(context, name, version));
    },
    async put(name, value, expected) {
      if (typeof expected === 'string') checkName('revision', expected);
      const condition = expected === undefined ? '' : expected === null ? ' if it is new' : ` if it is at revision ${expected}`;
      const text = `put ${name} as current of secret ${names.idOf(name)}${condition}`;
      return changing(text, (context) => put(context, name, value, expected));
    },
    async *list(filter) {
      const prefix = filter?.prefix ?? '';
      yield* await reading(prefix === '' ? 'list' : `list ${JSON.stringify(prefix)}*`, (context) => list(context, prefix));
    },
    close: () => client.close(),
  };
}
