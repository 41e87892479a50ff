/** The pipeline over the clouds' states: replays, duplicates, and workers that meet, on the emulators that the State contract runs on. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AuditEvent } from '../../shared/audit/event.ts';
import { createPipeline, openStateProfiles, type Pipeline } from '../../shared/audit/pipeline/index.ts';
import { settingsOf } from '../../shared/audit/settings.ts';
import { openUsage } from '../../shared/audit/usage/index.ts';
import type { State } from '../../shared/state/index.ts';
import { CREDENTIALS } from '../contract/aws.ts';
import { startVendor } from '../contract/aws-vendor.ts';
import type { Vendor } from '../contract/aws-vendor.ts';
import { azureTablesHarness } from '../contract/azure-tables.ts';
import { dynamodbStateHarness } from '../contract/dynamodb.ts';
import { firestoreStateHarness } from '../contract/firestore.ts';
import { all } from '../contract/harness.ts';
import type { StateFixture, StateHarness } from '../contract/state.ts';
import { startFirestoreServer } from '../peers/google/firestore/index.ts';
import type { FirestoreServer } from '../peers/google/firestore/index.ts';
import type { Azurite, Moto } from '../peers/index.ts';
import { describeWithPeer } from '../peers/vitest.ts';
import { fakeScorer, say } from './pipeline-scorer.ts';
import { event, MINUTE, MONDAY } from './scenes.ts';

const settings = settingsOf();

function open(state: State): Pipeline {
  return createPipeline({
    settings,
    scorer: fakeScorer(),
    profiles: (slots) => openStateProfiles(state, { tenant: settings.tenant, slots }),
  });
}

/** 60 events of 12 principals, 20 secrets and 4 networks, in three batches. */
const stream = Array.from({ length: 60 }, (_, n): AuditEvent => {
  const over = {
    id: `e${n}`,
    ref: `e${n}`,
    by: `p${n % 12}`,
    secret: [`s${n % 20}`, `s${(n * 7) % 20}`],
    from: `10.0.${n % 4}.1`,
  };
  const at = MONDAY + n * MINUTE;
  return n % 10 === 0 ? say('N4=10', { ...over, at }) : event({ ...over, at });
});
const batches = [stream.slice(0, 20), stream.slice(20, 40), stream.slice(40)];

async function bytes(state: State): Promise<string[]> {
  return (await all(state.list('audit/profile/'))).map(({ key, value }) => `${key} ${JSON.stringify(value)}`);
}

/** How often each entity has learned each event. */
async function times(state: State): Promise<number[]> {
  const counts: number[] = [];
  for await (const { value } of state.list<unknown[]>('audit/profile/')) {
    const slices = value.slice(7);
    const [, , learned] = slices[slices.indexOf(900) + 1] as [number, number, [string, number][]];
    counts.push(...learned.map(([, n]) => n));
  }
  return counts;
}

function pipelineOver(name: string, harness: StateHarness): void {
  describe(`the pipeline over ${name}`, { timeout: 120_000 }, () => {
    let fixture: StateFixture;
    beforeEach(async () => {
      fixture = await harness.open();
    });
    afterEach(() => fixture.close());

    it('writes what changed once, and the same bytes after a replay, shuffles and duplicates', async () => {
      const { state } = fixture;
      for (const batch of batches) {
        const { writes } = await open(state).process(batch);
        const keys = batch.flatMap(({ principal, secrets, net }) => [principal.id, ...secrets.map(({ key }) => key), net.prefix]);
        expect(writes).toBe(new Set(keys).size + 1);
      }
      const before = await bytes(state);
      expect(before).toHaveLength(12 + 20 + 4 + 1);
      for (const batch of batches) expect(await open(state).process(batch)).toMatchObject({ scored: 0, writes: 0 });
      expect(await bytes(state)).toEqual(before);
      const elsewhere = await harness.open();
      for (const batch of batches) await open(elsewhere.state).process([...batch, ...batch.slice(0, 9)].toReversed());
      expect(await bytes(elsewhere.state)).toEqual(before);
      await elsewhere.close();
    });

    it('lets workers that meet lose nothing and repeat nothing', async () => {
      const others = [fixture.state, await fixture.second()];
      await Promise.all(others.map((state) => open(state).process(stream.slice(0, 30))));
      const counts = await times(fixture.state);
      expect(counts.length).toBeGreaterThan(90);
      expect(counts.every((n) => n === 1)).toBe(true);
    });

    it('tells an alert again until it was sent, and who used a secret last', async () => {
      const { state } = fixture;
      const [first = []] = batches;
      const { toSend } = await open(state).process(first);
      expect(toSend.map(({ entityKey }) => entityKey).toSorted()).toEqual(['p0', 'p10']);
      expect((await open(state).process(first)).toSend).toEqual(toSend);
      await open(state).sent(toSend);
      expect((await open(state).process(first)).toSend).toEqual([]);
      const usage = openUsage(state, settings.tenant);
      const key = 'aws:sm:111122223333:eu-west-1:s1';
      expect(await usage.lastUseOf(key)).toMatchObject({ time: MONDAY + 3 * MINUTE, by: 'p3' });
      expect((await all(usage.all())).map((use) => use.key)).toContain(key);
      expect(await all(openUsage(state, 'another').all())).toEqual([]);
    });
  });
}

await describeWithPeer('moto', 'DynamoDB', (start) => {
  let moto: Moto;
  let vendor: Vendor;
  beforeAll(async () => {
    for (const [name, value] of Object.entries(CREDENTIALS)) vi.stubEnv(name, value);
    moto = await start({});
    vendor = await startVendor(moto.endpoint);
  });
  afterAll(async () => {
    await vendor.close();
    await moto.stop();
    vi.unstubAllEnvs();
  });
  pipelineOver(
    'DynamoDB',
    dynamodbStateHarness(() => vendor),
  );
});

await describeWithPeer('azurite', 'Azure Tables', (start) => {
  let azurite: Azurite;
  beforeAll(async () => {
    azurite = await start({});
    vi.stubEnv('AZURE_STORAGE_CONNECTION_STRING', azurite.env.AZURE_STORAGE_CONNECTION_STRING);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await azurite.stop();
  });
  pipelineOver(
    'Azure Tables',
    azureTablesHarness(() => azurite),
  );
});

describe('Firestore', () => {
  let server: FirestoreServer;
  beforeAll(async () => {
    server = await startFirestoreServer();
  });
  afterAll(() => server.close());
  pipelineOver(
    'Firestore',
    firestoreStateHarness(() => server),
  );
});
