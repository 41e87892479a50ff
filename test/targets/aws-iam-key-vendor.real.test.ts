/** IAM access keys against what AWS documents and emulators leave out. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AwsIamKeyTargetConfig } from '../../shared/config/index.ts';
import { openGate, rehearsalGate } from '../../shared/deps.ts';
import type { Call } from '../../shared/deps.ts';
import type { SecretValue } from '../../shared/stores/index.ts';
import type { Stamp } from '../../shared/targets/index.ts';
import { keyTargetContract, losingGate, type KeyTargetHarness } from '../contract/key-target.ts';
import { awsConfig, openOver } from './aws-iam-key-harness.ts';
import { startAws, type AwsVendor } from './aws-iam-key-vendor.ts';
import { openRotations } from './rotate-keys.ts';

let aws: AwsVendor;
let users = 0;
beforeAll(async () => {
  aws = await startAws();
});
beforeEach(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', aws.admin.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', aws.admin.secretAccessKey);
});
afterEach(() => {
  vi.unstubAllEnvs();
  aws.showAsOf(undefined);
});
afterAll(() => aws.close());

type Key = ReturnType<AwsVendor['addKey']>;
const valueOf = (key: Key): SecretValue => ({ accessKeyId: key.id, secretAccessKey: key.secret });
const newUser = () => aws.addUser(`app-${(users += 1)}`);
const stamp = (fence = 1, rotationId = 'r1'): Stamp => ({ installation: 'here', secret: 'app/key', rotationId, fence });

const harness: KeyTargetHarness = {
  keepsFence: true,
  recordsKeys: true,
  async open() {
    const user = newUser();
    const adopted = aws.addKey(user, 86_400_000);
    const config = awsConfig(aws.endpoint, { userName: user.name, account: aws.account });
    const calls: Call[] = [];
    const observe = (call: Call) => void calls.push(call);
    let losing = false;
    const gate = losingGate(observe, (call) => {
      const lost = losing && call.text.includes('CreateAccessKey');
      if (lost) losing = false;
      return lost;
    });
    return {
      target: await openOver(config, gate),
      calls,
      adopted: valueOf(adopted),
      loseNextMint: () => void (losing = true),
      rehearsal: () => openOver(config, rehearsalGate(observe)),
      ids: async () => user.keys.map((key) => key.id),
      createByHand: async () => aws.addKey(user).id,
      use: async (value) => {
        const key = user.keys.find((each) => each.id === value['accessKeyId'] && each.active);
        if (key !== undefined) key.lastUse = { at: Date.now(), service: 's3' };
        return key !== undefined;
      },
      secrets: ['secretAccessKey'],
      close: async () => {},
    };
  },
};
keyTargetContract('aws-iam-key (IAM and STS as documented)', harness);

async function open(change: Partial<AwsIamKeyTargetConfig> = {}) {
  const user = newUser();
  const adopted = aws.addKey(user, 86_400_000);
  const target = await openOver(awsConfig(aws.endpoint, { userName: user.name, ...change }), openGate());
  return {
    user,
    adopted,
    value: valueOf(adopted),
    target,
    mint: (at = stamp()) => target.mint(user.name, at.rotationId, valueOf(adopted), at),
  };
}

describe('probe', () => {
  it('accepts only what three answers in a row accept', async () => {
    const { target, value } = await open();
    aws.identity('accepted', 'accepted', 'refused');
    expect(await target.probe(value, 'us-east-1')).toMatchObject({
      outcome: 'unreachable',
      detail: expect.stringContaining('2 of 3'),
    });
    expect(await target.probe(value, 'us-east-1')).toMatchObject({
      outcome: 'accepted',
      detail: expect.stringContaining('user/team/'),
    });
  });

  it('refuses only what three answers in a row refuse, so that a key which one front end still takes is not called dead', async () => {
    const { target, value } = await open();
    aws.identity('refused', 'refused', 'accepted');
    expect(await target.probe(value, 'us-east-1')).toMatchObject({ outcome: 'unreachable' });
    aws.identity('refused', 'refused', 'refused');
    expect(await target.probe(value, 'us-east-1')).toMatchObject({
      outcome: 'refused',
      detail: expect.stringContaining('InvalidClientTokenId'),
    });
  });

  it.each([
    [{ status: 403, code: 'AccessDenied' }, 'forbidden'],
    [{ status: 400, code: 'Throttling' }, 'throttled'],
    [{ status: 500, code: 'InternalFailure' }, 'unreachable'],
    [{ status: 503, code: 'ServiceUnavailable' }, 'unreachable'],
    [{ status: 403, code: 'SignatureDoesNotMatch' }, 'refused'],
    [
      { status: 403, code: 'SignatureDoesNotMatch', message: 'Signature expired: 20260101T000000Z is now earlier than x' },
      'unreachable',
    ],
    [{ status: 403, code: 'SignatureDoesNotMatch', message: 'Signature not yet current: 20260101T000000Z' }, 'unreachable'],
    [{ status: 400, code: 'RequestExpired' }, 'unreachable'],
    [{ status: 418, code: 'NewWord' }, 'unreachable'],
    ['hang-up', 'unreachable'],
  ] as const)('takes %j for %s', async (answer, outcome) => {
    const { target, value } = await open();
    if (outcome === 'refused') aws.identity('refused', 'refused');
    aws.trouble({ action: 'GetCallerIdentity', answer });
    expect(await target.probe(value, 'us-east-1')).toMatchObject({ outcome });
  });

  it('does not accept a key of another user or another account', async () => {
    const { target, value } = await open({ account: '999999999999' });
    expect(await target.probe(value, 'us-east-1')).toMatchObject({
      outcome: 'forbidden',
      detail: expect.stringContaining('999999999999'),
    });
    const other = aws.addKey(newUser());
    expect(await target.probe(valueOf(other), 'us-east-1')).toMatchObject({
      outcome: 'forbidden',
      detail: expect.stringContaining('not to IAM user'),
    });
  });

  it('signs with exactly this pair, whatever the environment holds', async () => {
    const { target } = await open();
    vi.stubEnv('AWS_SESSION_TOKEN', 'somebody-elses-token');
    const wrong = { accessKeyId: 'AKIA0000000000000000', secretAccessKey: 'wrong' };
    expect(await target.probe(wrong, 'us-east-1')).toMatchObject({ outcome: 'refused' });
  });

  it('tells nobody there and no TLS apart', async () => {
    const { value, user } = await open();
    const nobody = await openOver(awsConfig('http://127.0.0.1:1', { userName: user.name }), openGate());
    expect(await nobody.probe(value, 'us-east-1')).toMatchObject({
      outcome: 'unreachable',
      detail: expect.stringContaining('ECONNREFUSED'),
    });
    const cleartext = await openOver(awsConfig(aws.endpoint.replace('http:', 'https:'), { userName: user.name }), openGate());
    expect(await cleartext.probe(value, 'us-east-1')).toMatchObject({ outcome: 'tls' });
  });
});

describe('a key whose answer was lost', () => {
  it.each([
    ['hangs up', 'hang-up' as const],
    ['answers 500', { status: 500, code: 'InternalFailure' }],
  ])('is found and ended when AWS %s, and is not asked for again by the SDK', async (_, answer) => {
    const { target, mint, user, adopted } = await open();
    aws.trouble({ action: 'CreateAccessKey', answer, after: true });
    const before = aws.actions.length;
    await expect(mint()).rejects.toMatchObject({ code: 'ERR_TARGET_UNREACHABLE', retryable: true });
    expect(aws.actions.slice(before).filter((action) => action === 'CreateAccessKey')).toHaveLength(1);
    const [orphan] = await target.find('r1');
    expect(orphan?.key).toBe(user.keys[1]?.id);
    await target.retire(orphan ?? { slot: '', key: '' }, stamp(), 'accepted');
    const { id } = await mint();
    expect(user.keys.map((key) => key.id)).toEqual([adopted.id, id.key]);
    expect(await target.find('r1')).toEqual([id]);
  });

  it('is still found when IAM shows it late, although another try was made meanwhile', async () => {
    const { target, mint, user } = await open();
    aws.trouble({ action: 'CreateAccessKey', answer: 'hang-up', after: true });
    const before = Date.now() - 1;
    await expect(mint()).rejects.toMatchObject({ code: 'ERR_TARGET_UNREACHABLE' });
    // Neither the orphan nor the tag that the first try wrote is shown yet.
    aws.showAsOf(before);
    expect(await target.find('r1')).toEqual([]);
    await expect(mint()).rejects.toMatchObject({ code: 'ERR_TARGET_FAILED', message: expect.stringContaining('LimitExceeded') });
    aws.showAsOf(undefined);
    expect((await target.find('r1')).map((each) => each.key)).toEqual([user.keys[1]?.id]);
  });

  it.each([
    ['was used', (key: Key) => (key.lastUse = { at: Date.now(), service: 's3' })],
    ['is older than the intent', (key: Key) => Object.assign(key, { createdAt: Date.now() - 60_000 })],
    ['is much younger than it', (key: Key) => Object.assign(key, { createdAt: Date.now() + 600_000 })],
  ])('is not taken for a key that %s', async (_, change) => {
    const { target, mint, user } = await open();
    aws.trouble({ action: 'CreateAccessKey', answer: 'hang-up' });
    await expect(mint()).rejects.toMatchObject({ code: 'ERR_TARGET_UNREACHABLE' });
    const theirs = aws.addKey(user);
    change(theirs);
    aws.remember(user);
    expect(await target.find('r1')).toEqual([]);
    await expect(target.retire({ slot: user.name, key: theirs.id }, stamp(), 'accepted')).rejects.toMatchObject({
      code: 'ERR_TARGET_MISMATCH',
      message: expect.stringContaining(theirs.id),
    });
  });

  it('is not looked for once AWS has said that none was made', async () => {
    const { target, mint, user } = await open();
    aws.before('CreateAccessKey', () => void aws.addKey(user));
    await expect(mint()).rejects.toMatchObject({ code: 'ERR_TARGET_FAILED', message: expect.stringContaining('LimitExceeded') });
    expect(user.keys).toHaveLength(2);
    expect(await target.find('r1')).toEqual([]);
  });

  it('is not called found when its use cannot be read', async () => {
    const { target, mint } = await open();
    aws.trouble({ action: 'CreateAccessKey', answer: 'hang-up', after: true });
    await expect(mint()).rejects.toMatchObject({ code: 'ERR_TARGET_UNREACHABLE' });
    aws.trouble({ action: 'GetAccessKeyLastUsed', answer: { status: 403, code: 'AccessDenied' } });
    await expect(target.find('r1')).rejects.toMatchObject({ code: 'ERR_TARGET_FORBIDDEN' });
  });
});

describe('a worker that was overtaken', () => {
  it('removes the key that it made too late, which it alone knows', async () => {
    const { mint, user, adopted, target } = await open();
    aws.before('CreateAccessKey', () => target.fence(stamp(9, 'r2')));
    await expect(mint(stamp(1))).rejects.toMatchObject({
      code: 'ERR_FENCE_STALE',
      message: expect.stringContaining('fence 9, ours 1'),
    });
    expect(user.keys.map((key) => key.id)).toEqual([adopted.id]);
  });

  it('never lowers a fence that another worker raised in the same moment', async () => {
    const { target, user } = await open();
    aws.before('TagUser', () => void user.tags.set('keywheel:fence:9', 'here app/key'));
    await expect(target.fence(stamp(5))).rejects.toMatchObject({ code: 'ERR_FENCE_STALE' });
    await expect(target.fence(stamp(8))).rejects.toMatchObject({ code: 'ERR_FENCE_STALE' });
    await target.fence(stamp(9, 'r2'));
  });
});

describe('credentials and addresses of our own', () => {
  it('come from the default chain and the SDK’s own variables', async () => {
    const { endpoint: _none, ...config } = awsConfig(aws.endpoint, { userName: newUser().name });
    vi.stubEnv('AWS_ENDPOINT_URL', aws.endpoint);
    const target = await openOver(config, openGate());
    expect(await target.find('r1')).toEqual([]);
  });

  it('are missed with a message that says so', async () => {
    const { target } = await open();
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE']) vi.stubEnv(name, '');
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nowhere');
    vi.stubEnv('AWS_CONFIG_FILE', '/nowhere');
    await expect(target.find('r1')).rejects.toMatchObject({
      code: 'ERR_TARGET_REFUSED',
      message: expect.stringContaining('CredentialsProviderError'),
      hint: expect.stringContaining('no AWS credentials were found'),
    });
  });

  it('may be another address for STS', async () => {
    const { user, value } = await open();
    const target = await openOver(
      awsConfig('http://127.0.0.1:1', { userName: user.name, stsEndpoint: aws.endpoint }),
      openGate(),
    );
    expect(await target.probe(value, 'us-east-1')).toMatchObject({ outcome: 'accepted' });
  });
});

describe('preflight', () => {
  const check = async (target: Awaited<ReturnType<typeof open>>['target'], name: string) =>
    (await target.preflight(name, name, stamp()))[0];

  it('finds what would make a rotation unsafe', async () => {
    const { target, user } = await open({ account: '999999999999' });
    expect(await check(target, user.name)).toMatchObject({
      code: 'other-account',
      message: expect.stringContaining('123456789012'),
    });
    const missing = await openOver(awsConfig(aws.endpoint, { userName: 'nobody' }), openGate());
    expect(await check(missing, 'nobody')).toMatchObject({ code: 'user-missing', message: expect.stringContaining('nobody') });
    const self = await openOver(awsConfig(aws.endpoint, { userName: 'keywheel-admin' }), openGate());
    expect(await check(self, 'keywheel-admin')).toMatchObject({
      code: 'admin-is-target',
      message: expect.stringContaining(aws.admin.accessKeyId),
    });
    const broken = await open();
    broken.user.tags.set('keywheel:fence:many', 'x');
    aws.addKey(broken.user);
    expect(await check(broken.target, broken.user.name)).toMatchObject({
      code: 'mark-unreadable',
      message: expect.stringContaining('keywheel:fence:many'),
    });
  });

  it('finds another owner, and a state older than the target', async () => {
    const { target, user } = await open();
    await target.fence({ ...stamp(5), installation: 'elsewhere' });
    expect(await check(target, user.name)).toMatchObject({ code: 'target-owned', message: expect.stringContaining('elsewhere') });
    const behind = await open();
    await behind.target.fence(stamp(5));
    expect(await check(behind.target, behind.user.name)).toMatchObject({
      code: 'fence-behind',
      message: expect.stringContaining('5'),
    });
  });

  it.each([
    [{ status: 403, code: 'AccessDenied' }, 'ERR_TARGET_FORBIDDEN', false],
    [{ status: 400, code: 'ExpiredToken' }, 'ERR_TARGET_REFUSED', false],
    [{ status: 418, code: 'NewWord', message: 'text of the service that quotes a request' }, 'ERR_TARGET_FAILED', false],
  ])('tells %j by its code, without AWS’s text', async (answer, code, retryable) => {
    const { target, user } = await open();
    aws.trouble({ action: 'GetUser', answer });
    const checking = target.preflight(user.name, user.name, stamp());
    await expect(checking).rejects.toMatchObject({ code, retryable, message: expect.stringContaining(answer.code) });
    await expect(checking).rejects.toMatchObject({ message: expect.not.stringContaining('quotes a request') });
  });
});

describe('retire', () => {
  it('deletes only what IAM shows as inactive', async () => {
    const { target, mint, user } = await open();
    const { id } = await mint();
    aws.before('UpdateAccessKey', () => aws.showAsOf(Date.now() - 1));
    await expect(target.retire(id, stamp(), 'accepted')).rejects.toMatchObject({
      code: 'ERR_TARGET_MISMATCH',
      message: expect.stringContaining('not shown as inactive yet'),
      retryable: true,
    });
    expect(user.keys).toHaveLength(2);
    aws.showAsOf(undefined);
    await target.retire(id, stamp(), 'refused');
    expect(user.keys).toHaveLength(1);
  });
});

describe('a whole rotation', () => {
  it('waits until a new key is known everywhere, and until the old one is refused everywhere', async () => {
    const user = newUser();
    const adopted = aws.addKey(user, 86_400_000);
    const config = awsConfig(aws.endpoint, { userName: user.name });
    const rotations = await openRotations((gate) => openOver(config, gate), valueOf(adopted));
    aws.identity('accepted', 'accepted', 'accepted', 'refused', 'refused', 'refused', 'accepted', 'refused', 'accepted');
    const result = await rotations.rotate();
    expect(result).toMatchObject({ status: 'closed', rotation: { outcome: 'rotated' } });
    expect(user.keys.map((key) => key.id)).toEqual([(await rotations.current())['accessKeyId']]);
    await rotations.close();
  });
});

it('asks for every action of the guide’s policy, and for no other', async () => {
  const guide = await readFile(path.join(import.meta.dirname, '../../docs/guides/api-keys.md'), 'utf8');
  const policy = JSON.parse(/```json\n([^]*?)```/.exec(guide)?.[1] ?? '') as { Statement: { Action: string[] }[] };
  const { target, user, mint, value } = await open();
  const before = aws.actions.length;
  await target.preflight(user.name, user.name, stamp());
  await mint();
  await target.find('r1');
  await target.lastUsed(user.name, { slot: user.name, key: String(value['accessKeyId']) });
  await target.retire({ slot: user.name, key: String(value['accessKeyId']) }, stamp(), 'accepted');
  const asked = new Set(aws.actions.slice(before).map((action) => `iam:${action}`));
  expect(asked).toEqual(new Set(policy.Statement[0]?.Action));
});
