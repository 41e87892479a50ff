import { access, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAccountPair, type AccountPair } from '../helpers/account-pair.ts';
import { startPostgres, type Postgres } from '../helpers/postgres.ts';
import { makeFolder, type Folder, type Run, type RunOptions } from '../helpers/terminal.ts';

let server: Postgres;
let pair: AccountPair;
let folder: Folder;

const run = (args: readonly string[], options: RunOptions = {}): Promise<Run> =>
  folder.run(args, { ...options, env: { PGADMIN: pair.admin.password, ...options.env } });

async function logsIn(username: string, password: string): Promise<boolean> {
  try {
    await (await server.connect(username, password, pair.database)).end();
    return true;
  } catch {
    return false;
  }
}

/** As a user writes it: durations are text. */
async function configure(consumers: { maxCacheAge: string; grace: string }): Promise<void> {
  const { connectTimeout: _connect, statementTimeout: _statement, ...target } = pair.config();
  const secret = {
    store: 'main',
    strategy: 'dual-account',
    target,
    schedule: { every: '30d' },
    consumers: { maxCacheAge: consumers.maxCacheAge },
    grace: consumers.grace,
    evidence: { samples: 2, quiet: '100ms' },
  };
  const config = {
    version: 1,
    state: { kind: 'sqlite', path: 'state.db' },
    stores: { main: { kind: 'local', path: 'store.db', keyEnv: 'STORE_KEY' } },
    secrets: { 'app/db': secret },
  };
  await writeFile(path.join(folder.path, 'keywheel.yaml'), stringify(config));
}

const env = { STORE_KEY: Buffer.alloc(32, 7).toString('base64') };
const current = async (): Promise<{ username: string; password: string }> =>
  JSON.parse((await run(['get', 'app/db'], { env })).stdout);
const exists = (file: string): Promise<boolean> =>
  access(path.join(folder.path, file)).then(
    () => true,
    () => false,
  );

beforeAll(async () => {
  server = await startPostgres();
  pair = await createAccountPair(server);
  folder = await makeFolder();
  await configure({ maxCacheAge: '1s', grace: '1s' });
  await run(['put', 'app/db', '--new'], { env, stdin: JSON.stringify(pair.value()) });
});
afterAll(async () => {
  await folder?.remove();
  await server?.stop();
});

