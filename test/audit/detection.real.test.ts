import { describe, expect, it } from 'vitest';
import { inside } from '../bench/detection-inside.ts';
import { runAttack, runBenign } from '../bench/detection-runs.ts';
import { ATTACKS } from '../tenant/attacks/catalog.ts';
import type { StoreKind } from '../tenant/types.ts';

const FIELD = { duplicates: 0.21, lateness: 600_000 };

/** A few of what `npm run bench:detection` does in full. */
describe('detection in small tenants, after seven days', () => {
  it.each<[string, StoreKind]>([
    ['sweep/fast', 'aws'],
    ['batch/all', 'aws'],
    ['login/brute-force', 'vault'],
    ['audit/off', 'gcp'],
    ['destroy/burst', 'azure'],
    ['token/years', 'openbao'],
    ['canary/read', 'vault'],
  ])('tells of %s in %s in time, and names it first', async (id, kind) => {
    const attack = ATTACKS.find((one) => one.id === id);
    if (attack === undefined) throw new Error(`there is no attack ${id}`);

    const { outcome } = await runAttack(
      inside,
      { seed: `quick.${id}`, size: 'small', stores: [kind], noise: FIELD },
      attack,
      kind,
    );

    expect(outcome).toMatchObject({ attack: id, alerted: true, onTime: true, named: true });
  });

  it('is mostly quiet when nobody attacks', async () => {
    const run = await runBenign(inside, { seed: 'quick.benign', size: 'small', stores: ['aws'], noise: FIELD }, 7);

    expect(run.records).toBeGreaterThan(2_000);
    expect(run.summary['malformed']).toBe(0);
    expect(run.summary['duplicates']).toBeGreaterThan(100);
    expect(run.falseAlerts.length / run.days).toBeLessThanOrEqual(5);
  });
});
