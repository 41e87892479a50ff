import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { event } from '../../../test/audit/scenes.ts';
import type { AuditEvent } from '../../../shared/audit/index.ts';
import { namedTime, type Input } from './input.ts';
import { merged } from './merge.ts';

const LATENESS = 15 * 60_000;

/** An input that gives its events in pieces of `size`. */
function input(events: readonly AuditEvent[], size: number): Input {
  let at = 0;
  let newest = Number.NEGATIVE_INFINITY;
  return {
    name: 'x',
    frontier: () => (at >= events.length ? Number.POSITIVE_INFINITY : newest - LATENESS),
    progress: () => ({ read: 0, size: 0 }),
    async next() {
      const piece = events.slice(at, at + size);
      at += size;
      for (const { time } of piece) newest = Math.max(newest, time);
      return piece;
    },
  };
}

async function all(inputs: readonly Input[], buffer?: number): Promise<AuditEvent[]> {
  const given: AuditEvent[] = [];
  for await (const batch of merged(inputs, buffer)) given.push(...batch);
  return given;
}

const sorted = (events: readonly AuditEvent[]): string[] =>
  [...events].sort((a, b) => a.time - b.time || (a.id < b.id ? -1 : 1)).map(({ id }) => id);

describe('merging', () => {
  it('gives inputs that are each late by some minutes in the order of time, whatever the buffer', async () => {
    const minutes = fc.array(fc.array(fc.integer({ min: 0, max: 14 }), { maxLength: 40 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(minutes, fc.integer({ min: 1, max: 9 }), fc.integer({ min: 2, max: 60 }), async (files, size, buffer) => {
        // Event k of a file is of minute k, or up to 14 minutes before.
        const made = files.map((late) => late.map((minute, at) => event({ at: (at - minute) * 60_000 })));

        const given = await all(
          made.map((events) => input(events, size)),
          buffer,
        );

        expect(given.map(({ id }) => id)).toEqual(sorted(made.flat()));
      }),
      { numRuns: 200 },
    );
  });

  it('sorts what fits into the buffer as a whole', async () => {
    const events = Array.from({ length: 500 }, (_, at) => event({ at: ((at * 7919) % 500) * 3_600_000 }));

    const given = await all([input(events, 50)]);

    expect(given.map(({ id }) => id)).toEqual(sorted(events));
  });
});

it('knows from its name when a CloudTrail file can begin', () => {
  const file = 'AWSLogs/111122223333_CloudTrail_eu-west-1_20260601T1205Z_Ab3dEf6hIj9kLmNo.json.gz';

  expect(new Date(namedTime(file)).toISOString()).toBe('2026-06-01T10:05:00.000Z');
  expect(namedTime('20260601T1205Z/audit.log')).toBe(Number.NEGATIVE_INFINITY);
});
