/** Google Cloud: the functions under Google's own framework, and protocol servers of Secret Manager and Firestore that the real SDKs talk to. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { startGoogle, type CloudEventSample, type GoogleFunction } from '../../hosts/start.ts';
import { startFirestoreServer } from '../../peers/google/firestore/index.ts';
import { startSecretManager } from '../../peers/google/secret-manager/server.ts';
import type { Definition, Hosted } from './cloud.ts';
import { ahead } from './ahead.ts';
import { keep, type Keeper } from './keeper.ts';

const events = path.resolve(import.meta.dirname, '../../../events/gcp');
const sample = (file: string): PubSubEvent => JSON.parse(readFileSync(path.join(events, file), 'utf8')) as PubSubEvent;

interface PubSubEvent extends CloudEventSample {
  readonly data: { readonly message: { readonly attributes?: Readonly<Record<string, string>> } };
}

export const gcp: Definition = {
  needs: [],
  async open(_job, secret) {
    const [secrets, firestore] = await Promise.all([startSecretManager({ now: Date.now }), startFirestoreServer()]);
    const { project, endpoint } = secrets;
    const env = { FIRESTORE_EMULATOR_HOST: firestore.host, GOOGLE_CLOUD_PROJECT: project };
    return {
      title: 'Google’s functions framework, with Secret Manager and Firestore',
      sections: {
        // This server is not behind: without a word about it, grace is ten minutes longer.
        store: { kind: 'gcp', project, endpoint, readLag: '0s' },
        state: { kind: 'firestore', project },
      },
      env,
      consumers: { store: { kind: 'gcp', project, endpoint }, env },
      rotator: (configFile) => rotator({ ...env, KEYWHEEL_CONFIG: configFile }, `projects/${project}/secrets/${secret}`),
      async stop() {
        await Promise.all([secrets.stop(), firestore.close()]);
      },
    };
  },
};

function rotator(env: Readonly<Record<string, string>>, secretId: string): Hosted {
  const host = (target: 'rotate' | 'advance'): Keeper<GoogleFunction> =>
    keep(`function ${target}`, () => startGoogle(target, { env }));
  const [rotate, advance] = [host('rotate'), host('advance')];
  const [asking, ticking] = [sample('rotate-secret-rotate.json'), sample('advance-scheduler.json')];
  let working = rotate;
  let asked = asking;
  let count = 0;

  async function deliver(keeper: Keeper<GoogleFunction>, event: CloudEventSample): Promise<void> {
    working = keeper;
    const { status, text } = await (await keeper.get()).deliver(event, count % 2 === 0 ? 'binary' : 'structured');
    if (status >= 300) throw new Error(`the function answered with ${status}: ${text}`);
  }

  return {
    async ask(again) {
      if (!again) {
        count += 1;
        const timestamp = ahead(count).toISOString();
        const attributes = { ...asking.data.message.attributes, secretId, timestamp };
        const message = { ...asking.data.message, attributes, messageId: randomUUID(), publishTime: timestamp };
        asked = { ...asking, id: randomUUID(), time: timestamp, data: { ...asking.data, message } };
      }
      await deliver(rotate, asked);
    },
    tick: () => deliver(advance, { ...ticking, id: randomUUID(), time: new Date().toISOString() }),
    crash: () => working.crash(),
    output: async () => [...(await rotate.output()), ...(await advance.output())],
    stop: async () => void (await Promise.all([rotate.stop(), advance.stop()])),
  };
}
