/** The shape of what the bench found, and how it is printed in 80 columns. docs/benchmarks.md says what each ratio means. */
import { table, wrap } from '../../functions/cli/text.ts';
import { renderEntries, type EntryCost } from './entries.ts';
import type { Ratio } from './measure.ts';
import type { RotationCost } from './rotation-cost.ts';
import type { Comparison, KeywheelSide, Side, SideBySide } from './side-by-side.ts';
import type { ScoringReport, ScoringSpeed } from './scoring.ts';
import type { SimulatorSpeed } from './simulator.ts';

export interface Skipped {
  readonly skipped: string;
}

export interface BenchReport {
  readonly schemaVersion: 1;
  readonly machine: { readonly node: string; readonly platform: string; readonly cores: number };
  readonly rotation: RotationCost | Skipped;
  readonly startUp: readonly Ratio[] | Skipped;
  readonly entries: readonly EntryCost[] | Skipped;
  readonly simulator: SimulatorSpeed | Skipped;
  readonly scoring: ScoringReport | Skipped;
  readonly rival: SideBySide | Skipped;
}

export const AIMS = { rotation: 1.3, startUp: 1.5 } as const;

const WIDTH = 80;
const isSkipped = (part: object): part is Skipped => 'skipped' in part;
const ratio = (value: number): string => (value >= 10 ? value.toFixed(1) : value.toFixed(2));
const ms = (value: number): string => `${value >= 10 ? Math.round(value) : value.toFixed(1)} ms`;
const whole = (value: number): string => Math.round(value).toLocaleString('en-US');

/** Lines of at most 80 characters. */
export function render(report: BenchReport): string[] {
  const { node, platform, cores } = report.machine;
  const say = (text: string): string[] => wrap(text, WIDTH);
  return [
    ...say(
      `keywheel bench: Node ${node}, ${platform}, ${cores} cores. Ratios of medians, both sides measured in turns in this run.`,
    ),
    '',
    ...ratios(report),
    '',
    ...(isSkipped(report.rotation) ? [] : [...rotationNotes(report.rotation).flatMap(say), '']),
    ...(isSkipped(report.entries) ? say(`handlers: skipped, ${report.entries.skipped}`) : renderEntries(report.entries)),
    '',
    ...simulatorLines(report.simulator).flatMap(say),
    '',
    ...scoringLines(report.scoring).flatMap(say),
    '',
    ...rivalLines(report.rival, say),
  ];
}

function ratios({ rotation, startUp }: BenchReport): string[] {
  const line = (each: Ratio, aim?: number): string[] => [
    each.name,
    ratio(each.ratio),
    aim === undefined ? '-' : String(aim),
    each.middleHalf.map(ratio).join('-'),
    ms(each.medianMs),
    `${ms(each.baseline.medianMs)}, ${each.baseline.name}`,
  ];
  const rows: string[][] = [];
  const skipped: string[] = [];
  if (isSkipped(rotation)) skipped.push(`one rotation: skipped, ${rotation.skipped}`);
  else rows.push(line(rotation, AIMS.rotation), line(rotation.byHand));
  if (isSkipped(startUp)) skipped.push(`start-up: skipped, ${startUp.skipped}`);
  // `status` reads a configuration, a store and a state, which a bare Node does not: it has no aim.
  else rows.push(...startUp.map((each) => line(each, each.name.endsWith('--json') ? undefined : AIMS.startUp)));
  const lines = rows.length === 0 ? [] : table(['MEASURED', 'RATIO', 'AIM', 'MIDDLE HALF', 'TIME', 'BASELINE'], rows, WIDTH);
  return [...lines, ...skipped.flatMap((text) => wrap(text, WIDTH))];
}

function rotationNotes({ bareCalls, shares, rounds }: RotationCost): string[] {
  const { login, query, describe, read, stage, publish, journal } = bareCalls;
  const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
  return [
    `One rotation, ${rounds} rounds, waits left out. Its bare calls: ${login} logins, ${query} statements, ` +
      `${describe + read} store reads, ${stage + publish} store writes, ${journal} journal writes.`,
    `Where its time goes: target ${percent(shares.target)}, store ${percent(shares.store)}, state ${percent(shares.state)}, engine ${percent(shares.own)}.`,
  ];
}

function simulatorLines(simulator: BenchReport['simulator']): string[] {
  if (isSkipped(simulator)) return [`simulator: skipped, ${simulator.skipped}`];
  const { yearsPerMinute, timesRealTime, seeds, years, rotations, violations } = simulator;
  return [
    `Simulator: ${whole(yearsPerMinute)} years a minute, ${whole(timesRealTime / 1e6)} million times real time ` +
      `(${seeds} seeds, ${whole(years)} years, ${whole(rotations)} rotations, ${violations} broken invariants).`,
  ];
}

function scoringLines(scoring: BenchReport['scoring']): string[] {
  if (isSkipped(scoring)) return [`scoring: skipped, ${scoring.skipped}`];
  const line = (what: string, aim: number, { ratio: speed, eventsPerSecond, bytesPerEvent }: ScoringSpeed): string =>
    `Scoring, ${what}: ${ratio(speed)} times the speed of JSON.parse of the same lines (aim ${aim}), ${whole(eventsPerSecond)} records a second of ` +
    `${whole(bytesPerEvent)} bytes on one core.`;
  return [line('every record relevant', 1, scoring.relevant), line('5 % relevant', 4, scoring.mixed)];
}

function rivalLines(rival: BenchReport['rival'], say: (text: string) => string[]): string[] {
  if (isSkipped(rival)) return say(`beside OpenBao: skipped, ${rival.skipped}`);
  const { workers, maxCacheAgeMs } = rival.consumers;
  const rows = rival.comparisons.flatMap(({ onRefusal, keywheel, openbao }) => [
    sideRow(onRefusal, 'keywheel', keywheel),
    sideRow('', 'openbao', openbao),
  ]);
  return [
    ...say(`Beside OpenBao's static role: ${workers} consumers that cache for ${maxCacheAgeMs} ms, same PostgreSQL, in turns.`),
    '',
    ...table(['AFTER A REFUSAL', 'ROTATED BY', 'ROTATIONS', 'QUERIES', 'FAILED', 'A ROTATION', 'ITS CHANGE'], rows, WIDTH),
    '',
    ...rival.comparisons.flatMap((each) => say(rivalNote(each))),
    ...say(
      'Times are without waits; ours then waits for grace, which a static role has none of. ITS CHANGE: stage, set, publish, which is all that the rival does.',
    ),
  ];
}

function sideRow(onRefusal: string, tool: string, side: Side | KeywheelSide): string[] {
  const change = 'changeMedianMs' in side ? side.changeMedianMs : side.medianMs;
  return [onRefusal, tool, String(side.rotations), whole(side.queries), whole(side.failed), ms(side.medianMs), ms(change)];
}

function rivalNote({ onRefusal, ratio: all, changeRatio }: Comparison): string {
  return `${onRefusal}: a rotation of ours takes ${ratio(all)} times the rival's, its change ${ratio(changeRatio)} times.`;
}
