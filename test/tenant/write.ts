/**
 * Writes a tenant to files, for hand use:
 *   node test/tenant/write.ts --out DIR [--seed S] [--size small|medium|large] [--principals N] [--stores aws,vault,…] [--days 8]
 *     [--attack ID|all|none] [--attack-day 7] [--duplicates 0.21] [--lateness 600] [--merged] [--gzip] [--list]
 * `labels.json` says where the attacks are; `personas.json` counts who did what. `all` puts every attack of the first store into one day.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ATTACKS, injectionOf } from './attacks/catalog.ts';
import { deliver, openFiles } from './deliver.ts';
import { createLabel } from './label.ts';
import { createRandom } from './random.ts';
import { DAY, HOUR, type StoreKind } from './types.ts';
import { createWorld, type TenantOptions } from './world.ts';

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    seed: { type: 'string', default: '1' },
    size: { type: 'string', default: 'small' },
    principals: { type: 'string' },
    stores: { type: 'string' },
    days: { type: 'string', default: '8' },
    attack: { type: 'string', default: 'none' },
    'attack-day': { type: 'string', default: '7' },
    duplicates: { type: 'string', default: '0' },
    lateness: { type: 'string', default: '0' },
    merged: { type: 'boolean', default: false },
    gzip: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});
if (values.list) {
  process.stdout.write(ATTACKS.map(({ id, stores, hints }) => `${id}  ${stores.join(',')}  ${hints.join(' ')}\n`).join(''));
  process.exit(0);
}
if (values.out === undefined) {
  process.stderr.write('write: no folder was given\nhint: node test/tenant/write.ts --out DIR --attack sweep/fast\n');
  process.exit(2);
}
const options: TenantOptions = {
  seed: values.seed,
  size: values.size as TenantOptions['size'],
  ...(values.principals === undefined ? {} : { principals: Number(values.principals) }),
  ...(values.stores === undefined ? {} : { stores: values.stores.split(',') as StoreKind[] }),
};
const world = createWorld(options);
const random = createRandom(`${values.seed}/attacks`);
const chosen =
  values.attack === 'none' ? [] : ATTACKS.filter(({ id }) => values.attack === 'all' || values.attack.split(',').includes(id));
const placed = chosen.flatMap((attack) => {
  const store = world.stores.find(({ kind }) => attack.stores.includes(kind));
  if (store === undefined) return [];
  const at = world.start + Number(values['attack-day']) * DAY + (8 + random.unit() * 9) * HOUR;
  return [{ injection: injectionOf(attack, store, at, values.seed), label: createLabel(attack, store.source) }];
});
const files = openFiles(values.out, { gzip: values.gzip, merged: values.merged });
const personas = new Map<string, number>();
const started = performance.now();
const records = deliver(
  world,
  {
    seed: values.seed,
    hours: Number(values.days) * 24,
    injections: placed.map(({ injection }) => injection),
    duplicates: Number(values.duplicates),
    lateness: Number(values.lateness) * 1000,
  },
  files.write,
  (act, ids) => {
    personas.set(act.persona, (personas.get(act.persona) ?? 0) + 1);
    if (act.attack !== undefined) for (const { label } of placed) label.seen(act, ids);
  },
);
const paths = files.close();
const seconds = (performance.now() - started) / 1000;
writeFileSync(
  join(values.out, 'labels.json'),
  `${JSON.stringify(
    placed.map(({ label }) => label.done()),
    undefined,
    1,
  )}\n`,
);
writeFileSync(
  join(values.out, 'personas.json'),
  `${JSON.stringify(Object.fromEntries([...personas].sort((one, other) => other[1] - one[1])), undefined, 1)}\n`,
);
process.stderr.write(
  `write: ${records} records in ${seconds.toFixed(1)} s (${Math.round(records / seconds)} a second), from ${new Date(world.start).toISOString()}: ${paths.join(' ')}\n`,
);
