import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const BENCH = path.join(import.meta.dirname, 'bench.ts');
const bench = (...args: string[]) => promisify(execFile)(process.execPath, [BENCH, '--quick', ...args]);

const positive = expect.toSatisfy((value: unknown) => typeof value === 'number' && Number.isFinite(value) && value > 0);
const ratio = (name: string, baseline: string) => ({
  name,
  ratio: positive,
  middleHalf: [positive, positive],
  rounds: 2,
  medianMs: positive,
  baseline: { name: baseline, medianMs: positive },
});

// That it measures, not what: numbers are for people to read, on a machine that they know.
describe('the bench', () => {
  it('gives ratios of what it measured, and says what it skipped', async () => {
    const { stdout } = await bench('--json', '--only', 'rotation,startup,simulator,scoring');

    expect(JSON.parse(stdout)).toEqual({
      schemaVersion: 1,
      machine: { node: process.versions.node, platform: expect.any(String), cores: positive },
      rotation: {
        ...ratio('one rotation', 'its bare calls'),
        byHand: ratio('one rotation', 'fewest calls'),
        // As admin, and four times as a consumer: current, the new one, the old one before and after its end.
        bareCalls: {
          login: 5,
          query: positive,
          logout: 3,
          describe: positive,
          read: positive,
          stage: 1,
          publish: 1,
          journal: positive,
        },
        shares: { target: positive, store: positive, state: positive, own: positive },
      },
      startUp: ['--version', '--help', 'status --json'].map((words) => ratio(`keywheel ${words}`, 'node -e 0')),
      entries: { skipped: 'not asked for' },
      simulator: {
        yearsPerMinute: positive,
        timesRealTime: positive,
        seeds: 2,
        years: positive,
        rotations: positive,
        violations: expect.any(Number),
      },
      scoring: {
        relevant: { ratio: positive, eventsPerSecond: positive, bytesPerEvent: positive },
        mixed: { ratio: positive, eventsPerSecond: positive, bytesPerEvent: positive },
      },
      rival: { skipped: 'not asked for' },
    });
  });

  it('refuses a part that it does not have', async () => {
    await expect(bench('--only', 'rotations')).rejects.toMatchObject({
      code: 2,
      stderr:
        'bench: "rotations" is not a part\nhint: --only takes rotation, startup, entries, simulator, scoring, rival, with commas\n',
    });
  });
});
