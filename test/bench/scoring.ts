/** How fast bytes become scores, against JSON.parse of the same lines alone, in turns and in the same run. */
import {
  createParser,
  createPipeline,
  isEvent,
  openMemoryProfiles,
  readRecords,
  settingsOf,
  systemScorer,
  type AuditEvent,
  type Problem,
} from '../../shared/audit/index.ts';
import { quantile } from './measure.ts';
import { cloudTrailLines } from './scoring-records.ts';

export interface ScoringSpeed {
  /** How many times as fast as JSON.parse: more is better. */
  readonly ratio: number;
  readonly eventsPerSecond: number;
  readonly bytesPerEvent: number;
}

export interface ScoringReport {
  readonly relevant: ScoringSpeed;
  readonly mixed: ScoringSpeed;
}

const SLICE = 5000;

async function score(bytes: Buffer): Promise<number> {
  const parse = createParser('auto', { received: Date.UTC(2027, 0, 1) });
  const scorer = systemScorer();
  const pipeline = createPipeline({ settings: settingsOf(), scorer, profiles: openMemoryProfiles });
  let events: AuditEvent[] = [];
  let scored = 0;
  const tell = ({ message }: Problem): void => {
    throw new Error(message);
  };
  await readRecords([bytes], { tell }, (buffer, start, end) => {
    const parsed = parse(buffer, start, end);
    if (isEvent(parsed)) events.push(parsed);
    if (events.length < SLICE) return undefined;
    const slice = events;
    events = [];
    return pipeline.process(slice).then((result) => void (scored += result.scored));
  });
  scored += (await pipeline.process(events)).scored;
  return scored;
}

async function measure(count: number, rounds: number, relevant: number): Promise<ScoringSpeed> {
  const lines = [...cloudTrailLines({ count, principals: 500, relevant, seed: 1 })];
  const bytes = Buffer.from(`${lines.join('\n')}\n`);
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const began = performance.now();
    let keys = 0;
    for (const line of lines) keys += Object.keys(JSON.parse(line) as object).length;
    const between = performance.now();
    const scored = await score(bytes);
    const ended = performance.now();
    if (keys === 0 || scored === 0) throw new Error('nothing was read');
    // The first round warms both up.
    if (round === 0) continue;
    theirs.push(between - began);
    ours.push(ended - between);
  }
  return {
    ratio: quantile(theirs, 0.5) / quantile(ours, 0.5),
    eventsPerSecond: Math.round((1000 * count) / quantile(ours, 0.5)),
    bytesPerEvent: Math.round(bytes.length / count),
  };
}

export async function measureScoring(count: number, rounds: number): Promise<ScoringReport> {
  return { relevant: await measure(count, rounds, 1), mixed: await measure(count, rounds, 0.05) };
}
