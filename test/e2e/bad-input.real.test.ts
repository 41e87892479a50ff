/** Bad input, each through the terminal: one clear message, the right exit code, and nothing lost: the application still logs in with `current`. */
import { chmod, copyFile, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { journalKey, type SecretJournal } from '../../shared/rotation/index.ts';
import type { SecretValue } from '../../shared/stores/index.ts';
import { createAccountPair, type AccountPair } from '../helpers/account-pair.ts';
import { startPostgres, type Postgres } from '../helpers/postgres.ts';
import { expectAnswer, expectOneMessage } from './helpers/answer.ts';
import { killAfter, killBeforePublish } from './helpers/kill.ts';
import { prepareRoom, type ConfigFile, type Room } from './helpers/room.ts';

const SECRET = 'app/db';
const ROTATE = ['rotate', SECRET, '--no-wait'];
const RESUME = ['rotate', SECRET, '--resume', '--wait'];

let server: Postgres;
let plain: Postgres;
let count = 0;
let room: Room;
let pair: AccountPair;
let before: SecretValue;

const target = (config: ConfigFile) => {
  const found = config.secrets[SECRET];
  if (found === undefined) throw new Error(`no ${SECRET} in the configuration`);
  return found.target;
};
const secretOf = (config: ConfigFile) => {
  const found = config.secrets[SECRET];
  if (found === undefined) throw new Error(`no ${SECRET} in the configuration`);
  return found;
};

async function enter(on: Postgres, options: { note?: string } = {}): Promise<void> {
  pair = await createAccountPair(on, { name: `bad${(count += 1)}` });
  const note = options.note === undefined ? {} : { note: options.note };
  const first: AccountPair = { ...pair, value: (account) => ({ ...pair.value(account), ...note }) };
  room = await prepareRoom(on, { secrets: [SECRET], pairs: { [SECRET]: first }, put: 'port' });
  before = first.value();
}

/** As applications read it: through the store port. */
async function current(label: 'current' | 'pending' = 'current'): Promise<SecretValue> {
  const store = await room.openStore();
  const found = await store.read(SECRET, label);
  store.close();
  if (found === undefined) throw new Error(`there is no ${label}`);
  return found.value;
}

/** As it was: the same value is current, it logs in, and no version is pending. */
async function expectNothingLost(): Promise<void> {
  await room.configure(() => undefined);
  const store = await room.openStore();
  const state = await store.describe(SECRET);
  store.close();
  expect(state?.labels.pending).toBeUndefined();
  expect(await current()).toEqual(before);
  expect(await room.login(SECRET, before)).toBe('ok');
}

/** After what was wrong is mended, the same command rotates. */
async function expectItRotates(args: readonly string[] = ['rotate', SECRET, '--wait']): Promise<void> {
  const { code, stderr } = await room.run(args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining(`${SECRET}: rotated, `) });
  const after = await current();
  expect(after['password']).not.toBe(before['password']);
  expect([await room.login(SECRET, after), await room.login(SECRET, before)]).toEqual(['ok', '28P01']);
}

beforeAll(async () => {
  [server, plain] = await Promise.all([startPostgres({ tls: { names: ['db.test'] } }), startPostgres()]);
});
afterAll(async () => {
  await Promise.all([server?.stop(), plain?.stop()]);
});
beforeEach(() => enter(server));
afterEach(() => room?.close());

