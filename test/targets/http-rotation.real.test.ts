/** Whole rotations of a vendor's key by the real engine: with lost answers, a paused worker, and calls held to a dry run. */
import { afterEach, describe, expect, it } from 'vitest';
import type { SecretValue } from '../../shared/stores/index.ts';
import { configFor, openOver } from './http-harness.ts';
import { startVendor, VENDORS, type Vendor, type VendorName } from './http-vendor.ts';
import { lost, openRotations, type Rotations } from './rotate-keys.ts';

let vendor: Vendor;
let rotations: Rotations;
let first: SecretValue;

async function open(name: VendorName, change: Record<string, unknown> = {}): Promise<void> {
  vendor = await startVendor(name);
  const key = vendor.createByHand('made by hand');
  first = { ...vendor.valueOf(key), note: 'kept' };
  const config = await configFor(name, vendor.url, change);
  // Without evidence, grace runs on the worker's clock with five minutes for its skew: too long for a test, so the vendor tells use here.
  rotations = await openRotations((gate) => openOver(config, vendor, gate), first);
}
afterEach(async () => {
  await rotations.close();
  await vendor.close();
});

const live = (): string[] => vendor.keys.filter((key) => key.live).map((key) => key.id);
const withUse = (Object.keys(VENDORS) as VendorName[]).filter((name) => name === 'cloudflare' || name === 'gitlab');

describe.each(withUse)('rotating a key of %s', (name) => {
  it('publishes a new key and ends the old one on evidence', async () => {
    await open(name);
    const result = await rotations.rotate();
    const current = await rotations.current();
    expect(result).toMatchObject({ status: 'closed', rotation: { outcome: 'rotated', from: { id: { key: first['keyId'] } } } });
    expect(result.rotation?.proof).toMatchObject([{ outcome: 'refused', detail: 'status 401' }]);
    expect(current).toMatchObject({ note: 'kept' });
    expect(live()).toEqual([current['keyId']]);
    expect(await rotations.rotate()).toMatchObject({ status: 'closed', rotation: { outcome: 'rotated' } });
    expect(live()).toEqual([(await rotations.current())['keyId']]);
    expect(vendor.complaints).toEqual([]);
  });

  it.each(['POST', 'DELETE'])('loses nothing and leaves no key behind when the answer to %s is lost', async (method) => {
    await open(name);
    let losses = 0;
    rotations.onMade((call) => {
      if (losses > 0 || !call.text.startsWith(`http ${method}`)) return;
      losses += 1;
      lost();
    });
    const result = await rotations.rotate();
    expect(losses).toBe(1);
    expect(result).toMatchObject({ status: 'closed', rotation: { outcome: 'rotated' } });
    expect(live()).toEqual([(await rotations.current())['keyId']]);
  });

  it.each([
    ['hangs up after it made the key', 'hang-up'],
    ['answers 502 after it made the key', { status: 502, body: {} }],
    ['answers without the key', { status: 201, body: { ok: true } }],
    ['answers 200 without the key', { status: 200, body: {} }],
  ] as const)('converges when the vendor %s', async (_, reply) => {
    await open(name);
    vendor.interfere(({ method }) => method === 'POST', reply, true);
    const result = await rotations.rotate();
    expect(result).toMatchObject({ status: 'closed', rotation: { outcome: 'rotated' } });
    expect(live()).toEqual([(await rotations.current())['keyId']]);
  });

  it('sends exactly what the dry run showed', async () => {
    await open(name);
    const { lines, result } = await rotations.rehearse();
    expect(result).toMatchObject({ status: 'closed', rotation: { outcome: 'rotated' } });
    expect(vendor.requests.filter((each) => !each.startsWith('GET'))).toEqual([]);
    const real = await rotations.rotate({}, lines);
    expect(real).toMatchObject({ status: 'closed', rotation: { outcome: 'rotated' }, missing: [] });
    const text = JSON.stringify([lines, rotations.calls, await rotations.journal()]);
    expect(text).toMatch(/keywheel-<installation>-[0-9a-f]{8}-r-\w+-<fence>/);
    for (const key of vendor.keys) expect(text).not.toContain(key.secret);
    expect(text).not.toContain(vendor.admin);
  });
});

it('holds the old key while a consumer uses it after every cache has run out', async () => {
  await open('cloudflare');
  rotations.onMade((call) => {
    const old = vendor.keys[0];
    // A whole minute ahead of our probes, as a consumer's use would be after grace.
    if (old !== undefined && call.kind === 'read' && vendor.keys.length > 1) old.lastUsedAt = Date.now() + 61_000;
  });
  const result = await rotations.rotate();
  expect(result).toMatchObject({ status: 'held', rotation: { phase: 'grace', hold: { code: 'still-in-use' } } });
  expect(live()).toContain(first['keyId']);
});

it('stops before anything when the vendor has no room for another key', async () => {
  await open('sendgrid', { limit: 2 });
  const theirs = vendor.createByHand('somebody’s key');
  const result = await rotations.rotate();
  expect(result).toMatchObject({ status: 'held', error: { code: 'key-limit', message: expect.stringContaining(theirs.id) } });
  expect(live()).toEqual([first['keyId'], theirs.id]);
});

it('stops before anything when the secret names a key that the vendor does not list', async () => {
  await open('sendgrid');
  await rotations.put({ ...first, keyId: 'somebody-elses' });
  const result = await rotations.rotate({}, undefined, 500);
  expect(result).toMatchObject({
    status: 'failed',
    error: { code: 'ERR_TARGET_MISMATCH', message: expect.stringContaining('somebody-elses') },
  });
  expect(live()).toEqual([first['keyId']]);
});

it('waits for grace without evidence where the vendor tells no use', async () => {
  await open('sendgrid');
  const result = await rotations.rotate();
  expect(result).toMatchObject({ status: 'waiting', rotation: { phase: 'grace', grace: { clock: 'worker' } } });
  expect(live()).toHaveLength(2);
});
