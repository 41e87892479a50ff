/** `keywheel score`: reads, merges, scores and reports. */
import type { Incident, Problem, Scored } from '../../../shared/audit/index.ts';
import type { AuditConfig } from '../../../shared/config/index.ts';
import { EXIT, type ExitCode } from '../../../shared/reply/index.ts';
import type { Context } from '../context.ts';
import { freshCounts, type Counts } from './counts.ts';
import { openInput } from './input.ts';
import { merged } from './merge.ts';
import { openMeter } from './meter.ts';
import { openScoring } from './scoring.ts';

export interface ScoreOptions {
  readonly files: readonly string[];
  readonly source: 'auto' | 'cloudtrail' | 'vault' | 'gcp' | 'azure';
  readonly format: 'text' | 'json' | 'sarif' | 'html';
  readonly failOn: 'low' | 'medium' | 'high' | 'critical' | 'never';
  readonly explain: boolean;
  /** Where what was learned is kept; undefined: nowhere. */
  readonly stateFolder: string | undefined;
  readonly audit: AuditConfig | undefined;
}

/** Events that go through the scorer between two looks at the clock and the terminal. */
const SLICE = 5000;

export async function runScore(context: Context, options: ScoreOptions): Promise<ExitCode> {
  const { out, stdin } = context;
  const { createParser, openReport, leastOf } = await import('../../../shared/audit/index.ts');
  const counts: Counts = freshCounts();
  const received = Date.now();
  const problems: string[] = [];
  let told = 0;
  const tell = ({ kind, address, message }: Problem): void => {
    if (kind === 'control') return;
    counts.malformed += 1;
    told += 1;
    if (problems.length < 20) problems.push(`${address}: ${message}`);
  };
  const inputs = await Promise.all(
    options.files.map((name) => {
      const parse = createParser(options.source, { received });
      const address = (problem: Problem): void =>
        tell({ ...problem, address: `${name === '-' ? 'stdin' : name}, ${problem.address}` });
      return openInput(name, { stdin, parse, counts, tell: address, of: options.files.length });
    }),
  );
  const scoring = await openScoring(options);
  const report = openReport({
    format: options.format,
    explain: options.explain,
    width: out.width,
    timeZone: options.audit?.timeZone ?? 'UTC',
  });
  const meter = openMeter(out, inputs);
  const incidents = new Map<string, Incident>();
  const observe = (scored: Scored): void => report.seen(scored);
  try {
    for await (const batch of merged(inputs)) {
      for (let at = 0; at < batch.length; at += SLICE) {
        const slice = batch.length <= SLICE ? batch : batch.slice(at, at + SLICE);
        const result = await scoring.pipeline.process(slice, observe);
        counts.duplicates += result.duplicates;
        for (const incident of result.incidents) incidents.set(incident.id, incident);
        meter.tick(counts.records, incidents.size);
      }
    }
  } finally {
    meter.stop();
    await scoring.close();
  }
  const all = [...incidents.values()].sort((a, b) => a.firstEvent.time - b.firstEvent.time || (a.id < b.id ? -1 : 1));
  const alerts = all.filter(({ alertEvent }) => alertEvent !== null).length;
  const summary = {
    events: counts.records,
    parsed: counts.parsed,
    ignored: counts.ignored,
    duplicates: counts.duplicates,
    malformed: counts.malformed,
    incidents: all.length,
    alerts,
  };
  for (const text of report.done(all, summary)) out.stdout.write(text);
  for (const problem of problems) out.say(problem);
  if (told > problems.length) out.say(`${told - problems.length} more of the kind`);
  if (counts.parsed === 0 && counts.records > 0) {
    out.say('none of the records concerns a secret store');
    out.hint('name the source with --source if they are of one: cloudtrail, vault, gcp, azure');
  }
  const { failOn } = options;
  const bad = failOn !== 'never' && all.some(({ score }) => score >= leastOf(failOn));
  return bad ? EXIT.failed : EXIT.done;
}
