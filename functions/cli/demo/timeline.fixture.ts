/** A made-up run for the tests of the pure parts: five rotations of six seconds, two of them killed. */
import { PHASES, type Phase, type RotationRecord } from '../../../shared/rotation/index.ts';
import { BUCKET_MS } from './tally.ts';
import { startTimeline, type LabelMark, type Timeline } from './timeline.ts';

export const START = Date.UTC(2026, 0, 5, 9, 30);
const ACCOUNTS = ['app_a', 'app_b'] as const;
const OFFSETS: Record<Phase, number> = {
  planned: 350,
  staged: 380,
  applied: 420,
  verified: 510,
  published: 530,
  grace: 545,
  retired: 3700,
  proven: 3730,
  closed: 3745,
};
const KILLS: Record<number, { phase: Phase; at: number; resumed: number; lost: number }> = {
  2: { phase: 'applied', at: 430, resumed: 1130, lost: 1200 },
  4: { phase: 'grace', at: 900, resumed: 1600, lost: 0 },
};

export function sampleTimeline(rotations = 5): Timeline {
  const timeline = startTimeline({ accounts: ACCOUNTS, serverVersion: '18.4', workers: 3, startedAt: START });
  const mark = (index: number): LabelMark => ({ version: `v-r-01m8x-3f9ad${index}`, account: ACCOUNTS[index % 2] ?? '' });
  timeline.labels.push({ at: START, current: mark(0) });
  for (let index = 0; index < rotations; index += 1) {
    const startedAt = START + 2000 + index * 5400;
    const kill = KILLS[index + 1];
    const at = (phase: Phase): number =>
      startedAt + OFFSETS[phase] + (kill && PHASES.indexOf(phase) > PHASES.indexOf(kill.phase) ? kill.lost : 0);
    const steps = PHASES.map((phase) => ({ phase, at: at(phase), fence: 1 }));
    timeline.turns.push({
      number: index + 1,
      startedAt,
      endedAt: at('closed') + 80,
      old: mark(index),
      record: record(index, steps),
      ...(kill && { kill: { at: startedAt + kill.at, phase: kill.phase }, resumedAt: startedAt + kill.resumed }),
      closed: true,
      refusal: { outcome: 'refused', code: '28P01', endpoint: 'primary' },
    });
    const before = index > 0 ? { previous: mark(index - 1) } : {};
    timeline.labels.push({ at: at('staged'), current: mark(index), ...before, pending: mark(index + 1) });
    timeline.labels.push({ at: at('published'), current: mark(index + 1), previous: mark(index) });
    timeline.notes.push({
      at: startedAt,
      text: `rotation ${index + 1} starts: ${mark(index).account} is current`,
      tone: 'plain',
    });
  }
  timeline.endedAt = START + 2000 + rotations * 5400;
  timeline.leaks = 0;
  timeline.slowest = 14;
  fillLoad(timeline);
  return timeline;
}

function record(index: number, steps: RotationRecord['steps']): RotationRecord {
  return {
    schemaVersion: 1,
    rotationId: `r${index + 1}`,
    secret: 'shop-database',
    strategy: 'dual-account',
    reason: 'demo',
    phase: 'closed',
    startedAt: steps[0]?.at ?? 0,
    updatedAt: steps.at(-1)?.at ?? 0,
    from: { id: { slot: ACCOUNTS[index % 2] ?? '', key: 'adopted' }, version: `v-r-01m8x-3f9ad${index}` },
    to: ACCOUNTS[(index + 1) % 2] ?? '',
    revision: String(index),
    evidence: { count: 3, latest: [] },
    outcome: 'rotated',
    attempts: 0,
    nextAt: 0,
    steps,
  };
}

/** Sixty queries a tenth of a second; after each publish the load moves over within a second and a half. */
function fillLoad(timeline: Timeline): void {
  for (let at = START; at < timeline.endedAt; at += BUCKET_MS) {
    const published = timeline.turns.flatMap(
      ({ record: each }) => each?.steps.filter(({ phase }) => phase === 'published') ?? [],
    );
    const passed = published.filter((step) => step.at <= at);
    const moved = Math.min(1, (at - (passed.at(-1)?.at ?? START - 1e6)) / 1500);
    const [to, from] = passed.length % 2 === 0 ? ACCOUNTS : [ACCOUNTS[1], ACCOUNTS[0]];
    const total = 58 + ((at / BUCKET_MS) % 5);
    timeline.buckets.set(at, { at, queries: { [to]: Math.round(total * moved), [from]: Math.round(total * (1 - moved)) } });
  }
}
