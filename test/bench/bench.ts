// `npm run bench`: prints ratios, each against a baseline that was measured in turns with it in the same run. docs/benchmarks.md explains them.
//   node test/bench/bench.ts [--json] [--quick] [--only rotation,startup,entries,simulator,scoring,rival]
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { measureEntries } from './entries.ts';
import { measureRotationCost } from './rotation-cost.ts';
import { render, type BenchReport, type Skipped } from './report.ts';
import { compareWithRival } from './side-by-side.ts';
import { measureScoring } from './scoring.ts';
import { measureSimulator } from './simulator.ts';
import { measureStartUp } from './startup.ts';

const PARTS = ['rotation', 'startup', 'entries', 'simulator', 'scoring', 'rival'] as const;
type Part = (typeof PARTS)[number];
/** What --quick leaves of it: enough to see that it works, too little to tell a number. */
const SIZE = {
  full: {
    rotation: 25,
    startup: 25,
    entries: 15,
    seeds: 8,
    years: 100,
    events: 200_000,
    scoringRounds: 5,
    rivalRounds: 2,
    rivalRotations: 4,
  },
  quick: {
    rotation: 2,
    startup: 2,
    entries: 2,
    seeds: 2,
    years: 2,
    events: 2000,
    scoringRounds: 1,
    rivalRounds: 1,
    rivalRotations: 1,
  },
};

const { values } = parseArgs({
  options: { json: { type: 'boolean' }, quick: { type: 'boolean' }, only: { type: 'string' } },
});
const only = values.only?.split(',') ?? PARTS;
const unknown = only.find((name) => !PARTS.some((part) => part === name));
if (unknown !== undefined) {
  process.stderr.write(`bench: ${JSON.stringify(unknown)} is not a part\nhint: --only takes ${PARTS.join(', ')}, with commas\n`);
  process.exit(2);
}
const size = values.quick === true ? SIZE.quick : SIZE.full;

async function part<T>(name: Part, what: string, measure: () => Promise<T | string>): Promise<T | Skipped> {
  if (!only.includes(name)) return { skipped: 'not asked for' };
  process.stderr.write(`bench: ${what}\n`);
  const found = await measure();
  return typeof found === 'string' ? { skipped: found } : found;
}

const report: BenchReport = {
  schemaVersion: 1,
  machine: { node: process.versions.node, platform: `${process.platform} ${process.arch}`, cores: availableParallelism() },
  rotation: await part('rotation', `${size.rotation} rotations and their bare calls`, () => measureRotationCost(size.rotation)),
  startUp: await part('startup', `${size.startup} starts of each command`, () => measureStartUp(size.startup)),
  entries: await part('entries', `${size.entries} starts of each handler`, () => measureEntries(size.entries)),
  simulator: await part('simulator', `${size.seeds} seeds of ${size.years} years`, () =>
    measureSimulator(size.seeds, size.years),
  ),
  scoring: await part('scoring', `${size.events} records, parsed and scored`, () =>
    measureScoring(size.events, size.scoringRounds),
  ),
  rival: await part('rival', 'rotations under load, beside OpenBao', () =>
    compareWithRival(size.rivalRounds, size.rivalRotations),
  ),
};
process.stdout.write(values.json === true ? `${JSON.stringify(report)}\n` : `${render(report).join('\n')}\n`);