describe('keywheel.yaml', () => {
  it('with an unknown key: the line, the key, and the nearest name', async () => {
    await room.configure((config) => {
      const { accounts, ...rest } = target(config);
      secretOf(config).target = { ...rest, acounts: accounts };
    });

    await expectAnswer(room, ROTATE, {
      exit: 2,
      code: 'ERR_CONFIG_UNKNOWN_KEY',
      message: 'keywheel.yaml:…: secrets.app/db.target.acounts: unknown key, did you mean "accounts"',
      hint: 'every key is described in infra/schemas/keywheel.schema.json, which editors understand',
    });
    await expectNothingLost();
  });

  it.each([
    ['version: 1\nsecrets:\n  app/db: [\n', 'keywheel.yaml:…: not readable as YAML: …'],
    ['\tversion: 1\n', 'keywheel.yaml:1: not readable as YAML: a tab is used to indent; use spaces'],
  ])('that is not YAML (%j): the line and the kind of fault', async (text, message) => {
    await writeFile(room.file('keywheel.yaml'), text);

    await expectAnswer(room, ROTATE, {
      exit: 2,
      code: 'ERR_CONFIG_INVALID',
      message,
      hint: 'mend the YAML first; what stands below the fault was not looked at',
    });
    await expectNothingLost();
  });

  it('with grace shorter than what consumers may cache: both numbers, and both ways out', async () => {
    await room.configure((config) => (secretOf(config)['grace'] = '50ms'));

    await expectAnswer(room, ROTATE, {
      exit: 2,
      code: 'ERR_CONFIG_INVALID',
      message:
        'keywheel.yaml:…: secrets.app/db.grace: 50ms is shorter than consumers.maxCacheAge, 100ms: a consumer may still log in with the old ' +
        'password after it was revoked. Raise grace, or say that no consumer caches longer with consumers.maxCacheAge: 50ms',
      hint: 'every key is described …',
    });
    await expectNothingLost();
  });

  it('with a disabled secret: nothing is changed, by name and by schedule', async () => {
    await room.configure((config) => (secretOf(config)['enabled'] = false));

    const [named, due] = [await room.run(ROTATE), await room.run(['rotate', '--due'])];

    for (const ended of [named, due]) {
      expectOneMessage(ended, 'app/db: rotation is disabled, nothing was changed');
      expect(ended.stderr).toContain('hint: set enabled: true in keywheel.yaml\n');
    }
    expect([named.code, due.code]).toEqual([1, 0]);
    await expectNothingLost();
    await expectItRotates();
  });

  it('with a blackout: nothing starts, and it says until when', async () => {
    const at = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString();
    await room.configure((config) => (config['blackouts'] = [{ from: at(-1), to: at(5), reason: 'holidays' }]));

    const ended = await room.run([...ROTATE, '--json']);

    expect(ended.code).toBe(1);
    expect(JSON.parse(ended.stdout)).toMatchObject({ results: [{ status: 'waiting', resumeAt: expect.any(Number) }] });
    expectOneMessage(ended, 'app/db: not started, a blackout in keywheel.yaml (holidays) ends in ');
    await expectNothingLost();
    await expectItRotates();
  });
});

describe('the command line', () => {
  it.each([
    [['rotat', SECRET], 'unknown command "rotat", did you mean "rotate"', 'run: keywheel --help'],
    [['rotate', SECRET, '--wiat'], 'unknown option "--wiat", did you mean "--wait"', 'run: keywheel rotate --help'],
    [['rotate', 'app/bd'], 'no secret "app/bd" in keywheel.yaml, did you mean "app/db"', 'secrets has: app/db'],
  ])('%j: the nearest name', async (args, message, hint) => {
    await expectAnswer(room, args, { exit: 2, code: 'ERR_USAGE', message, hint });
    await expectNothingLost();
  });
});

