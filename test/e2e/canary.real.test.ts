/**
 * The canary: everything is run with secrets that can be recognised, and every byte that is written anywhere is searched for them, raw and in
 * every usual encoding. Only what `get` prints, and what the user himself put into files and variables, may hold one.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SecretValue } from '../../shared/stores/index.ts';
import { openLocalStore } from '../../shared/stores/local.ts';
import { openGate, systemClock } from '../../shared/deps.ts';
import { saltOf, scramVerifier } from '../../shared/targets/postgres/scram.ts';
import { realRandom } from '../contract/harness.ts';
import { createAccountPair, type AccountPair } from '../helpers/account-pair.ts';
import { startPostgres, type Postgres } from '../helpers/postgres.ts';
import { killAfter, killBeforePublish } from './helpers/kill.ts';
import { findLeaks, type Canary, type Leak } from './helpers/leaks.ts';
import type { Ended } from './helpers/process.ts';
import { prepareRoom, type ConfigFile, type Room, type RoomRunOptions } from './helpers/room.ts';
import { startWitness, type Witness } from './helpers/witness.ts';

const SECRET = 'app/db';
// Characters that every encoding writes in another way.
const FIRST = `Kw-first"can\\ary /+%&='<7f>!`;
const ADMIN = `Kw-admin"can\\ary /+%&='<9e>!`;
const WRONG_ADMIN = `Kw-wrong"can\\ary /+%&='<a1>!`;
const BY_HAND = `Kw-hand"can\\ary /+%&='<c3>!`;
const MISPLACED = 'Kw-misplaced-canary-5d';

let server: Postgres;
let pair: AccountPair;
let room: Room;
let witness: Witness;
const canaries = new Map<string, string | Uint8Array>();
/** Everything that was said, but for what `get` printed. */
const said: { readonly where: string; readonly text: string }[] = [];
const printed: string[] = [];
/** Kills that left the store's write-ahead log behind. */
let leftLogs = 0;

const list = (): Canary[] => [...canaries].map(([label, material]) => ({ label, material }));

function search(where: string, hay: string | Uint8Array): Leak[] {
  return findLeaks(where, hay, list());
}

async function keywheel(args: readonly string[], options: RoomRunOptions = {}): Promise<Ended> {
  const ended = await room.run(args, { ...options, env: { TMPDIR: room.file('tmp'), ...options.env } });
  note(args, ended);
  await learn();
  return ended;
}

function note(args: readonly string[], { stdout, stderr }: Ended): void {
  const where = `keywheel ${args.join(' ')}`;
  said.push({ where: `${where}: stderr`, text: stderr });
  if (args.includes('get')) printed.push(stdout);
  else said.push({ where: `${where}: stdout`, text: stdout });
}

/** Collects every password that the store holds under a label now. */
async function learn(): Promise<void> {
  const store = openLocalStore(
    { kind: 'local', path: room.file('store.db'), keyFile: room.file('.keywheel/store.key') },
    { clock: systemClock, random: realRandom, gate: openGate() },
  );
  for (const label of ['current', 'pending', 'previous'] as const) {
    const password = (await store.read(SECRET, label))?.value['password'];
    if (typeof password !== 'string' || [...canaries.values()].includes(password)) continue;
    canaries.set(`generated password ${canaries.size}`, password);
  }
  store.close();
}

/** Every file in the room, also those that SQLite keeps beside its own, but for those that the user wrote material into. */
function filesNow(): { where: string; bytes: Buffer }[] {
  const except = ['keywheel.yaml', 'store.key', 'other.key', 'admin.password', '.keywheel/store.key'].map((name) =>
    room.file(name),
  );
  return readdirSync(room.folder, { recursive: true, withFileTypes: true }).flatMap((entry) => {
    const file = path.join(entry.parentPath, entry.name);
    return entry.isFile() && !except.includes(file)
      ? [{ where: path.relative(room.folder, file), bytes: readFileSync(file) }]
      : [];
  });
}
const searchFiles = (files = filesNow()): Leak[] => files.flatMap(({ where, bytes }) => search(where, bytes));

/** Notes what a killed process said, and searches what it left behind before anybody opens it again. */
async function afterKill(ended: Ended): Promise<void> {
  expect(ended.signal).toBe('SIGKILL');
  note(['rotate', SECRET, '(killed)'], ended);
  const files = filesNow();
  await learn();
  leftLogs += Number(files.some(({ where }) => where === 'store.db-wal'));
  expect(searchFiles(files)).toEqual([]);
}

const configure = (change: (config: ConfigFile) => void = () => undefined): Promise<void> =>
  room.configure((config) => {
    const { main } = config.stores;
    if (main !== undefined) main['keyFile'] = '.keywheel/store.key';
    change(config);
  });
