/** What each handler costs at start: its size, and the time until it is loaded, beside a handler that does nothing on the same host. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { table, wrap } from '../../functions/cli/text.ts';
import { pack } from '../../scripts/package/artifact.ts';
import { bundle } from '../../scripts/package/bundle.ts';
import { CLOUDS, DEFINITIONS, type Cloud } from '../../scripts/package/clouds.ts';
import type { ZipFile } from '../../scripts/package/zip.ts';
import { inTurns, ratioOf, type Ratio } from './measure.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
export const ENTRY_AIMS = { entryBytes: 12_000, ratio: 1.2 } as const;

export interface EntryCost {
  readonly cloud: Cloud;
  readonly entry: string;
  /** Of the file that the host names. */
  readonly entryBytes: number;
  /** Of all that is loaded before its first line runs, without the host's own library. */
  readonly startBytes: number;
  /** Of the whole bundle: every SDK, though a function loads one. */
  readonly bundleBytes: number;
  /** From the start of the process until the handler is loaded. */
  readonly start: Ratio;
}

/** On Azure the host answers for this module. */
const CORE = `module.exports = { setProgrammingModel() {}, registerFunction() {}, registerHook() { return { dispose() {} }; } };`;

/** One for each room and cloud, with `rounds` starts of each process, in turns. */
export async function measureEntries(rounds: number): Promise<EntryCost[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'keywheel-entries-'));
  try {
    const prepared = [];
    for (const cloud of CLOUDS) prepared.push(...(await prepare(cloud, folder)));
    const pieces = prepared.flatMap(({ ours, empty }) => [() => start(ours), () => start(empty)]);
    await inTurns(pieces, 1); // the first reads files that no cache has
    const ms = await inTurns(pieces, rounds);
    return prepared.map(({ cost, ours: _ours, empty: _empty }, index) => {
      const name = `${cost.cloud} ${cost.entry}`;
      return { ...cost, start: ratioOf(name, ms[2 * index] ?? [], 'empty handler', ms[2 * index + 1] ?? []) };
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Prepared {
  readonly cost: Omit<EntryCost, 'start'>;
  /** Files that a bare Node imports. */
  readonly ours: string;
  readonly empty: string;
}

async function prepare(cloud: Cloud, folder: string): Promise<Prepared[]> {
  const { external } = DEFINITIONS[cloud];
  const ours = path.join(folder, cloud, 'ours');
  const empty = path.join(folder, cloud, 'empty');
  const { files, entries } = await pack(cloud, ROOT, []);
  const bare = await bundle({ root: ROOT, entries: { rotate: `test/bench/empty/${cloud}.ts` }, external });
  for (const [at, all] of [
    [ours, files],
    [empty, bare.files],
  ] as const) {
    await write(at, all);
    if (cloud === 'gcp') await symlink(path.join(ROOT, 'node_modules'), path.join(at, 'node_modules'));
    if (cloud === 'azure')
      await write(path.join(at, 'node_modules/@azure/functions-core'), [{ name: 'index.js', bytes: Buffer.from(CORE) }]);
  }
  const bundleBytes = files.filter(({ name }) => name.endsWith('.mjs')).reduce((sum, { bytes }) => sum + bytes.length, 0);
  return entries.map(({ name, bytes, startBytes }) => ({
    cost: { cloud, entry: name, entryBytes: bytes, startBytes, bundleBytes },
    ours: path.join(ours, `${name}.mjs`),
    empty: path.join(empty, 'rotate.mjs'),
  }));
}

async function write(folder: string, files: readonly ZipFile[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  await Promise.all(files.map(({ name, bytes }) => writeFile(path.join(folder, name), bytes)));
}

/** Milliseconds of one process that loads a handler and ends. The caller's environment is left out: a compile cache of its own would count. */
async function start(file: string): Promise<number> {
  const from = performance.now();
  const child = spawn(process.execPath, [file], { cwd: path.dirname(file), env: {}, stdio: 'ignore' });
  const [code] = (await once(child, 'exit')) as [number | null];
  const ms = performance.now() - from;
  if (code !== 0) throw new Error(`${file} ended with ${code}`);
  return ms;
}

/** Lines of at most 80 characters, for `npm run bench`. */
export function renderEntries(costs: readonly EntryCost[]): string[] {
  const kb = (bytes: number): string => `${(bytes / 1000).toFixed(1)} KB`;
  const rows = costs.map(({ cloud, entry, entryBytes, startBytes, bundleBytes, start: ratio }) => [
    `${cloud} ${entry}`,
    kb(entryBytes),
    kb(startBytes),
    `${(bundleBytes / 1e6).toFixed(2)} MB`,
    ratio.ratio.toFixed(2),
    ratio.middleHalf.map((each) => each.toFixed(2)).join('-'),
    `${Math.round(ratio.medianMs)} ms`,
    `${Math.round(ratio.baseline.medianMs)} ms`,
  ]);
  const head = ['HANDLER', 'ENTRY', 'AT START', 'BUNDLE', 'RATIO', 'MIDDLE HALF', 'START', 'EMPTY'];
  const { entryBytes, ratio } = ENTRY_AIMS;
  const aims = `Aims: an entry under ${kb(entryBytes)}, a start within ${ratio} times an empty handler's on the same host.`;
  return [...table(head, rows, 80), ...wrap(aims, 80)];
}
