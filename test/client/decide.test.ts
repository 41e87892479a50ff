/** Properties of the client's decisions, in a world where the store answers, lags, fails and is silent, and logins are refused, in any order. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as decide from '../../shared/client/decide.ts';

const LIMITS = { maxAge: 60_000, maxStale: 600_000, missingAge: 5000 };

/** One thing that happens after `wait` milliseconds. Versions count up; `lag` is how many behind a replica answers. */
const step = fc.record({
  wait: fc.oneof(fc.nat(50), fc.nat(2000), fc.nat(90_000), fc.nat(900_000)),
  store: fc.constantFrom('answers', 'answers', 'answers', 'fails', 'missing', 'lags'),
  took: fc.oneof(fc.nat(10), fc.nat(20_000)),
  act: fc.constantFrom('get', 'get', 'login', 'rotate', 'roll back'),
  accepted: fc.boolean(),
  chance: fc.double({ min: 0, max: 0.999, noNaN: true }),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface Given {
  readonly version: string;
  readonly age: number;
  readonly stale: boolean;
}

/** Plays the steps as the client does: reads when a read is wanted, and gives what may be given. */
function play(steps: readonly Step[]) {
  let now = 0;
  let entry = decide.EMPTY;
  const history = ['v0'];
  const readAt = new Map<string, number>();
  const given: Given[] = [];
  const reads: number[] = [];
  const logins: { at: number; version: string }[] = [];
  const changes: { at: number; to: string; from: string | undefined; readings: number }[] = [];
  let agreeing = { version: '', count: 0 };
  const current = (): string => history.at(-1) ?? '';

  function read({ store, took, chance }: Step): void {
    const askedAt = now;
    reads.push(askedAt);
    now += took;
    if (store === 'fails') entry = decide.afterFailure(entry, now, chance);
    else if (store === 'missing') entry = decide.afterMissing(entry, now, LIMITS, chance);
    else {
      const version = store === 'lags' ? (history.at(-2) ?? current()) : current();
      agreeing = { version, count: agreeing.version === version ? agreeing.count + 1 : 1 };
      const from = entry.held;
      const expired = decide.serving(entry, now, LIMITS) !== 'fresh';
      const after = decide.afterRead(entry, { version, askedAt, now, insisted: false }, LIMITS, chance);
      if (after.outcome === 'changed') {
        const certain = expired || entry.refusal !== undefined || !entry.former.includes(version);
        changes.push({ at: now, to: version, from: from?.version, readings: certain ? 2 : agreeing.count });
      }
      entry = after.entry;
      if (after.outcome !== 'doubted') readAt.set(version, askedAt);
    }
  }

  for (const one of steps) {
    now += one.wait;
    if (one.act === 'rotate') history.push(`v${history.length}`);
    if (one.act === 'roll back' && history.length > 1) history.push(history.at(-2) ?? '');
    if (one.act !== 'get' && one.act !== 'login') continue;
    if (decide.wantsRead(entry, now)) read(one);
    const how = decide.serving(entry, now, LIMITS);
    const { held } = entry;
    if (how === 'none' || held === undefined) continue;
    given.push({ version: held.version, age: now - (readAt.get(held.version) ?? Infinity), stale: how === 'stale' });
    if (one.act !== 'login') continue;
    const admitted = decide.admitLogin(entry, held.version, now, one.chance);
    entry = admitted.entry;
    if (!admitted.allowed) continue;
    if (one.accepted) entry = decide.afterAccepted(entry, held.version);
    else {
      logins.push({ at: now, version: held.version });
      entry = decide.afterRefusal(entry, held.version, now, one.chance);
      if (decide.wantsRead(entry, now)) read(one);
    }
  }
  return { given, reads, logins, changes, now, history };
}

const many = fc.array(step, { minLength: 1, maxLength: 120 });

describe('whatever happens', () => {
  it('nothing older than maxAge is given as fresh, and nothing older than maxAge + maxStale at all', () => {
    fc.assert(
      fc.property(many, (steps) => {
        for (const { age, stale } of play(steps).given) {
          expect(age).toBeLessThanOrEqual(stale ? LIMITS.maxAge + LIMITS.maxStale : LIMITS.maxAge);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('a version that was left is taken up again only by two readings, by age, or because the newer one was refused', () => {
    let back = 0;
    fc.assert(
      fc.property(many, (steps) => {
        for (const { readings } of play(steps).changes) {
          back += 1;
          expect(readings).toBeGreaterThanOrEqual(2);
        }
      }),
      { numRuns: 500 },
    );
    expect(back).toBeGreaterThan(100);
  });
});

/** Callers that ask every `every` milliseconds for `span`, and log in each time; `answer` is what each reading comes to. */
function storm(span: number, every: number, chance: () => number, answer: 'same' | 'fails' | 'missing', refuse: boolean) {
  let entry = decide.EMPTY;
  const reads: number[] = [];
  const logins: number[] = [];
  const read = (now: number): void => {
    reads.push(now);
    const [limits, u] = [LIMITS, chance()];
    if (answer === 'fails') entry = decide.afterFailure(entry, now, u);
    else if (answer === 'missing') entry = decide.afterMissing(entry, now, limits, u);
    else entry = decide.afterRead(entry, { version: 'v', askedAt: now, now, insisted: false }, limits, u).entry;
  };
  if (answer === 'same') read(0);
  for (let now = 0; now <= span; now += every) {
    if (decide.wantsRead(entry, now)) read(now);
    if (!refuse || decide.serving(entry, now, LIMITS) === 'none') continue;
    const admitted = decide.admitLogin(entry, 'v', now, chance());
    entry = admitted.entry;
    if (!admitted.allowed) continue;
    logins.push(now);
    entry = decide.afterRefusal(entry, 'v', now, chance());
    if (decide.wantsRead(entry, now)) read(now);
  }
  return { reads: reads.length, logins: logins.length };
}

describe('callers that never rest', () => {
  const chances = fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true }));
  const storms = (property: (chance: () => number, hours: number) => void) =>
    fc.assert(
      fc.property(chances, fc.integer({ min: 1, max: 2 }), (stream, hours) => property(() => stream.next().value ?? 0, hours)),
      { numRuns: 10 },
    );
  const HOUR = 3_600_000;

  it('read a healthy store at most once for each 60 % of maxAge', () =>
    storms((chance, hours) => {
      expect(storm(hours * HOUR, 400, chance, 'same', false).reads).toBeLessThanOrEqual(
        1 + (hours * HOUR) / (0.6 * LIMITS.maxAge),
      );
    }));

  it('read a failing store at most seven times and then once for each 30 s', () =>
    storms((chance, hours) => {
      expect(storm(hours * HOUR, 400, chance, 'fails', false).reads).toBeLessThanOrEqual(8 + (hours * HOUR) / 30_000);
    }));

  it('ask for a missing secret at most once for each half of missingAge', () =>
    storms((chance, hours) => {
      const most = 1 + (hours * HOUR) / (0.5 * LIMITS.missingAge);
      expect(storm(hours * HOUR, 400, chance, 'missing', false).reads).toBeLessThanOrEqual(most);
    }));

  it('with a wrong password try at most seven logins and then one for each 30 s, and read no more often', () =>
    storms((chance, hours) => {
      const { logins, reads } = storm(hours * HOUR, 400, chance, 'same', true);
      expect(logins).toBeLessThanOrEqual(8 + (hours * HOUR) / 30_000);
      expect(reads).toBeLessThanOrEqual(10 + (hours * HOUR) / 30_000);
    }));
});

it('a fleet that started together spreads its next reads over 30 % of maxAge, and no pause is the same for all', () => {
  const at = (chance: number): number =>
    decide.afterRead(decide.EMPTY, { version: 'v', askedAt: 0, now: 0, insisted: false }, LIMITS, chance).entry.held?.refreshAt ??
    0;

  expect([at(0), at(0.5), at(1)].map(Math.round)).toEqual([0.6, 0.75, 0.9].map((part) => part * LIMITS.maxAge));
  expect([decide.pause(1, 0), decide.pause(1, 1), decide.pause(4, 1), decide.pause(99, 0), decide.pause(99, 1)]).toEqual([
    500, 1000, 8000, 30_000, 60_000,
  ]);
});

it('a rollback that is confirmed within maxAge is never waited for beyond it', () => {
  fc.assert(
    fc.property(
      fc.nat(LIMITS.maxAge),
      fc.nat(LIMITS.maxAge),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (first, wait, chance) => {
        const held = decide.afterRead(decide.EMPTY, { version: 'v1', askedAt: 0, now: 0, insisted: false }, LIMITS, chance).entry;
        const moved = decide.afterRead(held, { version: 'v2', askedAt: 0, now: 0, insisted: false }, LIMITS, chance).entry;
        const back = (entry: decide.Entry, now: number) =>
          decide.afterRead(entry, { version: 'v1', askedAt: now, now, insisted: false }, LIMITS, chance);

        const once = back(moved, first);
        const twice = back(once.entry, first + wait);

        expect(once.outcome).toBe('doubted');
        expect(once.entry.held?.askedAt).toBe(0); // its age goes on
        expect(decide.wakeAt(once.entry)).toBeLessThanOrEqual(first + 5000);
        expect(twice).toMatchObject({ outcome: 'changed', entry: { held: { version: 'v1' } } });
      },
    ),
  );
});