describe('the target', () => {
  it.each([
    ['a port where nothing listens', { port: 1 }, '127.0.0.1:1/…', 'nothing listens there (ECONNREFUSED)'],
    ['a host name that nobody knows', { host: 'db.invalid', tls: { mode: 'verify-full' } }, 'db.invalid:…', '… (E…)'],
  ])('unreachable, %s', async (_what, change, where, why) => {
    await room.configure((config) => Object.assign(target(config), change));

    await expectAnswer(room, ROTATE, {
      exit: 4,
      code: 'ERR_TARGET_UNREACHABLE',
      message: `admin login as ${pair.admin.username} at ${where} failed, ${why}`,
      hint: 'check host, port and the network between here and there',
    });
    await expectNothingLost();
    await expectItRotates();
  });

  it('that refuses the admin password', async () => {
    const answer = {
      exit: 3,
      code: 'ERR_TARGET_REFUSED',
      message: `admin login as ${pair.admin.username} at … failed, password authentication failed for user "${pair.admin.username}" (28P01)`,
      hint: 'check the admin password and its source in keywheel.yaml',
    };
    const ended = await expectAnswer(room, ROTATE, answer, { env: { ADMIN_APP_DB: 'not-the-password' } });

    expect(ended.stdout + ended.stderr).not.toContain('not-the-password');
    await expectNothingLost();
    await expectItRotates();
  });

  it('whose certificate is for another name', async () => {
    await room.configure((config) => (target(config)['tls'] = { mode: 'verify-full', ca: server.ca }));

    await expectAnswer(room, ROTATE, {
      exit: 4,
      code: 'ERR_TARGET_TLS',
      message: `admin login as ${pair.admin.username} at … failed, the server’s certificate is for another name (ERR_TLS_CERT_ALTNAME_INVALID)`,
      hint: 'set host, or tls.serverName, to a name that the certificate carries; the name is always checked',
    });
    await expectNothingLost();
    await room.configure((config) => (target(config)['tls'] = { mode: 'verify-full', ca: server.ca, serverName: 'db.test' }));
    await expectItRotates();
  });

  it('whose certificate is signed by an unknown authority', async () => {
    await room.configure((config) => (target(config)['tls'] = { mode: 'verify-full', serverName: 'db.test' }));

    await expectAnswer(room, ROTATE, {
      exit: 4,
      code: 'ERR_TARGET_TLS',
      message:
        '… failed, the server’s certificate is signed by an authority that is not trusted (UNABLE_TO_VERIFY_LEAF_SIGNATURE)',
      hint: 'set tls.ca to the authority that signed the server’s certificate; TLS is never left out',
    });
    await expectNothingLost();
  });

  it('that has no TLS while it is asked for: no fallback, no password sent', async () => {
    await room.close();
    await enter(plain);
    await room.configure((config) => (target(config)['tls'] = { mode: 'verify-full' }));

    await expectAnswer(room, ROTATE, {
      exit: 4,
      code: 'ERR_TARGET_TLS',
      message: `admin login as ${pair.admin.username} at … failed, the server does not offer TLS`,
      hint: 'turn TLS on at the server (ssl = on in postgresql.conf); TLS is never left out',
    });
    await expectNothingLost();
  });

  it('whose accounts may not do the same', async () => {
    const [a, b] = pair.accounts;
    await server.query(`CREATE TABLE public.extra (); GRANT SELECT ON public.extra TO ${a}`, pair.database);

    await expectAnswer(room, ROTATE, {
      exit: 1,
      code: 'grants-differ',
      message: `${b} lacks SELECT on table public.extra, which ${a} has`,
      hint: `GRANT SELECT ON TABLE public.extra TO "${b}"  or  REVOKE SELECT ON TABLE public.extra FROM "${a}"`,
    });
    await expectNothingLost();
    await server.query(`GRANT SELECT ON TABLE public.extra TO "${b}"`, pair.database);
    await expectItRotates();
  });

  it('that has no such owner role', async () => {
    await room.configure((config) => (target(config)['ownerRole'] = 'nobody_owns'));

    await expectAnswer(room, ROTATE, {
      exit: 1,
      code: 'owner-role-missing',
      message: 'owner role nobody_owns does not exist',
      hint: 'CREATE ROLE "nobody_owns" NOLOGIN',
    });
    await expectNothingLost();
  });

  it('that takes no more connections', async () => {
    await server.query(`ALTER DATABASE ${pair.database} CONNECTION LIMIT 0`);
    await expectAnswer(room, ROTATE, {
      exit: 4,
      code: 'ERR_TARGET_THROTTLED',
      message: `admin login as ${pair.admin.username} at … failed, too many connections for database "${pair.database}" (53300)`,
      hint: 'the server takes no more connections now; it is tried again',
    });
    await server.query(`ALTER DATABASE ${pair.database} CONNECTION LIMIT -1`);

    await expectNothingLost();
    await expectItRotates();
  });

  it('that another installation rotates already', async () => {
    await expectItRotates();
    before = await current();
    await room.configure((config) => (config.state['path'] = 'other.db'), 'other.yaml');

    const [a, b] = pair.accounts;
    await expectAnswer(room, ['--config', 'other.yaml', ...ROTATE], {
      exit: 1,
      code: 'target-owned',
      message: `role ${b} is rotated by secret "app/db" of installation "…"; and 1 more: role ${a} is rotated by secret "app/db" of installation "…"`,
      hint: `to take it over on purpose, stop the other rotation, then remove its mark: COMMENT ON ROLE "${b}" IS NULL`,
    });
    await expectNothingLost();
    await expectItRotates();
  });
});

