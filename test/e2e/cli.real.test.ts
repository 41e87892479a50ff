import { spawnSync } from 'node:child_process';
import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeFolder, type Folder } from '../helpers/terminal.ts';

let folder: Folder;
beforeAll(async () => {
  folder = await makeFolder();
});
afterAll(() => folder.remove());

const COMMANDS = ['demo', 'init', 'doctor', 'rotate', 'score', 'status', 'get', 'put'];
const value = (password: string): string => JSON.stringify({ username: 'app_a', password });

describe('help', () => {
  it.each([['--help'], ['-h'], ['help']])('of the whole (%s) begins with examples and names every command', async (flag) => {
    const run = await folder.run([flag]);

    expect(run.code).toBe(0);
    expect(run.stdout.startsWith('Examples:\n')).toBe(true);
    for (const command of COMMANDS) expect(run.stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'));
  });

  it.each(COMMANDS)('of %s begins with examples, fits 80 columns and goes to stdout', async (command) => {
    const [asked, helped] = [await folder.run([command, '--help']), await folder.run(['help', command])];

    expect(asked).toMatchObject({ code: 0, stderr: '' });
    expect(asked.stdout).toMatch(new RegExp(`^Examples:\n {2}\\$ keywheel ${command}`));
    expect(Math.max(...asked.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(helped.stdout).toBe(asked.stdout);
  });

  it('is the answer to nothing', async () => {
    const run = await folder.run([]);

    expect(run.code).toBe(0);
    expect(run.stdout).toContain('Usage: keywheel');
  });

  it('tells the version', async () => {
    const [plain, json] = [await folder.run(['--version']), await folder.run(['--version', '--json'])];

    expect(plain.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(JSON.parse(json.stdout)).toEqual({ schemaVersion: 1, version: plain.stdout.trim() });
  });
});

describe('a command line that cannot be used', () => {
  it.each([
    [['rotaet'], 'unknown command "rotaet", did you mean "rotate"', 'run: keywheel --help'],
    [['status', '--jsno'], 'unknown option "--jsno", did you mean "--json"', 'run: keywheel status --help'],
    [['rotate', '--dryrun', 'x'], 'unknown option "--dryrun", did you mean "--dry-run"', 'run: keywheel rotate --help'],
    [['get'], 'missing required argument "name"', 'run: keywheel get --help'],
    [['rotate'], 'no secret is named', 'name the secrets, or use --due for what the schedule asks for'],
    [['rotate', '--due', '--resume'], '--due and --resume cannot be given together', '--due also goes on with open rotations'],
    [
      ['get', 'x', '--label', 'curent'],
      'unknown label "curent", did you mean "current"',
      'labels are current, pending, previous',
    ],
    [['demo', '--seconds', 'x'], '--seconds must be a number greater than 0', 'for example: keywheel demo --seconds 20'],
    [
      ['status'],
      'keywheel.yaml: there is no such file',
      'run `keywheel init` to write one, or name another with --config FILE or KEYWHEEL_CONFIG',
    ],
  ])('%j ends with 2 and says what was meant', async (args, message, hint) => {
    const [plain, json] = [await folder.run(args), await folder.run([...args, '--json'])];

    expect(plain).toEqual({ code: 2, stdout: '', stderr: `keywheel: ${message}\nhint: ${hint}\n` });
    expect(json.code).toBe(2);
    expect(JSON.parse(json.stdout)).toMatchObject({ schemaVersion: 1, error: { message, hint } });
  });

  it('needs a Node that reads the sources', async () => {
    const source = await readFile(path.resolve(import.meta.dirname, '../../functions/cli/bin.mjs'), 'utf8');
    const old = path.join(folder.path, 'old.mjs');
    await writeFile(old, source.replaceAll('process.versions.node', '"20.20.2"'));

    const run = spawnSync(process.execPath, [old], { encoding: 'utf8' });

    expect(run.status).toBe(2);
    expect(run.stderr).toMatch(/^keywheel: needs Node 22\.18 or newer, this is 20\.20\.2\nhint: /);
  });
});

describe('from nothing to a secret', () => {
  it('init writes a file that loads and a key that only its owner reads, and keeps both', async () => {
    const first = await folder.run(['init']);
    const key = await readFile(path.join(folder.path, '.keywheel/store.key'), 'utf8');
    const again = await folder.run(['init']);
    const forced = await folder.run(['init', '--force']);

    expect(first).toMatchObject({ code: 0, stdout: '' });
    expect(first.stderr).toContain('hint: edit keywheel.yaml, then run: keywheel doctor\n');
    expect(first.stderr).not.toContain(key.trim());
    expect(again.code).toBe(2);
    expect(again.stderr).toContain('keywheel: keywheel.yaml exists already, nothing was written\n');
    expect(forced.code).toBe(0);
    expect(await readFile(path.join(folder.path, '.keywheel/store.key'), 'utf8')).toBe(key);
    expect((await stat(path.join(folder.path, '.keywheel/store.key'))).mode & 0o777).toBe(0o600);
    expect(await readFile(path.join(folder.path, '.keywheel/.gitignore'), 'utf8')).toBe('*\n');
  });

  it('doctor says what the fresh file still lacks, and how to mend it', async () => {
    const run = await folder.run(['doctor']);

    expect(run.code).toBe(1);
    expect(run.stdout).toContain('ok    config: keywheel.yaml is valid, 1 secret\n');
    expect(run.stdout).toContain('fail  app/db: is not in its store\n      mend: keywheel put app/db --new < value.json\n');
    expect(run.stderr).toBe('keywheel: 1 thing is broken\n');
  });

  it('put reads stdin, and refuses to make or to replace what was not meant', async () => {
    const absent = await folder.run(['put', 'app/db'], { stdin: value('one') });
    const first = await folder.run(['put', 'app/db', '--new'], { stdin: value('one') });
    const again = await folder.run(['put', 'app/db', '--new'], { stdin: value('two') });
    const second = await folder.run(['put', 'app/db', '--json'], { stdin: value('two') });

    expect(absent).toMatchObject({ code: 1, stdout: '' });
    expect(first.code).toBe(0);
    expect(again).toMatchObject({
      code: 1,
      stderr: 'keywheel: app/db exists already, nothing was written\nhint: leave --new out to replace its value\n',
    });
    expect(JSON.parse(second.stdout)).toMatchObject({ schemaVersion: 1, name: 'app/db', version: expect.any(String) });
  });

  it.each([
    ['', 'stdin is empty'],
    ['{"password": "canary', 'stdin is not JSON'],
    ['["canary"]', 'stdin is not a JSON object'],
    ['{}', 'the object on stdin has no field'],
    ['{"deep": {"password": "canary"}}', 'field "deep" is not text, a number, true, false or null'],
    [JSON.stringify({ password: 'canary'.repeat(20_000) }), 'stdin is more than a secret may hold (64 KiB)'],
  ])('put refuses %.30s and repeats nothing of it', async (stdin, message) => {
    const run = await folder.run(['put', 'app/db'], { stdin });

    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr.startsWith(`keywheel: ${message}\n`)).toBe(true);
    expect(run.stderr).not.toContain('canary');
  });

  it('put refuses a value that names an account which is not pinned', async () => {
    const run = await folder.run(['put', 'app/db'], { stdin: JSON.stringify({ username: 'root', password: 'canary' }) });

    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/^keywheel: .*username.*\n/);
    expect(run.stderr).not.toContain('canary');
  });

  it('get prints the value, one field, and another label', async () => {
    const [whole, field, previous, json] = [
      await folder.run(['get', 'app/db']),
      await folder.run(['get', 'app/db', '--field', 'password']),
      await folder.run(['get', 'app/db', '--label', 'previous', '--field', 'password']),
      await folder.run(['get', 'app/db', '--json']),
    ];

    expect(whole).toEqual({ code: 0, stdout: `${value('two')}\n`, stderr: '' });
    expect([field.stdout, previous.stdout]).toEqual(['two\n', 'one\n']);
    expect(JSON.parse(json.stdout)).toMatchObject({
      schemaVersion: 1,
      name: 'app/db',
      label: 'current',
      value: { password: 'two' },
    });
  });

  it.each([
    [['get', 'app/bd'], 1, 'app/bd cannot be read from the store, it has no such secret', 'did you mean "app/db"'],
    [['get', 'app/db', '--label', 'pending'], 1, 'app/db has no pending version', 'see what it has with: keywheel status'],
    [
      ['get', 'app/db', '--field', 'pasword'],
      2,
      'app/db has no field "pasword", did you mean "password"',
      'its fields are username, password',
    ],
    [['get', 'app/db', '--store', 'lcoal'], 2, 'no store "lcoal", did you mean "local"', 'stores has: local'],
    [['status', 'app/bd'], 2, 'no secret "app/bd" in keywheel.yaml, did you mean "app/db"', 'secrets has: app/db'],
  ])('%j ends with %i', async (args, code, message, hint) => {
    const run = await folder.run(args);

    expect(run).toEqual({ code, stdout: '', stderr: `keywheel: ${message}\nhint: ${hint}\n` });
  });

  it('status is a table of 80 columns, without colour in a pipe and with it when forced', async () => {
    const [plain, forced, json] = [
      await folder.run(['status']),
      await folder.run(['status'], { env: { FORCE_COLOR: '1' } }),
      await folder.run(['status', '--json']),
    ];

    const [head = '', current = '', previous = ''] = plain.stdout.split('\n');
    expect(head.split(/ {2,}/)).toEqual(['SECRET', 'PHASE', 'LABEL', 'VERSION', 'ACCOUNT', 'NEXT']);
    expect(current).toMatch(/^app\/db {2}- {6}current {3}\S+ {2}app_a {4}-$/);
    expect(previous).toMatch(/^ +previous {2}\S+$/);
    expect(Math.max(...plain.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(plain.stdout).not.toContain('\u001b');
    expect(forced.stdout).toContain('\u001b[1m');
    expect(JSON.parse(json.stdout)).toMatchObject({
      schemaVersion: 1,
      secrets: [{ secret: 'app/db', phase: '-', account: 'app_a', rotation: null, nextDueAt: null }],
    });
    expect(plain.stdout + json.stdout).not.toContain('two');
  });

  it('the configuration is found by flag before environment before the working folder', async () => {
    await writeFile(path.join(folder.path, 'other.yaml'), 'version: 2\n');
    const [byEnv, byFlag] = [
      await folder.run(['status'], { env: { KEYWHEEL_CONFIG: 'other.yaml' } }),
      await folder.run(['--config', 'keywheel.yaml', 'status'], { env: { KEYWHEEL_CONFIG: 'other.yaml' } }),
    ];

    expect(byEnv.code).toBe(2);
    expect(byEnv.stderr).toContain('keywheel: other.yaml:1: version: must be 1\n');
    expect(byFlag.code).toBe(0);
  });

  it('a key that others may read ends with 3, and doctor says how to mend it', async () => {
    const key = path.join(folder.path, '.keywheel/store.key');
    await chmod(key, 0o644);
    const [got, doctor] = [await folder.run(['get', 'app/db']), await folder.run(['doctor', '--json'])];
    await chmod(key, 0o600);

    expect(got.code).toBe(3);
    expect(got.stdout).toBe('');
    expect(doctor.code).toBe(1);
    expect(JSON.parse(doctor.stdout).checks).toContainEqual(
      expect.objectContaining({ level: 'fail', subject: 'store local', mend: expect.stringMatching(/^chmod 600 .*store\.key$/) }),
    );
  });

  it.each([
    [{}, 2, 'admin password: environment variable KEYWHEEL_PG_ADMIN_PASSWORD is not set'],
    [{ KEYWHEEL_PG_ADMIN_PASSWORD: 'canary' }, 4, 'ECONNREFUSED'],
  ])('a rotation that cannot begin says why by its exit code (%j: %i)', async (env, code, why) => {
    const yaml = await readFile(path.join(folder.path, 'keywheel.yaml'), 'utf8');
    const away = yaml.replace('host: db.example.com', 'host: 127.0.0.1').replace('port: 5432', 'port: 1');
    await writeFile(path.join(folder.path, 'away.yaml'), away);

    const run = await folder.run(['--config', 'away.yaml', 'rotate', 'app/db', '--no-wait', '--json'], { env });

    expect(run.code).toBe(code);
    expect(JSON.parse(run.stdout)).toMatchObject({
      results: [{ secret: 'app/db', status: 'failed', error: { message: expect.stringContaining(why) } }],
    });
    expect(run.stdout + run.stderr).not.toContain('canary');
  });

  it('a reader that goes away early is no failure', () => {
    const bin = path.resolve(import.meta.dirname, '../../functions/cli/bin.mjs');
    const run = spawnSync('/bin/sh', ['-c', `"${process.execPath}" "${bin}" status | true`], {
      cwd: folder.path,
      encoding: 'utf8',
    });

    expect(run.stderr).toBe('');
  });
});
