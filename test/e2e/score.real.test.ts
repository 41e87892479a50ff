import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeFolder, type Folder } from '../helpers/terminal.ts';

const run = promisify(execFile);
const WRITE = path.resolve(import.meta.dirname, '../tenant/write.ts');

interface Line {
  readonly id: string;
  readonly alerted: boolean;
  readonly score: number;
  readonly alertEvent: { readonly id: string } | null;
  readonly reasons: readonly { readonly detector: string; readonly family: string }[];
  readonly summary?: Readonly<Record<string, number>>;
}
interface Label {
  readonly events: readonly { readonly ids: readonly string[]; readonly read: boolean }[];
}

let folder: Folder;
let log: string;
let label: Label;
const linesOf = (stdout: string): Line[] =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
const incidentsOf = (stdout: string): Line[] => linesOf(stdout).filter(({ summary }) => summary === undefined);

beforeAll(async () => {
  folder = await makeFolder();
  // Seven days as usual, then twenty secrets in a few seconds.
  const args = ['--stores', 'openbao', '--days', '8', '--attack', 'sweep/fast', '--seed', 'terminal', '--out'];
  await run(process.execPath, [WRITE, ...args, path.join(folder.path, 'tenant')]);
  const files = await readdir(path.join(folder.path, 'tenant'));
  log = path.join('tenant', files.find((file) => file.startsWith('vault')) ?? '');
  [label] = JSON.parse(await readFile(path.join(folder.path, 'tenant', 'labels.json'), 'utf8')) as [Label];
});
afterAll(() => folder.remove());

