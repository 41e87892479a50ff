import { expect, it } from 'vitest';
import { event, world } from '../../test/audit/scenes.ts';
import { byWeight, createScorer, strongest } from './scorer.ts';
import { settingsOf } from './settings.ts';
import { rated } from './combine.ts';
import type { DetectorFamily, Finding } from './scene.ts';

const finding = (over: Partial<Finding> & Pick<Finding, 'detector'>): Finding => ({
  bits: 5,
  observed: 'x',
  expected: 'y',
  entity: 'principal',
  ...over,
});
const saying = (...findings: Finding[]): DetectorFamily => ({
  family: 'N',
  observe: (_scene, say) => findings.forEach(say),
  learn: () => undefined,
});

it('gives an ordinary event no reason and a score of nought', () => {
  const scored = createScorer([saying()], []).score(world().scene(event()));

  expect([scored.reasons, scored.verdict]).toEqual([[], { score: 0, bits: 0, floor: 0 }]);
});

it('drops what is switched off, and what is too little to say unless it has a floor', () => {
  const scorer = createScorer(
    [
      saying(
        finding({ detector: 'N1' }),
        finding({ detector: 'N4', bits: 0.5 }),
        finding({ detector: 'S1', bits: 0.5, floor: 70 }),
      ),
    ],
    [],
  );

  const { reasons, verdict } = scorer.score(world({ detectors: { N1: { enabled: false } } }).scene(event()));

  expect(reasons.map(({ detector }) => detector)).toEqual(['S1']);
  expect(verdict.score).toBe(70);
});

it('remembers nothing of one event for the next', () => {
  let first = true;
  const family: DetectorFamily = {
    family: 'N',
    observe(_scene, say) {
      if (first) say(finding({ detector: 'N4' }));
      first = false;
    },
    learn: () => undefined,
  };
  const scorer = createScorer([family], []);
  const scene = world().scene(event());

  expect([scorer.score(scene).reasons.length, scorer.score(scene).reasons.length]).toEqual([1, 0]);
});

it('puts what an attack is before what goes along with any', () => {
  const { detectors } = settingsOf();
  const reasons = (
    [
      ['N1', 6, undefined],
      ['N3', 8, undefined],
      ['S4', 5, undefined],
      ['D1', 1, 95],
      ['A6', 2, 55],
    ] as const
  ).map(([detector, bits, floor]) =>
    rated(finding({ detector, bits, ...(floor === undefined ? {} : { floor }) }), detectors[detector]),
  );

  expect(reasons.sort(byWeight).map(({ detector }) => detector)).toEqual(['D1', 'A6', 'S4', 'N3', 'N1']);
  expect(strongest([...reasons, ...reasons])).toHaveLength(5);
});