describe('the secret', () => {
  it('missing from its store', async () => {
    await rm(room.file('store.db'));

    await expectAnswer(room, ROTATE, {
      exit: 1,
      code: 'ERR_SECRET_NOT_FOUND',
      message: 'app/db is not in its store',
      hint: 'write its first value with: keywheel put app/db --new…',
    });
    expect(await room.login(SECRET, before)).toBe('ok');
    expect((await room.run(['put', SECRET, '--new'], { stdin: JSON.stringify(before) })).code).toBe(0);
    await expectItRotates();
  });

  it('naming an account that is not pinned: put refuses it, and so does a rotation', async () => {
    const answer = {
      exit: 1,
      code: 'ERR_SECRET_INVALID',
      message: 'field "username" of the secret names an account that is not pinned for it',
      hint: `write one of ${pair.accounts.join(', ')} into username, or pin the account in keywheel.yaml`,
    };
    const wrong = { ...before, username: 'postgres' };
    await expectAnswer(room, ['put', SECRET], answer, { stdin: JSON.stringify(wrong) });
    await expectNothingLost();

    // By another tool than ours, then: the admin credential is not redirected.
    const store = await room.openStore();
    await store.put(SECRET, wrong);
    store.close();
    await expectAnswer(room, ROTATE, answer);
    expect(await current()).toEqual(wrong);
    expect(await room.login(SECRET, before)).toBe('ok');
    expect((await room.put(SECRET, before)).code).toBe(0);
    await expectItRotates();
  });

  it('edited by hand between verify and publish: the edit wins, and what was staged is withdrawn', async () => {
    expect((await killBeforePublish(server, room, SECRET)).signal).toBe('SIGKILL');
    const staged = await current('pending');
    const [a] = pair.accounts;
    const admin = await server.connect(pair.admin.username, pair.admin.password, pair.database);
    await admin.query(`ALTER ROLE ${a} PASSWORD 'by-hand'`);
    await admin.end();
    const edit = { ...before, password: 'by-hand', note: 'changed by a person' };
    expect((await room.put(SECRET, edit)).code).toBe(0);

    const resumed = await room.run([...RESUME, '--json']);

    expect(resumed.code).toBe(1);
    expect(JSON.parse(resumed.stdout)).toMatchObject({
      results: [{ status: 'closed', rotation: { outcome: 'abandoned', abandon: { reason: 'edited' } } }],
    });
    expectOneMessage(
      resumed,
      'app/db: the rotation was given up, because the secret was edited by hand; the edit is current and was kept',
    );
    expect(resumed.stderr).toContain('hint: to rotate it all the same: keywheel rotate app/db\n');
    expect(await room.login(SECRET, staged)).toBe('28P01');
    before = edit;
    await expectNothingLost();
    await expectItRotates();
  });

  it('edited by hand after publishing: the edit stays, and the rotation finishes', async () => {
    await killAfter(room, SECRET, 'published');
    await room.run(['rotate', SECRET, '--resume', '--no-wait']);
    const published = await current();
    const edit = { ...published, note: 'changed by a person' };
    expect((await room.put(SECRET, edit)).code).toBe(0);

    const resumed = await room.run(RESUME);

    expect(resumed.code).toBe(0);
    expect(await current()).toEqual(edit);
    expect([await room.login(SECRET, edit), await room.login(SECRET, before)]).toEqual(['ok', '28P01']);
  });
});