const secretIn = (config: ConfigFile) => {
  const found = config.secrets[SECRET];
  if (found === undefined) throw new Error(`no ${SECRET}`);
  return found;
};

/** Sets a password as careful people do: by its verifier. */
async function setByVerifier(role: string, password: string): Promise<void> {
  await server.query(`ALTER ROLE ${role} PASSWORD '${await scramVerifier(password, saltOf('by hand', role))}'`);
}

beforeAll(async () => {
  server = await startPostgres({
    settings: {
      log_statement: 'all',
      log_min_duration_statement: '0',
      log_min_error_statement: 'debug5',
      log_min_messages: 'debug2',
      log_error_verbosity: 'verbose',
      log_connections: 'on',
      log_disconnections: 'on',
      log_parameter_max_length: '-1',
      log_parameter_max_length_on_error: '-1',
    },
  });
  const made = await createAccountPair(server, { name: 'canary' });
  const [a] = made.accounts;
  await setByVerifier(a, FIRST);
  await setByVerifier(made.admin.username, ADMIN);
  const value = { ...made.value(), password: FIRST };
  pair = { ...made, admin: { ...made.admin, password: ADMIN }, value: () => value };
  room = await prepareRoom(server, { secrets: [SECRET], pairs: { [SECRET]: pair }, put: 'not' });
  await mkdir(room.file('tmp'));
  canaries.set('first password', FIRST).set('admin password', ADMIN).set('wrong admin password', WRONG_ADMIN);
  canaries.set('password set by hand', BY_HAND).set('misplaced password', MISPLACED);
  witness = await startWitness(server, room.folder);
});
afterAll(async () => {
  await witness?.stop();
  await room?.close();
  await server?.stop();
});

