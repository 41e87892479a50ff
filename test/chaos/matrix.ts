/** Runs the matrix: every effect of a clean run × every fault. */
import { Cell, SCENARIOS, type Fault, type Scenario } from './cell.ts';
import { FAULTS, type NamedFault } from './faults.ts';
import type { Mutant } from './mutants.ts';
import type { Matrix } from './world.ts';

const NOTHING: Fault = async () => undefined;

export interface Tally {
  readonly scenario: string;
  readonly kind: string;
  readonly cells: number;
  /** `fault @ effect`: what was violated. */
  readonly violations: readonly string[];
}

export const told = (tally: Tally): string =>
  `chaos ${tally.scenario} × ${tally.kind}: ${tally.cells} cells, ${tally.violations.length} violations`;

export interface MatrixOptions {
  readonly mutant?: Mutant;
  readonly faults?: readonly NamedFault[];
  /** Cells that run at once. */
  readonly lanes?: number;
  /** Every cell ends with one more rotation. */
  readonly afterwards?: boolean;
  /** Only so many cells, which the seed chooses. */
  readonly sample?: Sample | undefined;
}

export interface Sample {
  readonly seed: number;
  readonly cells: number;
}

/** Numbers in [0, 1) that follow from a seed: mulberry32. */
export function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** In an order that the seed gives. */
export function sampled<T>(all: readonly T[], sample: Sample | undefined): T[] {
  if (sample === undefined) return [...all];
  const next = chance(sample.seed);
  const drawn = all.map((each) => ({ each, at: next() })).toSorted((left, right) => left.at - right.at);
  return drawn.slice(0, sample.cells).map(({ each }) => each);
}

/** The primary's effects in a run without faults. */
export async function cleanRun(
  matrix: Matrix,
  scenario: Scenario,
  mutant?: Mutant,
): Promise<{ effects: string[]; violations: string[] }> {
  const world = await matrix.open(scenario.strategy);
  try {
    const cell = new Cell(world, { scenario, at: -1, fault: NOTHING, ...(mutant === undefined ? {} : { mutant }) });
    const watcher = await cell.run();
    return { effects: cell.effects, violations: [...watcher.violations] };
  } finally {
    await world.close();
  }
}

async function runCell(
  matrix: Matrix,
  scenario: Scenario,
  at: number,
  named: NamedFault,
  options: MatrixOptions,
): Promise<readonly string[]> {
  const world = await matrix.open(scenario.strategy);
  try {
    const { fault, skew } = named;
    const { mutant, afterwards = false } = options;
    const extra = {
      ...(mutant === undefined ? {} : { mutant }),
      ...(skew === undefined ? {} : { skew: skew * world.mostSkew }),
      afterwards,
    };
    return (await new Cell(world, { scenario, at, fault, ...extra }).run()).violations;
  } finally {
    await world.close();
  }
}

export async function runMatrix(matrix: Matrix, scenario: Scenario, options: MatrixOptions = {}): Promise<Tally> {
  const { mutant, faults = FAULTS, lanes = 1 } = options;
  const clean = await cleanRun(matrix, scenario, mutant);
  const violations = clean.violations.map((each) => `clean run: ${each}`);
  const all = faults.flatMap((named) => clean.effects.map((effect, at) => ({ named, effect, at })));
  const cells = sampled(all, options.sample);
  const queue = [...cells];
  const lane = async (): Promise<void> => {
    for (let cell = queue.shift(); cell !== undefined; cell = queue.shift()) {
      const where = `${cell.named.name} @ ${cell.at} ${cell.effect}`;
      try {
        for (const each of await runCell(matrix, scenario, cell.at, cell.named, options)) violations.push(`${where}: ${each}`);
      } catch (error) {
        violations.push(`${where}: the cell could not be run: ${String((error as Error).stack)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return { scenario: scenario.name, kind: matrix.kind, cells: cells.length + 1, violations };
}

export { SCENARIOS };
