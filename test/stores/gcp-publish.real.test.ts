/** Moving `current` in Google Secret Manager: races, crashes between its calls, lost responses, hand edits. */
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SecretValue } from '../../shared/stores/index.ts';
import { openGcpFixture, type GcpFixture } from '../contract/gcp.ts';
import { conflictOf } from '../contract/store.ts';
import { RpcError } from '../peers/google/grpc.ts';

const NAME = 'app/db';
const OLD: SecretValue = { username: 'a', password: 'old' };
const NEW: SecretValue = { username: 'b', password: 'new' };
const OTHER: SecretValue = { username: 'b', password: 'other' };
const lost = { code: 'ERR_STORE_UNAVAILABLE', retryable: true, message: expect.stringMatching(/did not answer \(UNAVAILABLE\)/) };

let fixture: GcpFixture;
beforeEach(async () => {
  fixture = await openGcpFixture();
});
afterEach(() => fixture.close());

async function staged(): Promise<{ id: string; revision: string }> {
  await fixture.seed(NAME, OLD);
  const { id } = await fixture.store.stage(NAME, NEW, 'r-1');
  return { id, revision: await revision() };
}
const revision = async () => (await fixture.store.describe(NAME))?.revision ?? '';
const valueAt = async (at: 'current' | 'pending' | 'previous') => (await fixture.store.read(NAME, at))?.value;
async function states(secret: string): Promise<string[]> {
  const [versions] = await fixture.person.sdk.listSecretVersions({ parent: fixture.person.path(secret) });
  return versions.map((version) => String(version.state)).toReversed();
}
const label = (labels: Record<string, string>) => async () => {
  await fixture.person.sdk.updateSecret({
    secret: { name: fixture.person.path(NAME), labels },
    updateMask: { paths: ['labels'] },
  });
};