describe('running everything', () => {
  it('init, put, doctor, status, dry run', async () => {
    await rm(room.file('keywheel.yaml'));
    const init = await room.run(['init', '--json']);
    said.push({ where: 'init', text: init.stdout + init.stderr });
    const key = (await readFile(room.file('.keywheel/store.key'), 'utf8')).trim();
    canaries.set('store key', key).set('store key, its bytes', Buffer.from(key, 'base64'));
    await configure();

    expect((await keywheel(['put', SECRET, '--new'], { stdin: JSON.stringify(pair.value()) })).code).toBe(0);
    for (const stdin of [FIRST, `{"password": "${FIRST}`, `{"password":{"a":${JSON.stringify(FIRST)}}}`]) {
      expect((await keywheel(['put', SECRET], { stdin })).code).toBe(2);
    }
    const notPinned = JSON.stringify({ username: 'postgres', password: FIRST });
    expect((await keywheel(['put', SECRET], { stdin: notPinned })).code).toBe(1);
    for (const args of [['doctor'], ['status'], ['rotate', SECRET, '--dry-run']]) {
      expect((await keywheel(args)).code).toBe(0);
      expect((await keywheel([...args, '--json'])).code).toBe(0);
    }
  });

  it('rotations to their end, and every way to read', async () => {
    for (const json of [[], ['--json']]) expect((await keywheel(['rotate', SECRET, '--wait', ...json])).code).toBe(0);
    for (const more of [[], ['--json'], ['--field', 'password'], ['--label', 'previous'], ['--field', 'pasword']]) {
      await keywheel(['get', SECRET, ...more]);
    }
    await keywheel(['rotate', SECRET, '--no-wait', '--json']);
    await keywheel(['status', '--json']);
    await keywheel(['rotate', SECRET, '--dry-run', '--resume']);
    expect((await keywheel(['rotate', SECRET, '--resume', '--wait', '--json'])).code).toBe(0);
  });

  it('with the admin password in a file, and in the store', async () => {
    await writeFile(room.file('admin.password'), `${ADMIN}\n`, { mode: 0o600 });
    expect((await keywheel(['put', 'admin/db', '--new'], { stdin: JSON.stringify({ password: ADMIN }) })).code).toBe(0);
    const { username } = pair.admin;
    for (const admin of [
      { username, passwordFile: 'admin.password' },
      { username, secret: 'admin/db' },
    ]) {
      await configure((config) => (secretIn(config).target.admin = admin));
      expect((await keywheel(['doctor'])).code).toBe(0);
      expect((await keywheel(['rotate', SECRET, '--dry-run'])).code).toBe(0);
      expect((await keywheel(['rotate', SECRET, '--wait', '--json'])).code).toBe(0);
    }
    await chmod(room.file('admin.password'), 0o644);
    await configure((config) => (secretIn(config).target.admin = { username, passwordFile: 'admin.password' }));
    expect((await keywheel(['rotate', SECRET])).code).toBe(2);
    await configure();
  });

  it.each(['staged', 'applied', 'verified', 'published', 'grace', 'retired', 'proven'] as const)(
    'a rotation killed at %s and resumed',
    async (phase) => {
      await afterKill(await killAfter(room, SECRET, phase, ['--reason', `killed at ${phase}`]));
      for (const args of [['status'], ['status', '--json'], ['doctor', '--json'], ['rotate', SECRET, '--dry-run']])
        await keywheel(args);
      expect((await keywheel(['rotate', SECRET, '--resume', '--wait'])).code).toBe(0);
    },
  );

  it('rotations that fail', async () => {
    const [, b] = pair.accounts;
    const wrong = { env: { ADMIN_APP_DB: WRONG_ADMIN, KEYWHEEL_DEBUG: '1' } };
    expect((await keywheel(['rotate', SECRET, '--json'], wrong)).code).toBe(3);
    expect((await keywheel(['rotate', SECRET, '--dry-run'], wrong)).code).toBe(3);
    expect((await keywheel(['doctor'], wrong)).code).toBe(1);

    await configure((config) => (secretIn(config).target['port'] = 1));
    expect((await keywheel(['rotate', SECRET, '--json'])).code).toBe(4);
    await configure((config) => (secretIn(config).target['tls'] = { mode: 'verify-full' }));
    expect((await keywheel(['rotate', SECRET])).code).toBe(4);
    await configure();

    await server.query(`CREATE TABLE public.extra (); GRANT SELECT ON public.extra TO ${b}`, pair.database);
    expect((await keywheel(['rotate', SECRET, '--json'])).code).toBe(1);
    await server.query(`REVOKE SELECT ON public.extra FROM ${b}`, pair.database);

    await server.query(`ALTER DATABASE ${pair.database} CONNECTION LIMIT 0`);
    expect((await keywheel(['rotate', SECRET, '--json'])).code).toBe(4);
    await server.query(`ALTER DATABASE ${pair.database} CONNECTION LIMIT -1`);

    expect((await keywheel(['rotate', SECRET, '--no-wait'], { fileLimit: 8192 })).code).toBe(1);
  });

  it('a key that is wrong, exposed, or another one', async () => {
    const other = Buffer.alloc(32, 'Kw-other-key').toString('base64');
    canaries.set('another store key', other);
    await writeFile(room.file('other.key'), other, { mode: 0o600 });
    await room.configure((config) => (config.stores['main'] = { ...config.stores['main'], keyFile: 'other.key' }));
    expect((await keywheel(['rotate', SECRET, '--json'])).code).toBe(3);
    await writeFile(room.file('other.key'), other.slice(0, -2));
    expect((await keywheel(['status', '--json'])).code).toBe(1);
    await chmod(room.file('other.key'), 0o644);
    expect((await keywheel(['doctor', '--json'])).code).toBe(1);
    await configure();
  });

  it('a password misplaced into keywheel.yaml, as a key, as a value, and where the YAML breaks', async () => {
    const text = await readFile(room.file('keywheel.yaml'), 'utf8');
    for (const broken of [
      text.replace('passwordEnv:', `password: ${MISPLACED}\n        passwordEnv:`),
      text.replace('version: 1', `version: ${MISPLACED}`),
      text.replace('strategy: dual-account', `strategy: ${MISPLACED}`),
      `${text}  password: "${MISPLACED}\n`,
    ]) {
      await writeFile(room.file('keywheel.yaml'), broken);
      expect((await keywheel(['rotate', SECRET, '--json'])).code).toBe(2);
      expect((await keywheel(['doctor'])).code).toBe(1);
    }
    await writeFile(room.file('keywheel.yaml'), text);
  });

  it('an edit by hand in the middle, and a current that does not work', async () => {
    const current = await room.get(SECRET);
    const account = String(current['username']);
    await afterKill(await killBeforePublish(server, room, SECRET));
    await setByVerifier(account, BY_HAND);
    const edited = { ...current, password: BY_HAND };
    expect((await keywheel(['put', SECRET, '--json'], { stdin: JSON.stringify(edited) })).code).toBe(0);
    expect((await keywheel(['rotate', SECRET, '--resume', '--wait', '--json'])).code).toBe(1);

    expect((await keywheel(['put', SECRET], { stdin: JSON.stringify({ ...current, password: FIRST }) })).code).toBe(0);
    expect((await keywheel(['rotate', SECRET, '--json'])).code).toBe(1);
    expect((await keywheel(['doctor'])).code).toBe(1);
    expect((await keywheel(['put', SECRET], { stdin: JSON.stringify(edited) })).code).toBe(0);
    expect((await keywheel(['rotate', SECRET, '--wait'])).code).toBe(0);
  });
});