describe('rotating from a terminal', () => {
  it('doctor finds nothing broken, and leaves nothing behind', async () => {
    const doctor = await run(['doctor', '--json'], { env });

    const { ok, checks } = JSON.parse(doctor.stdout);
    expect(checks.filter((check: { level: string }) => check.level === 'fail')).toEqual([]);
    expect({ ok, code: doctor.code }).toEqual({ ok: true, code: 0 });
    expect(checks).toContainEqual({ level: 'ok', subject: 'app/db', message: 'current authenticates at primary' });
    expect(checks).toContainEqual({ level: 'ok', subject: 'app/db', message: 'clocks of this machine and the target agree' });
    expect(await exists('state.db')).toBe(false);
  });

  it('doctor tells a dead password from a dead server', async () => {
    const wrong = await run(['doctor', '--json'], { env: { ...env, PGADMIN: 'wrong' } });

    expect(wrong.code).toBe(1);
    const failed = JSON.parse(wrong.stdout).checks.filter((check: { level: string }) => check.level === 'fail');
    expect(failed).toHaveLength(1);
    expect(failed[0]).toMatchObject({ subject: 'app/db', mend: expect.any(String) });
  });

  it('a dry run prints numbered calls without material, and changes nothing', async () => {
    const before = await current();
    const [plain, json] = [
      await run(['rotate', 'app/db', '--dry-run'], { env }),
      await run(['rotate', 'app/db', '--dry-run', '--json'], { env }),
    ];

    expect(plain.code).toBe(0);
    expect(plain.stdout).toMatch(/^app\/db\n +1 read {3}/);
    expect(plain.stdout).toMatch(/^ *\d+ effect .*stage app\/db/m);
    expect(plain.stdout).toMatch(/^-- wait \d+(\.\d+)?m?s: grace; the use of app_a is sampled$/m);
    expect(plain.stdout).toContain('installation=<installation> ');
    expect(plain.stdout).not.toContain(before.password);
    expect(plain.stderr).toContain('keywheel: app/db: nothing was changed; the real run makes these calls\n');
    expect(JSON.parse(json.stdout)).toMatchObject({
      schemaVersion: 1,
      dryRun: true,
      rehearsals: [{ secret: 'app/db', status: 'closed' }],
    });
    expect(await current()).toEqual(before);
    expect(await logsIn(before.username, before.password)).toBe(true);
    expect(await exists('state.db')).toBe(false);
  });

  it('with --wait it goes to the end: the new password works, the old one is refused', async () => {
    const before = await current();
    const rotated = await run(['rotate', 'app/db', '--wait', '--reason', 'a test'], { env });
    const after = await current();

    expect(rotated).toMatchObject({ code: 0, stdout: '' });
    expect(rotated.stderr).toContain('keywheel: app/db: published\n');
    expect(rotated.stderr).toContain('keywheel: app/db: rotated, app_b is in use and the old credential is refused\n');
    expect(after.username).toBe('app_b');
    expect([await logsIn(after.username, after.password), await logsIn(before.username, before.password)]).toEqual([true, false]);
    expect(rotated.stderr).not.toContain(after.password);
  });

  it('--expect makes exactly the calls that the dry run showed', async () => {
    const plan = await run(['rotate', 'app/db', '--dry-run', '--json'], { env });
    await writeFile(path.join(folder.path, 'plan.json'), plan.stdout);

    const rotated = await run(['rotate', 'app/db', '--wait', '--expect', 'plan.json', '--json'], { env });

    expect(rotated.stderr).not.toContain('did not show, so');

    expect(rotated.code).toBe(0);
    expect(JSON.parse(rotated.stdout).results).toMatchObject([{ status: 'closed', missing: [] }]);
    expect(rotated.stderr).toContain('keywheel: app/db: made the calls that the dry run showed, and no other\n');
  });

  it('--expect refuses a call that the dry run did not show, before it is made', async () => {
    const before = await current();
    const plan = JSON.parse((await run(['rotate', 'app/db', '--dry-run', '--json'], { env })).stdout);
    const lines = plan.rehearsals[0].lines.filter((line: { text: string }) => !line.text.includes('<verifier>'));
    await writeFile(
      path.join(folder.path, 'plan.json'),
      JSON.stringify({ ...plan, rehearsals: [{ ...plan.rehearsals[0], lines }] }),
    );

    const refused = await run(['rotate', 'app/db', '--no-wait', '--expect', 'plan.json', '--json'], { env });
    const stopped = JSON.parse(refused.stdout).results[0];

    expect(refused.code).toBe(5);
    expect(stopped).toMatchObject({ status: 'held', rotation: { phase: 'staged', hold: { code: 'not-as-planned' } } });
    expect(stopped.rotation.hold.message).toMatch(
      /^app\/db needs a call that the dry run did not show, so it was not made: BEGIN/,
    );
    expect(await current()).toEqual(before);
    expect(await logsIn(before.username, before.password)).toBe(true);
    const resumed = await run(['rotate', 'app/db', '--resume', '--wait'], { env });
    expect(resumed.code).toBe(0);
  });

  it('--expect answers a file that is no dry run', async () => {
    await writeFile(path.join(folder.path, 'plan.json'), '{"rehearsals":[]}');
    const refused = await run(['rotate', 'app/db', '--expect', 'plan.json', '--json'], { env });
    expect(refused.code).toBe(2);
    expect(JSON.parse(refused.stdout).error).toMatchObject({
      code: 'ERR_USAGE',
      message: 'plan.json shows no dry run of app/db that went to its end',
      hint: 'make it with: keywheel rotate app/db --dry-run --json > plan.json',
    });
  });

  it('tells a failed start once, and nothing of the rotation before', async () => {
    const failed = await run(['rotate', 'app/db'], { env: { ...env, PGADMIN: 'wrong' } });
    expect(failed.code).toBe(3);
    expect(failed.stderr.split('\n').filter((line) => line.startsWith('keywheel:'))).toEqual([
      expect.stringMatching(/^keywheel: app\/db: failed: admin login as \S+ at \S+ failed, password authentication failed/),
    ]);
  });

  it('--due does nothing before it is due', async () => {
    const due = await run(['rotate', '--due', '--json'], { env });

    expect(due.code).toBe(0);
    expect(JSON.parse(due.stdout)).toMatchObject({ schemaVersion: 1, results: [{ secret: 'app/db', status: 'idle' }] });
  });

  it('an interrupt ends it between two steps with 130, and --resume goes on', async () => {
    await configure({ maxCacheAge: '3s', grace: '3s' });
    let sent = false;
    const interrupted = await run(['rotate', 'app/db', '--wait'], {
      env,
      onStderr: (text, kill) => {
        if (sent || !text.includes('waits')) return;
        sent = true;
        kill('SIGINT');
      },
    });
    const status = await run(['status', '--json'], { env });
    const resumed = await run(['rotate', 'app/db', '--resume', '--wait', '--json'], { env });

    expect(interrupted.code).toBe(130);
    expect(interrupted.stderr).toContain('hint: go on with: keywheel rotate app/db --resume\n');
    expect(JSON.parse(status.stdout).secrets[0]).toMatchObject({
      account: 'app_a',
      rotation: { reason: 'asked for at the terminal' },
    });
    expect(resumed.code).toBe(0);
    expect(JSON.parse(resumed.stdout)).toMatchObject({ results: [{ status: 'closed', rotation: { outcome: 'rotated' } }] });
  });

  it('--no-wait returns at the first wait with 0, and the table shows the phase', async () => {
    await configure({ maxCacheAge: '3s', grace: '3s' });
    const begun = await run(['rotate', 'app/db', '--no-wait'], { env });
    const status = await run(['status'], { env });

    expect(begun.code).toBe(0);
    expect(begun.stderr).toMatch(/^hint: continue then with: keywheel rotate app\/db --resume$/m);
    expect(status.stdout).toMatch(/^app\/db {2}(published|grace) +current +\S+ +app_b +step /m);
    expect(Math.max(...status.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it('a target that goes away half way ends it with 5, and nothing is lost', async () => {
    await server.stop();
    let resumed: Run;
    // 0 while the next reading is still to come.
    do resumed = await run(['rotate', 'app/db', '--resume', '--no-wait'], { env });
    while (resumed.code === 0);
    const [status, doctor] = [await run(['status'], { env }), await run(['doctor', '--json'], { env })];

    expect(resumed.code).toBe(5);
    expect(resumed.stderr).toMatch(/^keywheel: app\/db: failed after (published|grace): /m);
    expect(status.code).toBe(0);
    expect(status.stdout).toMatch(/^app\/db: failed: /m);
    expect(doctor.code).toBe(1);
    expect(JSON.parse(doctor.stdout).checks).toContainEqual(
      expect.objectContaining({ level: 'fail', subject: 'app/db', mend: 'check host, port and firewall' }),
    );
  });
});