describe('what others do to the secret meanwhile', () => {
  it('does not stop publishing when it is a label: it is tried again, and adds no second version', async () => {
    const { id, revision } = await staged();
    fixture.server.on('UpdateSecret', 'before', label({ team: 'db' }));
    const state = await fixture.store.publish(NAME, id, revision);
    expect(state.labels.current?.id).toBe(id);
    expect(await states(NAME)).toEqual(['ENABLED', 'ENABLED']);
  });

  it.each([status.FAILED_PRECONDITION, status.ABORTED])(
    'is a lost race in whatever words status %s tells it: the etag that is there by now shows it',
    async (code) => {
      const { id, revision } = await staged();
      fixture.server.on('UpdateSecret', 'before', async () => {
        await label({ team: 'db' })();
        throw new RpcError(code, 'The precondition did not hold.');
      });
      const state = await fixture.store.publish(NAME, id, revision);
      expect(state.labels.current?.id).toBe(id);
      expect(await states(NAME)).toEqual(['ENABLED', 'ENABLED']);
    },
  );

  it('is not held responsible for a refusal when it did nothing', async () => {
    const { id, revision } = await staged();
    const refuse = () => {
      throw new RpcError(status.FAILED_PRECONDITION, 'The precondition did not hold.');
    };
    fixture.server.on('UpdateSecret', 'before', refuse, 9);
    await expect(fixture.store.publish(NAME, id, revision)).rejects.toMatchObject({
      code: 'ERR_STORE_FAILED',
      message: expect.stringContaining('UpdateSecret of app_x2f_db'),
    });
    expect(
      fixture.server.calls.filter((call) => call.method === 'UpdateSecret' && call.name === 'secrets/app_x2f_db'),
    ).toHaveLength(2);
  });

  it('does not change the revision when it is a label or a rotation schedule', async () => {
    const { revision: before } = await staged();
    const topics = [{ name: 'projects/p/topics/t' }];
    const rotation = { nextRotationTime: { seconds: 4_000_000_000 } };
    await label({ team: 'db' })();
    await fixture.person.sdk.updateSecret({
      secret: { name: fixture.person.path(NAME), topics, rotation },
      updateMask: { paths: ['topics', 'rotation'] },
    });
    expect(await revision()).toBe(before);
  });

  it('keeps other aliases, labels and annotations', async () => {
    const { id, revision } = await staged();
    await fixture.person.alias(NAME, (before) => ({ ...before, blessed: 1 }));
    await label({ team: 'db' })();
    await fixture.store.publish(NAME, id, revision);
    const [secret] = await fixture.person.sdk.getSecret({ name: fixture.person.path(NAME) });
    expect(secret.versionAliases).toMatchObject({ blessed: '1', current: '2', previous: '1' });
    expect(secret.labels).toEqual({ team: 'db' });
  });

  it('stops publishing when an alias is moved between its two calls: the edit stays, and what was added is destroyed', async () => {
    const { id, revision } = await staged();
    fixture.server.on('UpdateSecret', 'before', () => fixture.seed(NAME, OTHER));
    await expect(fixture.store.publish(NAME, id, revision)).rejects.toMatchObject(conflictOf(/moved or was edited/));
    expect(await valueAt('current')).toEqual(OTHER);
    expect(await valueAt('pending')).toEqual(NEW);
    expect(await states(NAME)).toEqual(['ENABLED', 'DESTROYED', 'ENABLED']);
  });

  it('stops publishing when a version was added by hand, also without an alias; the next rotation goes on from there', async () => {
    const { id, revision: before } = await staged();
    await fixture.person.add(NAME, OTHER);
    expect(await revision()).not.toBe(before);
    await expect(fixture.store.publish(NAME, id, before)).rejects.toMatchObject(conflictOf(/moved or was edited/));
    expect(await valueAt('current')).toEqual(OLD);
    expect(await states(NAME)).toEqual(['ENABLED', 'ENABLED']);
    await fixture.store.publish(NAME, id, await revision());
    expect(await valueAt('current')).toEqual(NEW);
    expect(await revision()).toMatch(/\.0$/); // the version below current is history now
  });

  it('never destroys what a label names: its own version was published after all, and then somebody went on from there', async () => {
    const { id, revision } = await staged();
    fixture.server.on('UpdateSecret', 'before', async () => {
      // Another worker publishes the version that this one has added, and a person moves on, before this one's update arrives.
      await (await fixture.second()).publish(NAME, id, revision);
      await fixture.seed(NAME, OTHER);
    });
    await expect(fixture.store.publish(NAME, id, revision)).rejects.toMatchObject(conflictOf(/moved or was edited/));
    expect(await valueAt('current')).toEqual(OTHER);
    expect(await valueAt('previous')).toEqual(NEW);
  });

  it('is told apart from a lost race: an alias that moved by hand changes the revision', async () => {
    const { revision: before } = await staged();
    await fixture.person.add(NAME, OTHER);
    await fixture.person.alias(NAME, () => ({ current: 2, previous: 1 }));
    expect(await revision()).not.toBe(before);
    expect((await fixture.store.describe(NAME))?.labels).toMatchObject({ current: { id: '2' }, previous: { id: '1' } });
  });
});

