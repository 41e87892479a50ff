import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findInLog } from './leaks.ts';
import { renderSummary } from './summary.ts';
import { openTally } from './tally.ts';
import { addReport, complaints, countQueries, queriesBetween, startTimeline, summarize } from './timeline.ts';
import { sampleTimeline, START } from './timeline.fixture.ts';

const empty = () => startTimeline({ accounts: ['app_a', 'app_b'], serverVersion: '18.4', workers: 3, startedAt: START });

describe('counting', () => {
  it('loses no query and no failure, whatever is reported when', () => {
    const query = fc.record({
      worker: fc.nat(2),
      account: fc.constantFrom('app_a', 'app_b'),
      at: fc.nat(20_000),
      take: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(query), (queries) => {
        const timeline = empty();
        const tallies = [openTally(), openTally(), openTally()];
        for (const { worker, account, at, take } of queries) {
          const tally = tallies[worker] ?? openTally();
          tally.queried(account, START + at, 1);
          if (take) addReport(timeline, tally.take());
        }
        for (const tally of tallies) addReport(timeline, tally.take());

        expect(countQueries(timeline)).toBe(queries.length);
        const inWindow = queries.filter(({ account, at }) => account === 'app_b' && at >= 1000 && at < 5000).length;
        expect(queriesBetween(timeline, 'app_b', START + 1000, START + 5000)).toBe(inWindow);
      }),
    );
  });

  it('gives the summary in the shape that design.md fixes', () => {
    const summary = summarize(sampleTimeline());

    expect(Object.keys(summary)).toEqual(['schemaVersion', 'seconds', 'queries', 'failed', 'rotations', 'resumes', 'refused']);
    expect(summary).toMatchObject({ schemaVersion: 1, seconds: 29, failed: 0, rotations: 5, resumes: 2, refused: 5 });
  });
});

describe('complaints', () => {
  it('has none when all is well', () => {
    expect(complaints(sampleTimeline())).toEqual([]);
    expect(renderSummary(sampleTimeline(), '/tmp/report.html')).toContain('No query noticed.');
  });

  it.each([
    [
      'a failed query',
      (t: ReturnType<typeof sampleTimeline>) =>
        t.failures.push({ at: START, code: '28P01', account: 'app_a', during: 'connect' }),
      '1 query failed (28P01 on connect as app_a)',
    ],
    ['three rotations', (t: ReturnType<typeof sampleTimeline>) => t.turns.splice(3), 'only 3 of 4 rotations closed'],
    [
      'no resume',
      (t: ReturnType<typeof sampleTimeline>) => t.turns.forEach((turn) => delete turn.kill),
      'no rotation was resumed after a SIGKILL',
    ],
    [
      'an accepted old password',
      (t: ReturnType<typeof sampleTimeline>) =>
        Object.assign(t.turns[2] ?? {}, { refusal: { outcome: 'accepted', code: '00000', endpoint: 'primary' } }),
      '1 retired password was not refused',
    ],
    [
      'an unclear outcome',
      (t: ReturnType<typeof sampleTimeline>) =>
        Object.assign(t.turns[2] ?? {}, { refusal: { outcome: 'unclear', code: 'ECONNREFUSED', endpoint: 'primary' } }),
      '1 retired password was not refused',
    ],
    ['a leak', (t: ReturnType<typeof sampleTimeline>) => (t.leaks = 1), 'a password was found in a log'],
    ['no load', (t: ReturnType<typeof sampleTimeline>) => t.buckets.clear(), 'no query ran'],
  ])('names %s', (_name, spoil, expected) => {
    const timeline = sampleTimeline();

    spoil(timeline);

    expect(complaints(timeline)).toContain(expected);
    expect(renderSummary(timeline, '/tmp/report.html')).toContain('Not as promised');
  });
});

describe('findInLog', () => {
  const secret = 'hunter2-hunter2-hunter2';

  it('finds a password as it is, and in base64 at any offset', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        const encoded = Buffer.from(before + secret + after).toString('base64');
        expect(findInLog(['a line', `raw ${secret}`], [secret])).toBe(1);
        expect(findInLog(['a line', encoded], [secret])).toBe(1);
      }),
    );
  });

  it('does not find what is not there', () => {
    expect(findInLog(['ALTER ROLE app_a PASSWORD <verifier>'], [secret])).toBe(0);
  });
});
