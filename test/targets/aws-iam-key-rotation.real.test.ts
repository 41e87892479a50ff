/** Whole rotations of an IAM user's access key over moto: also with lost answers, with a person's key in the way, and with edits by hand. */
import { DeleteAccessKeyCommand, ListUserTagsCommand } from '@aws-sdk/client-iam';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import type { SecretValue } from '../../shared/stores/index.ts';
import { describeWithPeer } from '../peers/vitest.ts';
import type { Moto } from '../peers/index.ts';
import { awsConfig, createAdmin, openOver, personAt, UNSIGNED, useKey, type AwsServer } from './aws-iam-key-harness.ts';
import { lost, openRotations, type Rotations } from './rotate-keys.ts';

await describeWithPeer('moto', 'rotating an IAM access key', (start) => {
  let moto: Moto;
  let server: AwsServer;
  let count = 0;
  let user: string;
  let person: ReturnType<typeof personAt>;
  let first: SecretValue;
  let rotations: Rotations;

  beforeAll(async () => {
    moto = await start({ checkLoginsAfter: UNSIGNED });
    server = { endpoint: moto.endpoint, admin: await createAdmin(moto.endpoint) };
    vi.stubEnv('AWS_ACCESS_KEY_ID', server.admin.accessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', server.admin.secretAccessKey);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await moto?.stop();
  });
  beforeEach(async () => {
    user = `app-${(count += 1)}`;
    person = personAt(server, user);
    await person.createUser();
    first = { ...(await person.createKey()), note: 'kept' };
    rotations = await openRotations((gate) => openOver(awsConfig(server.endpoint, { userName: user }), gate), first);
  });
  afterEach(async () => {
    await rotations.close();
    person.iam.destroy();
  });

  const idOf = (value: SecretValue): string => String(value['accessKeyId']);
  const tags = async (): Promise<Record<string, string>> => {
    const { Tags = [] } = await person.iam.send(new ListUserTagsCommand({ UserName: user }));
    return Object.fromEntries(Tags.map(({ Key = '', Value = '' }) => [Key, Value]));
  };

  it('takes a key made by hand over, publishes a new one, and ends the old one on evidence', async () => {
    const result = await rotations.rotate();
    const current = await rotations.current();
    const again = await rotations.rotate();
    expect(result).toMatchObject({
      status: 'closed',
      rotation: { outcome: 'rotated', from: { id: { slot: user, key: idOf(first) } } },
    });
    expect(result.rotation?.steps.map((step) => step.phase)).toEqual([
      'planned',
      'staged',
      'applied',
      'verified',
      'published',
      'grace',
      'retired',
      'proven',
      'closed',
    ]);
    expect(result.rotation?.proof).toMatchObject([{ endpoint: 'us-east-1', outcome: 'refused' }]);
    expect(result.rotation?.grace?.clock).toBe('target');
    expect(current).toMatchObject({ note: 'kept', keyId: idOf(current) });
    expect(idOf(current)).not.toBe(idOf(first));
    expect(again).toMatchObject({ status: 'closed', rotation: { outcome: 'rotated', from: { id: { key: idOf(current) } } } });
    const latest = await rotations.current();
    expect(await person.ids()).toEqual([idOf(latest)]);
    expect(await useKey(server.endpoint, latest)).toBe(true);
    expect(await useKey(server.endpoint, current)).toBe(false);
    const kept = Object.keys(await tags()).filter((tag) => tag.startsWith('keywheel:key:') || tag.startsWith('keywheel:fence:'));
    expect(kept.toSorted()).toEqual([expect.stringMatching(/^keywheel:fence:\d+$/), `keywheel:key:${idOf(latest)}`]);
  });

  it.each([
    ['CreateAccessKey', 'after the key was made'],
    ['TagUser', 'after the intent was written'],
    ['and as the key’s description', 'after the key was recorded'],
    ['UpdateAccessKey', 'after the old key was disabled'],
    ['DeleteAccessKey', 'after the old key was deleted'],
    ['UntagUser', 'after the record was removed'],
  ])('loses nothing and leaves no orphan when the answer to %s is lost (%s)', async (name) => {
    let losses = 0;
    rotations.onMade((call) => {
      if (call.kind !== 'effect' || !call.text.includes(name) || losses > 0) return;
      losses += 1;
      lost();
    });
    const result = await rotations.rotate();
    const current = await rotations.current();
    expect(losses).toBe(1);
    expect(result).toMatchObject({ status: 'closed', rotation: { outcome: 'rotated' } });
    expect(await person.ids()).toEqual([idOf(current)]);
    expect(await useKey(server.endpoint, current)).toBe(true);
    expect(await useKey(server.endpoint, first)).toBe(false);
  });

  it('stops before anything when a person’s second key is there, and names both', async () => {
    const second = await person.createKey();
    const result = await rotations.rotate();
    expect(result).toMatchObject({
      status: 'held',
      error: { code: 'key-limit', message: expect.stringContaining(idOf(second)) },
    });
    expect(result.error?.message).toContain(idOf(first));
    expect(rotations.calls.filter((call) => call.kind === 'effect')).toEqual([]);
    expect(new Set(await person.ids())).toEqual(new Set([idOf(first), idOf(second)]));
    await person.iam.send(new DeleteAccessKeyCommand({ UserName: user, AccessKeyId: idOf(second) }));
    expect(await rotations.rotate()).toMatchObject({ status: 'closed', rotation: { outcome: 'rotated' } });
  });

  it('keeps a key that a person makes in the instant before ours, and goes on when it is gone', async () => {
    let second: SecretValue | undefined;
    rotations.onMade(async (call) => {
      if (call.kind === 'effect' && call.text.includes('keywheel:intent:')) second ??= await person.createKey();
    });
    const short = await rotations.rotate({}, undefined, 1500);
    expect(second).toBeDefined();
    const theirs = idOf(second ?? {});
    expect(await person.ids()).toContain(theirs);
    expect(await person.ids()).toContain(idOf(first));
    expect(short.status).toBe('failed');
    expect(await rotations.current()).toEqual(first);
    expect(await useKey(server.endpoint, second ?? {})).toBe(true);
    await person.iam.send(new DeleteAccessKeyCommand({ UserName: user, AccessKeyId: theirs }));
    rotations.onMade(undefined);
    expect(await rotations.rotate({ resume: true })).toMatchObject({ status: 'closed', rotation: { outcome: 'rotated' } });
    expect(await person.ids()).toEqual([idOf(await rotations.current())]);
  }, 60_000);

  it('does not retire the old key when a person makes it current again, written without a keyId', async () => {
    let edited = false;
    rotations.onMade(async (call) => {
      const { rotation } = (await rotations.journal()) ?? {};
      if (edited || rotation?.phase !== 'grace' || call.kind !== 'read') return;
      edited = true;
      const { accessKeyId = '', secretAccessKey = '' } = first;
      await rotations.put({ accessKeyId, secretAccessKey, note: 'rolled back by hand' });
    });
    const result = await rotations.rotate();
    expect(edited).toBe(true);
    expect(result).toMatchObject({ status: 'held', rotation: { hold: { code: 'edited-back' } } });
    expect(await person.ids()).toContain(idOf(first));
    expect(await useKey(server.endpoint, await rotations.current())).toBe(true);
  });

  it('makes exactly the calls that the dry run showed', async () => {
    const { lines, result } = await rotations.rehearse();
    expect(result).toMatchObject({ status: 'closed', rotation: { outcome: 'rotated' } });
    expect(await person.ids()).toEqual([idOf(first)]);
    expect(await tags()).toEqual({});
    expect(
      lines
        .filter((line) => line.kind === 'effect')
        .map((line) => line.text)
        .join('\n'),
    ).toMatch(/TagUser[^]*CreateAccessKey[^]*UpdateAccessKey[^]*DeleteAccessKey[^]*UntagUser/);
    const real = await rotations.rotate({}, lines);
    expect(real).toMatchObject({ status: 'closed', rotation: { outcome: 'rotated' }, missing: [] });
    const text = JSON.stringify([lines, rotations.calls, await rotations.journal()]);
    for (const value of [first, await rotations.current()]) expect(text).not.toContain(String(value['secretAccessKey']));
  });
});