describe('a crash', () => {
  it('between AddSecretVersion and UpdateSecret leaves the revision, and the next try uses the version that was added', async () => {
    const { id, revision: before } = await staged();
    fixture.server.fail('UpdateSecret', status.UNAVAILABLE);
    await expect(fixture.store.publish(NAME, id, before)).rejects.toMatchObject(lost);
    expect(await states(NAME)).toEqual(['ENABLED', 'ENABLED']);
    expect(await revision()).toBe(before);
    expect(await valueAt('current')).toEqual(OLD);
    await fixture.store.publish(NAME, id, before);
    expect(await states(NAME)).toEqual(['ENABLED', 'ENABLED']);
    expect(await valueAt('current')).toEqual(NEW);
  });

  it('there and then giving up destroys what was added to the secret too', async () => {
    const { id, revision: before } = await staged();
    fixture.server.fail('UpdateSecret', status.UNAVAILABLE);
    await expect(fixture.store.publish(NAME, id, before)).rejects.toMatchObject(lost);
    await fixture.store.discard(NAME, id);
    expect(await states(NAME)).toEqual(['ENABLED', 'DESTROYED']);
    expect(await states(`${NAME}--pending`)).toEqual(['DESTROYED']);
    expect(await revision()).toBe(before);
  });

  it('there, while somebody adds a version by hand, does not take that one for its own', async () => {
    const { id, revision: before } = await staged();
    fixture.server.fail('UpdateSecret', status.UNAVAILABLE);
    await expect(fixture.store.publish(NAME, id, before)).rejects.toMatchObject(lost);
    await fixture.person.add(NAME, OTHER);
    await expect(fixture.store.publish(NAME, id, before)).rejects.toMatchObject(conflictOf(/edited/));
    expect(await valueAt('current')).toEqual(OLD);
  });

  it('after publishing leaves a copy in the companion that the next delivery destroys', async () => {
    const { id, revision: before } = await staged();
    fixture.server.on('UpdateSecret', 'after', () => fixture.server.fail('UpdateSecret', status.UNAVAILABLE));
    await fixture.store.publish(NAME, id, before);
    expect(await states(`${NAME}--pending`)).toEqual(['ENABLED']);
    expect((await fixture.store.describe(NAME))?.labels.pending).toBeUndefined();
    await fixture.store.publish(NAME, id, before);
    expect(await states(`${NAME}--pending`)).toEqual(['DESTROYED']);
  });
});

describe('a lost response', () => {
  it('of UpdateSecret is not success, and the next try finds that it was', async () => {
    const { id, revision: before } = await staged();
    fixture.server.fail('UpdateSecret', status.UNAVAILABLE, 'after');
    await expect(fixture.store.publish(NAME, id, before)).rejects.toMatchObject(lost);
    const state = await fixture.store.publish(NAME, id, before);
    expect(state.labels).toMatchObject({ current: { id }, previous: { id: '1' } });
    expect(await states(NAME)).toEqual(['ENABLED', 'ENABLED']);
  });

  it('of AddSecretVersion is not repeated blindly: the next try finds the version', async () => {
    const { id, revision: before } = await staged();
    fixture.server.fail('AddSecretVersion', status.DEADLINE_EXCEEDED, 'after');
    await expect(fixture.store.publish(NAME, id, before)).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      retryable: true,
    });
    await fixture.store.publish(NAME, id, before);
    expect(await states(NAME)).toEqual(['ENABLED', 'ENABLED']);
    expect(await valueAt('previous')).toEqual(OLD);
  });

  it('of a put is not success; what it added counts as an edit until it is put again', async () => {
    await fixture.seed(NAME, OLD);
    const before = await revision();
    fixture.server.fail('UpdateSecret', status.UNAVAILABLE);
    await expect(fixture.store.put(NAME, NEW, before)).rejects.toMatchObject(lost);
    expect(await valueAt('current')).toEqual(OLD);
    expect(await revision()).not.toBe(before);
    await fixture.store.put(NAME, NEW, await revision());
    expect(await valueAt('current')).toEqual(NEW);
  });
});

describe('going back to a version by hand', () => {
  it('takes the label from what is pending, in the same change, and leaves what was staged', async () => {
    await fixture.seed(NAME, OLD);
    await fixture.seed(NAME, OTHER);
    const first = await fixture.store.stage(NAME, NEW, 'r-1');
    const updates = () => fixture.server.calls.filter((call) => call.method === 'UpdateSecret').length;
    const before = updates();
    const state = await fixture.store.publish(NAME, '1', await revision());
    expect(updates()).toBe(before + 1);
    expect(state.labels).toMatchObject({ current: { id: '1' }, previous: { id: '2' } });
    expect(state.labels.pending).toBeUndefined();
    expect(await fixture.store.describe(NAME)).toEqual(state);
    expect(await fixture.store.stage(NAME, OTHER, 'r-1')).toEqual(first);
    expect(await valueAt('pending')).toEqual(NEW);
  });
});