describe('the files', () => {
  const full = (noun: string, file: string, code: string, exit: number) => ({
    exit,
    code,
    message: `${noun} ${room.file(file)} could not be written, because the disk, a quota or a file size limit is full`,
    hint: 'free some space and run the same command again; nothing is half written',
  });

  it('a full disk under the store, on put', async () => {
    const answer = full('store', 'store.db', 'ERR_STORE_FULL', 1);
    await expectAnswer(room, ['put', SECRET], answer, { stdin: JSON.stringify(before), fileLimit: 8192 });
    await expectNothingLost();
    await expectItRotates();
  });

  it('a full disk under the store, in a rotation', async () => {
    await room.close();
    // Its new version takes more room than everything that the journal writes meanwhile.
    await enter(server, { note: 'n'.repeat(60_000) });

    await expectAnswer(room, ROTATE, full('store', 'store.db', 'ERR_STORE_FULL', 5), { fileLimit: 61_440 });
    await expectNothingLost();
    await expectItRotates(RESUME);
  });

  it('a full disk under the state, before and in a rotation', async () => {
    await expectItRotates();
    before = await current();
    await expectAnswer(room, ROTATE, full('state file', 'state.db', 'ERR_STATE_FULL', 1), { fileLimit: 16_384 });
    await expectNothingLost();

    // Enough for the plan and not for the whole: what was begun is finished once there is room.
    await expectAnswer(room, ROTATE, full('state file', 'state.db', 'ERR_STATE_FULL', 5), { fileLimit: 36_000 });
    const state = await room.openState();
    const begun = (await state.get<SecretJournal>(journalKey(SECRET)))?.value.rotation;
    await state.close();
    expect(['planned', 'staged', 'applied']).toContain(begun?.phase);
    expect(await current()).toEqual(before);
    expect(await room.login(SECRET, before)).toBe('ok');
    await expectItRotates();
  });

  it('a store cut short, at any length', async () => {
    await copyFile(room.file('store.db'), room.file('backup'));
    for (const size of [20_000, 8192, 100, 0]) {
      await truncate(room.file('store.db'), size);
      const answer = {
        exit: 1,
        code: 'ERR_STORE_CORRUPT',
        message: `store ${room.file('store.db')} cannot be trusted, because ${size === 0 ? 'it is empty' : '…'}`,
        hint: 'restore store.db from a backup; nothing was changed',
      };
      await expectAnswer(room, ROTATE, answer);
      await expectAnswer(room, ['put', SECRET], answer, { stdin: JSON.stringify(before) });
      expect((await stat(room.file('store.db'))).size).toBe(size);
    }
    await copyFile(room.file('backup'), room.file('store.db'));
    await expectNothingLost();
    await expectItRotates();
  });

  it('a state cut short, at any length', async () => {
    await expectItRotates();
    before = await current();
    await copyFile(room.file('state.db'), room.file('backup'));
    for (const size of [20_000, 8192, 100, 0]) {
      await truncate(room.file('state.db'), size);
      const answer = {
        exit: 1,
        code: 'ERR_STATE_CORRUPT',
        message: `state file ${room.file('state.db')} cannot be trusted, because ${size === 0 ? 'it is empty' : '…'}`,
        hint: 'restore state.db from a backup; nothing was changed',
      };
      await expectAnswer(room, ROTATE, answer);
      await expectAnswer(room, ['status'], answer);
      expect((await stat(room.file('state.db'))).size).toBe(size);
    }
    await expectNothingLost();
    await copyFile(room.file('backup'), room.file('state.db'));
    await expectItRotates();
  });

  it('a journal that a newer version wrote: nothing is done, and doctor finds it', async () => {
    await expectItRotates();
    before = await current();
    const state = await room.openState();
    const stored = await state.get<SecretJournal>(journalKey(SECRET));
    const newer = { ...stored?.value, schemaVersion: 2 };
    await state.put({ key: journalKey(SECRET), value: newer, expected: stored?.revision ?? null });

    await expectAnswer(room, ROTATE, {
      exit: 1,
      code: 'ERR_STATE_NEWER',
      message: 'the journal of app/db was written by a newer version of keywheel (format 2)',
      hint: 'upgrade keywheel; this version reads formats up to 1 and has changed nothing',
    });
    const doctor = await room.run(['doctor', '--json']);

    expect(doctor.code).toBe(1);
    expect(JSON.parse(doctor.stdout).checks).toContainEqual({
      level: 'fail',
      subject: SECRET,
      message: 'its journal was written by a newer version of keywheel (format 2), so nothing can be rotated',
      mend: 'upgrade keywheel',
    });
    const status = JSON.parse((await room.run(['status', '--json'])).stdout);
    expect(status.secrets[0]).toMatchObject({
      phase: '-',
      error: {
        code: 'ERR_STATE_NEWER',
        message: 'its journal was written by a newer version of keywheel (format 2)',
        hint: 'upgrade keywheel',
      },
    });
    expect((await state.get(journalKey(SECRET)))?.value).toEqual(newer);
    await state.close();
    await expectNothingLost();
  });

  it.each(['state.db', 'store.db'])('a %s of a newer schema', async (file) => {
    await expectItRotates();
    before = await current();
    const set = (version: number): void => {
      const db = new DatabaseSync(room.file(file));
      db.exec(`PRAGMA user_version = ${version}`);
      db.close();
    };
    set(9);
    await expectAnswer(room, ROTATE, {
      exit: 1,
      code: 'ERR_STATE_NEWER',
      message: `${file === 'state.db' ? 'state file' : 'store'} ${room.file(file)} has schema version 9, newer than 1, which this keywheel knows`,
      hint: 'use the newer keywheel that wrote it; nothing was changed',
    });
    set(1);
    await expectNothingLost();
  });

  it('a store key that others may read', async () => {
    await chmod(room.file('store.key'), 0o644);
    await expectAnswer(room, ROTATE, {
      exit: 3,
      code: 'ERR_STORE_KEY',
      message: `store key file ${room.file('store.key')} cannot be used, because its mode is 0644 and others may read or change it`,
      hint: `chmod 600 ${room.file('store.key')}`,
    });
    await chmod(room.file('store.key'), 0o600);
    await expectNothingLost();
    await expectItRotates();
  });

  it.each([
    [
      Buffer.alloc(32, 3).toString('base64'),
      'store … cannot be opened with the key in …, because it is another key',
      'give the key that the store was made with; nothing was changed',
    ],
    ['half a key', 'store key file … cannot be used, because it is not 32 bytes in base64', 'restore the key from a backup'],
  ])('a wrong store key (%s)', async (key, message, hint) => {
    await writeFile(room.file('store.key'), key);
    const ended = await expectAnswer(room, ROTATE, { exit: 3, code: 'ERR_STORE_KEY', message, hint });
    await writeFile(room.file('store.key'), room.storeKey);

    expect(ended.stdout + ended.stderr).not.toContain(key);
    await expectNothingLost();
    await expectItRotates();
  });

  it('leave nothing half made beside them', async () => {
    await room.run(ROTATE, { fileLimit: 8192 });
    await expectItRotates();

    const names = await readdir(room.folder);
    const known = [
      'keywheel.yaml',
      'state.db',
      'state.db-shm',
      'state.db-wal',
      'store.db',
      'store.db-shm',
      'store.db-wal',
      'store.key',
    ];
    expect(names.filter((name) => !known.includes(name))).toEqual([]);
    expect(await readFile(room.file('store.key'), 'utf8')).toBe(`${room.storeKey}\n`);
  });
});
