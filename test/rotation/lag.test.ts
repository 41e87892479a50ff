import { describe, expect, it } from 'vitest';
import { lagOf, type OpenPorts } from '../../shared/rotation/ports.ts';

const open = (readLag: number | undefined, clockStep: number | undefined): Pick<OpenPorts, 'store' | 'target'> =>
  ({ store: { readLag }, target: { capability: { clockStep } } }) as never;

describe('by how much grace is longer', () => {
  it.each([
    [undefined, undefined, 0],
    [600_000, undefined, 600_000],
    [undefined, 1000, 1000],
    [600_000, 1000, 601_000],
  ])('a store that lags %s ms and a clock of %s ms: %s ms', (readLag, clockStep, longer) => {
    expect(lagOf(open(readLag, clockStep))).toBe(longer);
  });
});