describe('versions that cannot be current', () => {
  it('refuses one that was destroyed, and one that is disabled with the command that enables it', async () => {
    await fixture.seed(NAME, OLD);
    await fixture.seed(NAME, NEW);
    await fixture.seed(NAME, OTHER);
    const version = (number: number) => ({ name: `${fixture.person.path(NAME)}/versions/${number}` });
    await fixture.person.sdk.destroySecretVersion(version(1));
    await fixture.person.sdk.disableSecretVersion(version(2));
    const at = await revision();
    await expect(fixture.store.publish(NAME, '1', at)).rejects.toMatchObject(conflictOf(/not in the store/));
    await expect(fixture.store.publish(NAME, '2', at)).rejects.toMatchObject({
      ...conflictOf(/is disabled/),
      hint: 'enable it: gcloud secrets versions enable 2 --secret=app_x2f_db',
    });
    expect(await valueAt('current')).toEqual(OTHER);
  });

  it('refuses what was staged when somebody destroyed its payload', async () => {
    const { id, revision: before } = await staged();
    await fixture.person.sdk.destroySecretVersion({ name: `${fixture.person.path(`${NAME}--pending`)}/versions/1` });
    await expect(fixture.store.publish(NAME, id, before)).rejects.toMatchObject(conflictOf(/not in the store/));
    expect(await states(NAME)).toEqual(['ENABLED']);
  });
});

describe('reads that lag behind', () => {
  it('cannot publish over an edit that they do not show', async () => {
    const { id, revision: before } = await staged();
    fixture.clock.advance(60_000);
    await fixture.seed(NAME, OTHER);
    fixture.clock.advance(1_000);
    fixture.server.lag = 30_000;
    expect(await revision()).toBe(before); // they show the secret as it was
    fixture.server.on('UpdateSecret', 'before', () => fixture.clock.advance(120_000));
    const elsewhere = await fixture.second(); // it has written nothing that it could remember
    await expect(elsewhere.publish(NAME, id, before)).rejects.toMatchObject(conflictOf(/moved or was edited/));
    expect(await valueAt('current')).toEqual(OTHER);
  });

  it('do not hide from a rotation what it has just written itself', async () => {
    await fixture.person.create(NAME);
    await fixture.person.add(NAME, OLD);
    fixture.clock.advance(60_000);
    fixture.server.lag = 30_000; // for the whole rotation: not even the companion is seen
    const before = await revision();
    const { id } = await fixture.store.stage(NAME, NEW, 'r-1');
    expect(await valueAt('pending')).toEqual(NEW);
    expect(await revision()).toBe(before);
    const state = await fixture.store.publish(NAME, id, before);
    expect(state.labels).toMatchObject({ current: { id }, previous: { id: '1' } });
    expect(await fixture.store.describe(NAME)).toEqual(state);
    expect(await valueAt('current')).toEqual(NEW);
    fixture.clock.advance(60_000);
    expect(await fixture.store.describe(NAME)).toEqual(state);
  });

  it('cannot stage a second value for a rotation', async () => {
    await staged();
    fixture.clock.advance(60_000);
    await fixture.store.publish(NAME, 'v-r-1', await revision());
    fixture.clock.advance(60_000);
    const first = await fixture.store.stage(NAME, OTHER, 'r-2');
    fixture.server.lag = 30_000;
    fixture.server.on('UpdateSecret', 'before', () => fixture.clock.advance(120_000));
    const elsewhere = await fixture.second();
    expect(await elsewhere.stage(NAME, OLD, 'r-2')).toEqual(first);
    expect(await valueAt('pending')).toEqual(OTHER);
    fixture.server.lag = 0;
    expect(await states(`${NAME}--pending`)).toEqual(['DESTROYED', 'ENABLED', 'DESTROYED']);
  });

  it('are told as the store’s lag, by which grace is longer', async () => {
    expect(fixture.store.readLag).toBe(600_000);
  });
});