describe('keywheel score', () => {
  it('needs no configuration, sees the sweep by its eighth read, and names the family first', async () => {
    const { code, stdout, stderr } = await folder.run(['score', log, '--format', 'json']);

    expect([code, stderr]).toEqual([0, '']);
    const sweep = incidentsOf(stdout).find(({ alertEvent }) =>
      label.events.some(({ ids }) => ids.includes(alertEvent?.id ?? '')),
    );
    expect(sweep?.alerted).toBe(true);
    expect(['S', 'I', 'N']).toContain(sweep?.reasons[0]?.family);
    const reads = label.events.filter(({ read }) => read);
    expect(reads.findIndex(({ ids }) => ids.includes(sweep?.alertEvent?.id ?? ''))).toBeLessThan(8);
    const { summary } = linesOf(stdout).at(-1) ?? {};
    expect(summary?.['incidents']).toBe(incidentsOf(stdout).length);
    expect(summary?.['alerts']).toBe(incidentsOf(stdout).filter(({ alerted }) => alerted).length);
    expect((summary?.['parsed'] ?? 0) + (summary?.['ignored'] ?? 0) + (summary?.['malformed'] ?? 0)).toBe(summary?.['events']);
  });

  it('gives the same incidents for records in another order, twice, gzipped, on stdin', async () => {
    const lines = (await readFile(path.join(folder.path, log), 'utf8')).trim().split('\n');
    const other = [...lines, ...lines.filter((_, at) => at % 5 === 0)].map((line, at) => [line, (at * 7919) % 104_729] as const);
    const shuffled = other.toSorted(([, a], [, b]) => a - b).map(([line]) => line);
    await writeFile(path.join(folder.path, 'shuffled.gz'), gzipSync(`${shuffled.join('\n')}\n`));

    const [plain, mixed] = [
      await folder.run(['score', log, '--format', 'json']),
      await folder.run(['score', 'shuffled.gz', '--format', 'json']),
    ];

    expect(incidentsOf(mixed.stdout)).toEqual(incidentsOf(plain.stdout));
    expect(linesOf(mixed.stdout).at(-1)?.summary?.['duplicates']).toBeGreaterThan(100);
  });

  it('goes on from a state folder, and tells nothing twice', async () => {
    const args = ['score', log, '--format', 'json', '--state', 'kept'];

    const [first, second] = [await folder.run(args), await folder.run(args)];

    expect(incidentsOf(first.stdout)).toEqual(incidentsOf((await folder.run(['score', log, '--format', 'json'])).stdout));
    expect(incidentsOf(second.stdout)).toEqual([]);
    expect(linesOf(second.stdout).at(-1)?.summary?.['duplicates']).toBe(linesOf(second.stdout).at(-1)?.summary?.['parsed']);
  });

  it.each([
    ['high', 1],
    ['never', 0],
  ])('ends with its findings where --fail-on is %s: %i', async (band, expected) => {
    const { code } = await folder.run(['score', log, '--fail-on', band]);

    expect(code).toBe(expected);
  });

  it('explains each reason in 80 columns, and writes SARIF and HTML', async () => {
    const [text, sarif, html] = [
      await folder.run(['score', log, '--explain']),
      await folder.run(['score', log, '--format', 'sarif']),
      await folder.run(['score', log, '--format', 'html']),
    ];

    expect(Math.max(...text.stdout.split('\n').map((line) => Array.from(line).length))).toBeLessThanOrEqual(80);
    expect(text.stdout).toMatch(/S1 .* secrets in 10 minutes/);
    expect(JSON.parse(sarif.stdout)).toMatchObject({ version: '2.1.0', runs: [{ tool: { driver: { name: 'Keywheel' } } }] });
    expect(html.stdout).toMatch(/^<!doctype html>/);
    expect(html.stdout).not.toMatch(/(src|href)="?https?:/);
  });

  it.each([
    [['score', 'nowhere.log'], 'nowhere.log was not scored, because there is no such file'],
    [['score', '.'], '. is a directory'],
    [
      ['score', 'tenant/labels.json', '--state', 'no/such'],
      'no/such cannot keep the state, because the folder that it is to be in does not exist',
    ],
    [['score', 'x', '--format', 'pdf'], '--format cannot be "pdf"'],
    [['score', 'x', '--fail-on', 'bad'], '--fail-on cannot be "bad"'],
  ])('refuses %j', async (args, message) => {
    const { code, stderr, stdout } = await folder.run(args);

    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
  });

  it('runs every command of its guide', async () => {
    const text = await readFile(path.resolve(import.meta.dirname, '../../docs/guides/score.md'), 'utf8');
    const commands = [...text.matchAll(/^\$ npx keywheel (.+)$/gm)].map(([, line = '']) => line.split(' > ')[0] ?? '');
    const records = await readFile(path.join(folder.path, log));
    await writeFile(path.join(folder.path, 'audit.log'), records);
    await writeFile(path.join(folder.path, 'vault.log'), records);
    await writeFile(path.join(folder.path, 'trail.json.gz'), gzipSync(records));

    expect(commands.length).toBeGreaterThan(4);
    for (const command of commands) {
      const { code, stderr, stdout } = await folder.run(command.split(' '));
      expect([command, code, stderr]).toEqual([command, command.includes('--fail-on') ? 1 : 0, '']);
      expect(stdout.length).toBeGreaterThan(100);
    }
  });

  it('counts what it cannot read, and loses nothing else', async () => {
    const good = (await readFile(path.join(folder.path, log), 'utf8')).split('\n').slice(0, 200);
    await writeFile(
      path.join(folder.path, 'broken.log'),
      [...good, '{"time":', '\u0000\u0001binary', '[1,2', ...good.slice(0, 1)].join('\n'),
    );
    await writeFile(path.join(folder.path, 'cut.gz'), gzipSync(good.join('\n')).subarray(0, -200));

    const [broken, cut] = [
      await folder.run(['score', 'broken.log', '--format', 'json']),
      await folder.run(['score', 'cut.gz', '--format', 'json']),
    ];

    const summary = linesOf(broken.stdout).at(-1)?.summary ?? {};
    expect(summary['malformed']).toBeGreaterThan(0);
    expect((summary['parsed'] ?? 0) + (summary['ignored'] ?? 0)).toBeGreaterThanOrEqual(200);
    expect(broken.stderr).toContain('broken.log, line');
    expect(linesOf(cut.stdout).at(-1)?.summary?.['events']).toBeGreaterThan(100);
    expect(cut.stderr).toContain('cut.gz');
    expect([broken.code, cut.code]).toEqual([0, 0]);
  });
});
