// `npm run bench:detection`: attacks and benign months in synthetic tenants, scored by `keywheel score --format json` as people call it.
//   node test/bench/detection.ts [--seeds 1,2] [--tenants 4] [--days 28] [--size small|medium|mixed] [--only PREFIX,…] [--stores aws,vault,…]
//     [--details] [--json] [--quick] [--inside]
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ATTACKS } from '../tenant/attacks/catalog.ts';
import type { StoreKind } from '../tenant/types.ts';
import { inside } from './detection-inside.ts';
import { renderDetails, renderDetection, type DetectionReport } from './detection-report.ts';
import { keywheel, runAttack, runBenign, type Noise, type Tenant } from './detection-runs.ts';

const KINDS: readonly StoreKind[] = ['aws', 'gcp', 'azure', 'vault', 'openbao'];
const CALM: Noise = { duplicates: 0, lateness: 0 };
/** As it was measured in the field: one record in five comes twice, and the last come after ten minutes. */
const FIELD: Noise = { duplicates: 0.21, lateness: 600_000 };

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1' },
    tenants: { type: 'string', default: '6' },
    days: { type: 'string', default: '28' },
    size: { type: 'string', default: 'mixed' },
    only: { type: 'string' },
    stores: { type: 'string' },
    details: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    inside: { type: 'boolean', default: false },
  },
});
const runner = values.inside ? inside : keywheel(path.resolve(import.meta.dirname, '../../functions/cli/bin.mjs'));
const kinds = values.stores === undefined ? KINDS : KINDS.filter((kind) => values.stores?.split(',').includes(kind));
const prefixes = values.only?.split(',');
const attacks = ATTACKS.filter(({ id }) => prefixes === undefined || prefixes.some((prefix) => id.startsWith(prefix)));
const sizeOf = (turn: number): Tenant['size'] =>
  values.size === 'mixed' ? (turn % 3 === 2 ? 'medium' : 'small') : values.size === 'medium' ? 'medium' : 'small';
const noiseOf = (turn: number): Noise => (turn % 2 === 0 ? CALM : FIELD);

const report: { -readonly [Key in keyof DetectionReport]: DetectionReport[Key] } = {
  outcomes: [],
  benign: [],
  besides: [],
  attackDays: 0,
};
/** A run that broke says nothing of detection; the bench then fails at its end. */
const broken: string[] = [];
async function attempt<T>(what: string, run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    broken.push(`${what}: ${error instanceof Error ? (error.stack ?? error.message).split('\n', 2).join(' ') : String(error)}`);
    return undefined;
  }
}
const progress = (text: string): void => void process.stderr.write(process.stderr.isTTY ? `\r\u001B[K${text}` : '');
let turn = 0;
for (const seed of values.seeds.split(',')) {
  for (const attack of attacks) {
    const wanted = attack.stores.filter((kind) => kinds.includes(kind));
    // Quick: one store for each attack, another one for the next.
    for (const kind of values.quick ? wanted.slice(turn % Math.max(1, wanted.length)).slice(0, 1) : wanted) {
      turn += 1;
      const other = KINDS[(KINDS.indexOf(kind) + 1 + (turn % 3)) % KINDS.length] ?? 'aws';
      const stores: StoreKind[] = attack.id === 'stores/two' || turn % 4 === 0 ? [kind, other] : [kind];
      const tenant: Tenant = { seed: `${seed}.${turn}`, size: sizeOf(turn), stores, noise: noiseOf(turn) };
      progress(`${turn}: ${attack.id} in ${kind}`);
      const run = await attempt(`${attack.id} in ${kind}`, () => runAttack(runner, tenant, attack, kind));
      if (run === undefined) continue;
      if (run.outcome !== undefined) report.outcomes = [...report.outcomes, run.outcome];
      report.besides = [...report.besides, ...run.falseAlerts];
      report.attackDays += 1;
    }
  }
  for (let at = 0; at < Number(values.tenants); at += 1) {
    const kind = kinds[at % kinds.length] ?? 'aws';
    const tenant: Tenant = {
      seed: `${seed}.benign.${at}`,
      size: sizeOf(at),
      ...(at % 3 === 1 ? {} : { stores: [kind] }),
      noise: noiseOf(at),
    };
    progress(`benign tenant ${at + 1}`);
    const run = await attempt(tenant.seed, () => runBenign(runner, tenant, Number(values.days)));
    if (run !== undefined) report.benign = [...report.benign, run];
  }
}
progress('');
if (values.json) process.stdout.write(`${JSON.stringify({ schemaVersion: 1, ...report })}\n`);
else process.stdout.write(`${[...renderDetection(report), ...(values.details ? renderDetails(report) : [])].join('\n')}\n`);
for (const one of broken) process.stderr.write(`detection: ${one}\n`);
process.exitCode = broken.length === 0 ? 0 : 1;
