import { describe, expect, it } from 'vitest';
import { inTurns, ratioOf } from './measure.ts';
import { render, type BenchReport } from './report.ts';

const ratio = (name: string, baseline: string) => ratioOf(name, [180, 150, 210], baseline, [100, 100, 120]);
const side = { rotations: 8, queries: 123_456, failed: 1234, failures: { '28P01': 1234 }, medianMs: 12.97 };
const comparison = (onRefusal: 'reread' | 'keep') => ({
  onRefusal,
  keywheel: { ...side, failed: 0, failures: {}, medianMs: 1246.1, changeMedianMs: 19.4, waitedMedianMs: 1477 },
  openbao: side,
  ratio: 96,
  changeRatio: 1.5,
});

const report: BenchReport = {
  schemaVersion: 1,
  machine: { node: '24.21.0', platform: 'linux x64', cores: 2 },
  rotation: {
    ...ratio('one rotation', 'its bare calls'),
    byHand: ratio('one rotation', 'fewest calls'),
    bareCalls: { login: 5, query: 60, logout: 3, describe: 4, read: 7, stage: 1, publish: 1, journal: 9 },
    shares: { target: 0.86, store: 0.04, state: 0.08, own: 0.02 },
  },
  startUp: [ratio('keywheel --version', 'node -e 0'), ratio('keywheel status --json', 'node -e 0')],
  entries: [
    {
      cloud: 'aws',
      entry: 'rotate',
      entryBytes: 5441,
      startBytes: 7200,
      bundleBytes: 6_020_000,
      start: ratio('aws rotate', 'empty handler'),
    },
  ],
  simulator: { yearsPerMinute: 2345.6, timesRealTime: 1.2e9, seeds: 8, years: 800, rotations: 9600, violations: 0 },
  scoring: {
    relevant: { ratio: 0.25, eventsPerSecond: 80_000, bytesPerEvent: 1425 },
    mixed: { ratio: 2, eventsPerSecond: 600_000, bytesPerEvent: 1417 },
  },
  rival: { consumers: { workers: 4, maxCacheAgeMs: 1000 }, comparisons: [comparison('reread'), comparison('keep')] },
};

describe('the printed bench', () => {
  it('fits 80 columns and shows every ratio with its aim and its baseline', () => {
    const lines = render(report);

    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines).toContain('one rotation            1.80   1.3  1.50-1.80    180 ms  100 ms, its bare calls');
    expect(lines).toContain('keywheel --version      1.80   1.5  1.50-1.80    180 ms  100 ms, node -e 0');
    expect(lines).toContain('keywheel status --json  1.80   -    1.50-1.80    180 ms  100 ms, node -e 0');
    expect(lines.join(' ')).toContain('2,346 years a minute');
    expect(lines.join(' ')).toContain('0.25 times the speed of JSON.parse of the same lines (aim 1)');
    expect(lines.some((line) => /openbao +8 +123,456 +1,234 +13 ms +13 ms$/.test(line))).toBe(true);
  });

  it('says of each part that was not measured why', () => {
    const skipped = { skipped: 'no pip on this machine' };

    const text = render({
      ...report,
      rotation: skipped,
      startUp: skipped,
      entries: skipped,
      simulator: skipped,
      scoring: skipped,
      rival: skipped,
    }).join('\n');

    for (const what of ['one rotation', 'start-up', 'handlers', 'simulator', 'beside OpenBao']) {
      expect(text).toContain(`${what}: skipped, no pip on this machine`);
    }
    expect(text).not.toContain('RATIO');
  });
});

describe('measuring in turns', () => {
  it('begins each round with another piece and keeps results by piece and round', async () => {
    const order: string[] = [];
    const piece = (name: string, from: number) => async () => from + order.push(name);

    const results = await inTurns([piece('a', 100), piece('b', 200)], 2);

    expect(order.join('')).toBe('abba');
    expect(results).toEqual([
      [101, 104],
      [202, 203],
    ]);
  });

  it('divides medians, and shows the middle half of the rounds', () => {
    expect(ratioOf('ours', [20, 30, 90, 40], 'theirs', [10, 10, 30, 40])).toEqual({
      name: 'ours',
      ratio: 35 / 20,
      middleHalf: [2, 3],
      rounds: 4,
      medianMs: 35,
      baseline: { name: 'theirs', medianMs: 20 },
    });
  });
});
