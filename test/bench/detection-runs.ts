/** Tenants are written to files, scored by whoever is asked to, and judged. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { injectionOf } from '../tenant/attacks/catalog.ts';
import type { Attack } from '../tenant/attacks/stage.ts';
import { deliver, openFiles } from '../tenant/deliver.ts';
import { createLabel, type Label } from '../tenant/label.ts';
import { createRandom } from '../tenant/random.ts';
import { DAY, HOUR, type StoreKind } from '../tenant/types.ts';
import { createWorld, type TenantOptions } from '../tenant/world.ts';
import {
  falseAlerts,
  judgeAttack,
  type AttackOutcome,
  type FalseAlert,
  type Found,
  type FoundIncident,
} from './detection-judge.ts';

/** Scores files. `canaries`: names that the configuration calls so. */
export type Runner = (files: readonly string[], canaries: readonly string[]) => Promise<Found>;

export const HISTORY = 7;

export interface Noise {
  readonly duplicates: number;
  /** Milliseconds. */
  readonly lateness: number;
}

export interface Tenant extends TenantOptions {
  readonly noise: Noise;
}

const nameOf = ({ seed, size, stores }: Tenant): string => `${seed}/${size}/${stores?.join('+') ?? 'drawn'}`;

/** `keywheel score --format json`, as people call it. */
export function keywheel(bin: string): Runner {
  const run = promisify(execFile);
  return async (files, canaries) => {
    const config = path.join(path.dirname(files[0] ?? '.'), 'keywheel.yaml');
    const flags = canaries.length === 0 ? [] : ['--config', config];
    if (canaries.length > 0)
      await writeFile(
        config,
        `version: 1\nstate: { kind: sqlite, path: state.db }\nstores: {}\nsecrets: {}\naudit:\n  canaries: ${JSON.stringify(canaries)}\n`,
      );
    const { stdout } = await run(process.execPath, [bin, 'score', ...files, '--format', 'json', ...flags], {
      maxBuffer: 1 << 30,
      cwd: path.dirname(config),
    });
    return parseFound(stdout);
  };
}

export function parseFound(text: string): Found {
  const lines = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as object);
  const last = lines.at(-1);
  if (last === undefined || !('summary' in last)) throw new Error('the scorer ended without a summary');
  return { incidents: lines.slice(0, -1) as FoundIncident[], summary: last.summary as Found['summary'] };
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), 'keywheel-tenant-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export interface AttackRun {
  readonly outcome: AttackOutcome | undefined;
  readonly falseAlerts: readonly FalseAlert[];
  readonly records: number;
}

/** Seven days of history, a day of others' work, and one attack in it. */
export function runAttack(runner: Runner, tenant: Tenant, attack: Attack, kind: StoreKind): Promise<AttackRun> {
  return inFolder(async (folder) => {
    const world = createWorld(tenant);
    const store = world.stores.find((one) => one.kind === kind);
    if (store === undefined) return { outcome: undefined, falseAlerts: [], records: 0 };
    const hour = createRandom(`${tenant.seed}/hour`).between(6, 16);
    const since = world.start + HISTORY * DAY;
    const label = createLabel(attack, store.source);
    const personas = new Map<string, string>();
    const files = openFiles(folder);
    const days = attack.id.startsWith('slow/') || attack.id.startsWith('hours/') ? 2 : 1;
    const records = deliver(
      world,
      {
        seed: tenant.seed,
        hours: (HISTORY + days) * 24,
        injections: [injectionOf(attack, store, since + hour * HOUR, tenant.seed)],
        ...tenant.noise,
      },
      files.write,
      (act, ids) => {
        label.seen(act, ids);
        if (act.time >= since) for (const id of ids) personas.set(id, act.attack === undefined ? act.persona : 'attack');
      },
    );
    const truth: Label | undefined = label.done();
    const found = await runner(files.close(), truth?.canaries ?? []);
    const name = nameOf(tenant);
    return {
      outcome: truth === undefined ? undefined : judgeAttack(name, truth, found),
      falseAlerts: falseAlerts(name, found, since, personas),
      records,
    };
  });
}

export interface BenignRun {
  readonly tenant: string;
  readonly days: number;
  readonly falseAlerts: readonly FalseAlert[];
  readonly records: number;
  readonly summary: Found['summary'];
}

/** Seven days of history, and `days` on which nobody attacks. */
export function runBenign(runner: Runner, tenant: Tenant, days: number): Promise<BenignRun> {
  return inFolder(async (folder) => {
    const world = createWorld(tenant);
    const since = world.start + HISTORY * DAY;
    const personas = new Map<string, string>();
    const files = openFiles(folder);
    const records = deliver(
      world,
      { seed: tenant.seed, hours: (HISTORY + days) * 24, ...tenant.noise },
      files.write,
      (act, ids) => {
        if (act.time >= since) for (const id of ids) personas.set(id, act.persona);
      },
    );
    const found = await runner(files.close(), []);
    const name = nameOf(tenant);
    return { tenant: name, days, falseAlerts: falseAlerts(name, found, since, personas), records, summary: found.summary };
  });
}