describe('what was written', () => {
  it('was enough to be worth a search, and the search finds what is there', async () => {
    await witness.stop();
    expect(canaries.size).toBeGreaterThan(15);
    expect(leftLogs).toBeGreaterThanOrEqual(7);
    expect(said.length).toBeGreaterThan(100);
    expect(witness.processes.size).toBeGreaterThan(50);
    expect([...witness.commandLines].join('\n')).toContain('bin.mjs');
    expect([...witness.activity].join('\n')).toMatch(/ALTER ROLE "canary_[ab]" PASSWORD 'SCRAM-SHA-256\$|COMMENT ON ROLE/);
    expect(server.log()).toMatch(/statement: ALTER ROLE "canary_[ab]" PASSWORD 'SCRAM-SHA-256\$/);
    // The one place that holds passwords, as it must, and nothing but those of this secret.
    const found = new Set(search('get', printed.join('\n')).map((leak) => leak.canary));
    expect(found.size).toBeGreaterThanOrEqual(2);
    expect([...found].filter((label) => !label.startsWith('generated') && label !== 'first password')).toEqual([]);
  });

  it('to stdout and stderr holds none of it', () => {
    expect(said.flatMap(({ where, text }) => search(where, text))).toEqual([]);
  });

  it('to the database’s log, with every statement and parameter in it, holds none of it', () => {
    expect(search('server.log', server.log())).toEqual([]);
  });

  it('to pg_stat_activity holds none of it', () => {
    expect(search('pg_stat_activity', [...witness.activity].join('\n'))).toEqual([]);
  });

  it('to the process list holds none of it, and environments only what the user put there', () => {
    expect(search('/proc/*/cmdline', [...witness.commandLines].join('\n'))).toEqual([]);
    const given = [`ADMIN_APP_DB=${ADMIN}`, `ADMIN_APP_DB=${WRONG_ADMIN}`];
    expect([...witness.environments]).toEqual(expect.arrayContaining(given));
    const rest = [...witness.environments].filter((entry) => !given.includes(entry));
    expect(search('/proc/*/environ', rest.join('\n'))).toEqual([]);
  });

  it('to the store, the state and everything beside them holds none of it', () => {
    const names = readdirSync(room.folder);
    expect(names).toEqual(expect.arrayContaining(['state.db', 'store.db']));
    expect(searchFiles()).toEqual([]);
  });
});

describe('the demo', () => {
  it('says and reports none of its own passwords and keys', { timeout: 180_000 }, async () => {
    const temporary = room.file('demo');
    await mkdir(temporary);
    for (const folder of [room.folder, temporary]) await chmod(folder, 0o755); // as root the server runs as another user
    const report = room.file('report.html');
    const ended = await room.run(['demo', '--json', '--keep', '--seconds', '1', '--out', report], {
      env: { TMPDIR: temporary },
      timeout: 150_000,
    });
    expect(ended.code).toBe(0);

    const [kept = ''] = readdirSync(temporary);
    const project = path.join(temporary, kept, 'project');
    const key = readFileSync(path.join(project, 'store.key'), 'utf8').trim();
    const passwords = [readFileSync(path.join(project, 'admin.password'), 'utf8').trim(), ...(await allPasswords(project))];
    const own: Canary[] = [key, Buffer.from(key, 'base64'), ...passwords].map((material, n) => ({
      label: `demo ${n}`,
      material,
    }));

    expect(passwords.length).toBeGreaterThan(4);
    expect(findLeaks('stdout and stderr', ended.stdout + ended.stderr, own)).toEqual([]);
    expect(findLeaks('report.html', await readFile(report), own)).toEqual([]);
    const inProject = readdirSync(project).filter((name) => !['store.key', 'admin.password'].includes(name));
    expect(inProject).toEqual(expect.arrayContaining(['keywheel.yaml', 'state.db']));
    for (const name of inProject) expect(findLeaks(name, readFileSync(path.join(project, name)), own)).toEqual([]);
  });
});

/** Of every version that the demo's store ever had and still has. */
async function allPasswords(project: string): Promise<string[]> {
  const file = path.join(project, 'store.json');
  const db = new DatabaseSync(file);
  const rows = db.prepare('SELECT secret, id FROM versions').all() as { secret: string; id: string }[];
  db.close();
  const config = { kind: 'local', path: file, keyFile: path.join(project, 'store.key') } as const;
  const store = openLocalStore(config, { clock: systemClock, random: realRandom, gate: openGate() });
  const values: (SecretValue | undefined)[] = [];
  for (const { secret, id } of rows) values.push((await store.read(secret, { version: id }))?.value);
  store.close();
  return values.flatMap((value) => (typeof value?.['password'] === 'string' ? [value['password']] : []));
}
