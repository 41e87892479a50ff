/** How each host delivers: what it sends, in which order, and what must be true when it was told that all went well. */
import { DescribeSecretCommand, GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import {
  answerNotification,
  keyVaultNotification,
  manual,
  rotationStep,
  secretManagerNotification,
  stepEventOf,
  tick,
  type Host,
} from '../../shared/drivers/index.ts';
import { storedNameOf } from '../../shared/stores/index.ts';
import { stepEvent, STEPS } from '../hosts/rotation-service.ts';
import type { CLOUDS } from './cloud-room.ts';
import type { OpenWorld } from './cloud-world.ts';

/** One thing that a host sends, and sends again for as long as it throws. */
export interface Delivery {
  readonly name: string;
  run(host: Host): Promise<unknown>;
  /** What is wrong although it did not throw. `earlier`: what was delivered before it, so far. */
  check?(earlier: ReadonlySet<string>): Promise<string | undefined>;
}

export interface Asked {
  /** In the order in which the host sends them first. */
  readonly deliveries: readonly Delivery[];
  /** What is wrong at the end of a rotation that went through. */
  ended?(): Promise<string | undefined>;
}

export interface Driver {
  readonly name: string;
  readonly cloud: (typeof CLOUDS)[number];
  /** The host asks for one rotation. */
  ask(world: OpenWorld): Promise<Asked>;
  /** Each delivery asks for a rotation of its own, if none is open: a person meant it. */
  readonly repeats?: true;
}

export const TICK: Delivery = { name: 'tick', run: (host) => tick(host) };

/** The four steps of Secrets Manager. */
const steps: Driver = {
  name: 'Secrets Manager’s steps',
  cloud: 'aws',
  async ask(world) {
    const { service } = world.place;
    if (service === undefined) throw new Error('nobody calls the four steps here');
    const announced = await service.announce(world.secret);
    const stages = async (): Promise<Readonly<Record<string, readonly string[]>>> =>
      (await service.client.send(new DescribeSecretCommand({ SecretId: world.secret }))).VersionIdsToStages ?? {};
    const valued = async (): Promise<boolean> => {
      const ask = new GetSecretValueCommand({ SecretId: world.secret, VersionId: announced.token });
      return service.client.send(ask).then(
        () => true,
        () => false,
      );
    };
    const bears = async (stage: string): Promise<boolean> => (await stages())[announced.token]?.includes(stage) === true;
    // A step that was done once is done also when a later one, or a timer, has gone further since.
    const wrong = async (step: string, earlier: ReadonlySet<string>): Promise<string | undefined> => {
      const published = await bears('AWSCURRENT');
      if (step !== 'finishSecret' && published && !earlier.has('finishSecret') && !earlier.has(TICK.name))
        return `${step} published, and nobody has asked for that yet`;
      if (published || (step !== 'finishSecret' && (await bears('AWSPENDING')) && (await valued()))) return undefined;
      return `${step} returned, and the version of the token has ${JSON.stringify(await stages())}`;
    };
    return {
      deliveries: STEPS.map((step) => ({
        name: step,
        run: (host) => rotationStep(stepEventOf(stepEvent(step, announced)), host),
        check: (earlier) => wrong(step, earlier),
      })),
      ended: async () =>
        Object.values(await stages()).some((each) => each.includes('AWSPENDING')) ? 'AWSPENDING is left' : undefined,
    };
  },
};

/** Both clouds' events, once the driver has understood them. */
const journalled = async (world: OpenWorld): Promise<string | undefined> =>
  (await world.look()).journal?.rotation === undefined ? 'the event was acknowledged, and no rotation began' : undefined;

const pubsub: Driver = {
  name: 'Secret Manager’s notification',
  cloud: 'gcp',
  async ask(world) {
    const { store } = world.place;
    if (store.kind !== 'gcp') throw new Error('no such notification here');
    const time = new Date(world.now()).toISOString();
    const secretId = `projects/123456789012/secrets/${storedNameOf(store, world.secret)}`;
    const attributes = { eventType: 'SECRET_ROTATE', secretId, timestamp: time, dataFormat: 'JSON_API_V1' };
    const message = { attributes, messageId: '11223344556677', publishTime: time };
    const type = 'google.cloud.pubsub.topic.v1.messagePublished';
    return {
      deliveries: [
        {
          name: 'SECRET_ROTATE',
          async run(host) {
            const notification = secretManagerNotification({ id: message.messageId, type, time, data: { message } }, host);
            return 'ignored' in notification ? notification : answerNotification(notification, host);
          },
          check: () => journalled(world),
        },
      ],
    };
  },
};

const eventGrid: Driver = {
  name: 'Event Grid',
  cloud: 'azure',
  async ask(world) {
    const { store } = world.place;
    if (store.kind !== 'azure') throw new Error('no such event here');
    const event = {
      id: 'b0a2f6f0-0000-4000-8000-000000000001',
      eventType: 'Microsoft.KeyVault.SecretExpired',
      eventTime: new Date(world.now()).toISOString(),
      data: { VaultName: 'chaos', ObjectType: 'Secret', ObjectName: storedNameOf(store, world.secret) },
    };
    return {
      deliveries: [
        {
          name: 'SecretExpired',
          async run(host) {
            const notification = keyVaultNotification(event, host);
            return 'ignored' in notification ? notification : answerNotification(notification, host);
          },
          check: () => journalled(world),
        },
      ],
    };
  },
};

/** Each rotation of a cell is over long before the next is due. */
const YEAR = 365 * 86_400_000;

/** A schedule alone: the first tick notes the secret, and a later one finds it due. */
const timer: Driver = {
  name: 'timer',
  cloud: 'vault',
  async ask(world) {
    const secret = world.config.secrets[world.secret];
    if (secret !== undefined) secret.schedule = { every: YEAR, timeZone: 'UTC', jitter: 0 };
    return {
      deliveries: [
        { name: 'first tick', run: (host) => tick(host) },
        {
          name: 'due tick',
          async run(host) {
            const { journal } = await world.look();
            const due = journal?.rotation === undefined ? (journal?.firstSeenAt ?? 0) + YEAR : 0;
            await world.elapse(Math.max(1, due + 1 - world.now()), false);
            return tick(host);
          },
          check: async () => ((await world.look()).journal === undefined ? 'a tick did not note the secret' : undefined),
        },
      ],
    };
  },
};

const byHand: Driver = {
  name: 'manual request',
  cloud: 'vault',
  repeats: true,
  async ask(world) {
    const body = JSON.stringify({ names: [world.secret], reason: 'chaos' });
    return {
      deliveries: [
        {
          name: 'POST',
          async run(host) {
            const reply = await manual(
              {
                method: 'POST',
                authorization: undefined,
                contentType: 'application/json',
                body,
                caller: { subject: 'operator' },
              },
              host,
            );
            if (reply.status >= 500) throw new Error(`${reply.status}: ${reply.body}`);
            return reply;
          },
        },
      ],
    };
  },
};

export const DRIVERS: readonly Driver[] = [steps, pubsub, eventGrid, timer, byHand];
