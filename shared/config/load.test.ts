import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configPath, loadConfig, policyOf, secretOf } from './index.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'keywheel-config-'));
});
afterAll(() => rm(folder, { recursive: true }));

interface Draft {
  [key: string]: any; // eslint-disable-line typescript/no-explicit-any -- drafts are broken on purpose
}

const good = (): Draft => ({
  version: 1,
  state: { kind: 'sqlite', path: 'state.db' },
  stores: { main: { kind: 'local', path: 'store.json', keyFile: 'store.key' } },
  secrets: {
    'app/db': {
      store: 'main',
      strategy: 'dual-account',
      target: {
        kind: 'postgres',
        host: 'db.example.com',
        database: 'app',
        admin: { username: 'keywheel', passwordEnv: 'PG_ADMIN_PASSWORD' },
        accounts: ['app_a', 'app_b'],
        ownerRole: 'app_owner',
      },
    },
  },
});

let files = 0;
async function write(draft: unknown): Promise<string> {
  files += 1;
  const file = path.join(folder, `keywheel-${files}.yaml`);
  await writeFile(file, typeof draft === 'string' ? draft : stringify(draft));
  return file;
}

/** What loading this draft says, without the folder. */
async function complaint(draft: unknown): Promise<{ code: string; lines: string[]; hint: string }> {
  const file = await write(draft);
  const error = await loadConfig(file).then(
    () => ({ code: 'none', message: 'it loaded', hint: '' }),
    (thrown: { code: string; message: string; hint: string }) => thrown,
  );
  return { code: error.code, lines: error.message.replaceAll(file, 'keywheel.yaml').split('\n'), hint: error.hint };
}

/** Paths to set (`s.` is the secret) and what to; null removes. */
type Change = Readonly<Record<string, unknown>>;

function apply(change: Change): Draft {
  const draft = good();
  for (const [dotted, value] of Object.entries(change)) {
    const keys = dotted.replace(/^s\./, 'secrets.app/db.').split('.');
    const last = keys.pop() ?? '';
    const parent = keys.reduce<Draft>((at, key) => at[key], draft);
    if (value === null) delete parent[last];
    else parent[last] = value;
  }
  return draft;
}

const other = {
  ...good()['secrets']['app/db'],
  target: { ...good()['secrets']['app/db'].target, accounts: ['x', 'app_b'], host: 'DB.example.com.' },
};
const dead =
  'in-place needs acceptDeadWindow: true. From the change of the password until the new one is published and every cache has run out, what consumers hold does not authenticate; dual-account has no such window';
const far =
  'secrets.app/db.target.tls.mode: disable is only for loopback hosts: on a network it would show every password to who listens; use verify-full';
const revoked =
  'a consumer may still log in with the old password after it was revoked. Raise grace, or say that no consumer caches longer with consumers.maxCacheAge:';
const sources = 'set exactly one of passwordEnv, passwordFile or secret';
const fields = 'write five fields such as "0 3 * * 1"';
const disable = { mode: 'disable' };

const bad: [change: Change, line: number, said: string][] = [
  [
    { 's.target.accounts': null, 's.target.acounts': [] },
    22,
    'secrets.app/db.target.acounts: unknown key, did you mean "accounts"',
  ],
  [{ zzz: 1 }, 25, 'zzz: unknown key'],
  [{ version: 2 }, 1, 'version: must be 1'],
  [{ version: null }, 1, 'version: missing, must be 1'],
  [
    { 'stores.main.kind': 'gpc' },
    7,
    'stores.main.kind: must be one of "local", "aws", "gcp", "azure", "vault", did you mean "gcp"',
  ],
  [
    { 's.strategy': 'dual_account' },
    13,
    'secrets.app/db.strategy: must be one of "dual-account", "overlap", "in-place", did you mean "dual-account"',
  ],
  [{ 's.target.host': null }, 14, 'secrets.app/db.target.host: missing, must be text'],
  [{ 's.target.port': '5432' }, 25, 'secrets.app/db.target.port: must be a number, is text'],
  [{ 's.target.port': 70_000 }, 25, 'secrets.app/db.target.port: must be at most 65535'],
  [{ 's.target.database': '' }, 17, 'secrets.app/db.target.database: must not be empty'],
  [{ 's.target.accounts': [] }, 21, 'secrets.app/db.target.accounts: must have at least 1 item'],
  [{ 's.grace': '1 hour' }, 25, 'secrets.app/db.grace: write a duration such as 90s, 15m, 1h or 30d'],
  [{ 's.store': 'mian' }, 12, 'secrets.app/db.store: there is no such store in stores, did you mean "main"'],
  [
    { 's.target.accounts': ['app_a'] },
    21,
    'secrets.app/db.target.accounts: dual-account needs exactly two accounts: one is used while the other gets the next password',
  ],
  [
    { 's.target.accounts': ['a', 'a'] },
    21,
    'secrets.app/db.target.accounts: dual-account needs two different accounts; both names are the same',
  ],
  [
    { 's.target.ownerRole': null },
    14,
    'secrets.app/db.target.ownerRole: dual-account needs ownerRole: the NOLOGIN role that both accounts SET ROLE to, so that neither owns objects',
  ],
  [
    { 's.acceptDeadWindow': true },
    25,
    'secrets.app/db.acceptDeadWindow: is only for in-place; dual-account has no dead window, remove it',
  ],
  [{ 's.strategy': 'in-place', 's.target.accounts': ['app_a'] }, 11, `secrets.app/db.acceptDeadWindow: ${dead}`],
  [
    { 's.strategy': 'in-place', 's.acceptDeadWindow': true },
    21,
    'secrets.app/db.target.accounts: in-place needs exactly one account; with two, use dual-account',
  ],
  [
    { 's.strategy': 'in-place', 's.acceptDeadWindow': true, 's.target.accounts': ['a'], 's.grace': '2h' },
    25,
    'secrets.app/db.grace: has no effect with in-place: the old password ends at the change; remove it',
  ],
  [{ 's.grace': '30m' }, 25, `secrets.app/db.grace: 30m is shorter than consumers.maxCacheAge, 1h (the default): ${revoked} 30m`],
  [
    { 's.grace': '1.5h', 's.consumers': { maxCacheAge: '2h' } },
    25,
    `secrets.app/db.grace: 90m is shorter than consumers.maxCacheAge, 2h: ${revoked} 90m`,
  ],
  [{ 's.target.admin': { username: 'root' } }, 18, `secrets.app/db.target.admin: has no password source; ${sources}`],
  [{ 's.target.admin.secret': 'x' }, 18, `secrets.app/db.target.admin: has 2 password sources; ${sources}`],
  [
    { 's.target.admin.username': 'app_a' },
    19,
    'secrets.app/db.target.admin.username: is also a pinned account; the role that changes passwords must be another one',
  ],
  [
    { 's.target.admin': { username: 'root', secret: 'app/db' } },
    20,
    'secrets.app/db.target.admin.secret: names the secret itself; the admin credential must be another one',
  ],
  [{ 's.target.tls': disable }, 26, far],
  [{ 's.target.tls': disable, 's.target.host': '127.0.0.1.evil.example' }, 26, far],
  [{ 's.target.tls': disable, 's.target.host': '::1', 's.target.endpoints': [{ name: 'r', host: 'far.example.com' }] }, 26, far],
  [
    { 's.target.tls': { ...disable, ca: 'ca.pem' }, 's.target.host': 'localhost' },
    27,
    'secrets.app/db.target.tls.ca: has no effect with mode disable; remove one of the two',
  ],
  [
    {
      's.target.endpoints': [
        { name: 'r', host: 'a' },
        { name: 'r', host: 'b' },
      ],
    },
    28,
    'secrets.app/db.target.endpoints[1].name: is used by an earlier endpoint; give each its own name',
  ],
  [{ 's.schedule': { every: '30d', cron: '0 3 * * *' } }, 27, 'secrets.app/db.schedule.cron: set either every or cron, not both'],
  [
    { 's.schedule': { timeZone: 'UTC' } },
    25,
    'secrets.app/db.schedule: needs one of every (such as 30d) or cron; without a schedule the secret rotates only when asked',
  ],
  [{ 's.schedule': { every: '0s' } }, 26, 'secrets.app/db.schedule.every: must be at least 1s'],
  [{ 's.schedule': { cron: '61 * * * *' } }, 26, `secrets.app/db.schedule.cron: cannot be read as a cron expression; ${fields}`],
  [{ 's.schedule': { cron: '* * * * * *' } }, 26, `secrets.app/db.schedule.cron: must have five fields; ${fields}`],
  [{ 's.schedule': { cron: '0 0 30 2 *' } }, 26, 'secrets.app/db.schedule.cron: never comes due: no such date exists'],
  [
    { 's.schedule': { every: '30d', timeZone: 'Mars/Base' } },
    27,
    'secrets.app/db.schedule.timeZone: is no IANA time zone; write one such as UTC or Europe/Berlin',
  ],
  [
    { 's.schedule': { every: '30d', window: { from: '02:00', to: '02:00' } } },
    27,
    'secrets.app/db.schedule.window: from and to are the same time, so the window is empty; leave it out for the whole day',
  ],
  [
    { 's.schedule': { every: '30d', window: { from: '2:00', to: '02:00' } } },
    28,
    'secrets.app/db.schedule.window.from: write a time of day as HH:MM, for example 02:30',
  ],
  [
    { blackouts: [{ from: '2026-12-24T00:00:00Z', to: '2026-12-24T00:30:00+01:00' }] },
    27,
    'blackouts[0].to: must be later than from',
  ],
  [
    { blackouts: [{ from: '2026-12-24T00:00:00', to: '2026-12-25T00:00:00Z' }] },
    26,
    'blackouts[0].from: write an instant with its offset, for example 2026-12-24T00:00:00Z',
  ],
  [
    { 'secrets.other': other },
    37,
    'secrets.other.target.accounts[1]: is already pinned by "app/db" on the same server; each account belongs to one secret',
  ],
  [{ 'stores.main.keyFile': null }, 6, 'stores.main: has no key; set exactly one of keyFile or keyEnv'],
  [{ 'stores.main.keyEnv': 'K' }, 6, 'stores.main: has two keys; set exactly one of keyFile or keyEnv'],
  [{ 'stores.main.path': './state.db' }, 8, 'stores.main.path: is also the file of state; each needs its own'],
  [{ 'stores.main.keyFile': 'store.json' }, 9, 'stores.main.keyFile: is also a store or state file; the key needs its own'],
  [
    { secrets: { '--all': other } },
    11,
    'secrets.--all: a name may not begin with "-": on a command line it would be read as a flag',
  ],
  [{ secrets: { ' a': other } }, 11, 'secrets. a: a name may not begin or end with a space'],
];

describe('loading a configuration', () => {
  it.each(bad)('refuses %j', async (change, line, message) => {
    const said = await complaint(apply(change));

    expect(said.lines[0]).toBe(`keywheel.yaml:${line}: ${message}`);
    expect(said.code).toBe(message.includes('unknown key') ? 'ERR_CONFIG_UNKNOWN_KEY' : 'ERR_CONFIG_INVALID');
    expect(said.hint).not.toBe('');
  });

  it('resolves paths against the file and fills in defaults', async () => {
    const file = await write(good());

    const config = await loadConfig(file);

    const secret = await secretOf(config, 'app/db');
    expect(config.state).toMatchObject({ path: path.join(folder, 'state.db') });
    expect(config.stores['main']).toMatchObject({ keyFile: path.join(folder, 'store.key') });
    expect(secret.target).toMatchObject({ port: 5432, tls: { mode: 'verify-full' } });
    expect(policyOf(secret)).toEqual({ maxCacheAgeMs: 3_600_000, graceMs: 3_600_000, samples: 3, quietMs: 60_000 });
  });

  it('takes one of two accounts as the owner: a pair of AWS’s multi-user template', async () => {
    const file = await write(apply({ 's.target.accounts': ['app', 'app_clone'], 's.target.ownerRole': 'app' }));

    const { target } = await secretOf(await loadConfig(file), 'app/db');

    expect(target).toMatchObject({ accounts: ['app', 'app_clone'], ownerRole: 'app' });
  });

  it('lets a deliberate cache age lower the grace, and gives in-place none', async () => {
    const draft = good();
    draft['secrets']['app/db'].consumers = { maxCacheAge: '5m' };
    const [quick] = Object.values((await loadConfig(await write(draft))).secrets);
    draft['secrets']['app/db'].strategy = 'in-place';
    draft['secrets']['app/db'].acceptDeadWindow = true;
    draft['secrets']['app/db'].target.accounts = ['app_a'];
    const [inPlace] = Object.values((await loadConfig(await write(draft))).secrets);

    expect(quick && policyOf(quick).graceMs).toBe(300_000);
    expect(inPlace && policyOf(inPlace).graceMs).toBe(0);
  });

  it('tells ten problems at once, unknown keys first, and counts the rest', async () => {
    const draft = good();
    draft['secrets'] = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`s${i}`, { stor: 'main' }]));

    const said = await complaint(draft);

    expect(said.lines).toHaveLength(11);
    expect(said.lines.slice(0, 10).every((line) => line.endsWith('stor: unknown key, did you mean "store"'))).toBe(true);
    // 12 misspelt stores and a missing strategy and target each; the missing `store` is not told twice.
    expect(said.lines[10]).toBe('keywheel.yaml: and 26 more');
  });

  it.each([
    ['a tab', 'version: 1\nstate:\n\tkind: sqlite\n', /^keywheel.yaml:3: not readable as YAML: /],
    ['a key twice', 'version: 1\nversion: 1\n', /^keywheel.yaml:2: not readable as YAML: the same key is written twice$/],
    ['an open quote', 'version: "1\n', /^keywheel.yaml:\d+: not readable as YAML: a character is missing/],
    [
      'an alias bomb',
      `a: &a [x]\nb: &b [${'*a,'.repeat(50)}]\nc: [${'*b,'.repeat(50)}]\n`,
      /^keywheel.yaml:1: not readable as YAML: its aliases/,
    ],
  ])('refuses YAML with %s and names the line', async (_title, text, expected) => {
    const said = await complaint(text);

    expect(said.code).toBe('ERR_CONFIG_INVALID');
    expect(said.lines[0]).toMatch(expected);
  });

  it('never repeats a value, which might be a misplaced password', async () => {
    const canary = 'hunter2-canary';
    const draft = good();
    draft['secrets']['app/db'].target.admin.password = canary;
    draft['secrets']['app/db'].strategy = canary;
    draft['secrets']['app/db'].grace = canary;
    const shaped = await complaint(draft);
    const broken = await complaint(`password: "${canary}\nother: *${canary}\n`);

    expect(shaped.lines.length).toBe(3);
    expect(JSON.stringify([shaped, broken])).not.toContain(canary);
  });

  it('says what to do when there is no file', async () => {
    const loading = loadConfig(path.join(folder, 'none.yaml'));

    await expect(loading).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: `${path.join(folder, 'none.yaml')}: there is no such file`,
      hint: 'run `keywheel init` to write one, or name another with --config FILE or KEYWHEEL_CONFIG',
    });
  });

  it('names the nearest secret', async () => {
    const config = await loadConfig(await write(good()));

    await expect(secretOf(config, 'app/bd')).rejects.toMatchObject({
      code: 'ERR_USAGE',
      message: `no secret "app/bd" in ${path.basename(config.file)}, did you mean "app/db"`,
    });
    await expect(secretOf(config, 'constructor')).rejects.toMatchObject({ code: 'ERR_USAGE' });
  });
});

describe('which file is read', () => {
  it.each([
    [{ flag: 'a.yaml', env: { KEYWHEEL_CONFIG: 'b.yaml' } }, 'a.yaml'],
    [{ env: { KEYWHEEL_CONFIG: 'b.yaml' } }, 'b.yaml'],
    [{ env: { KEYWHEEL_CONFIG: '' } }, 'keywheel.yaml'],
    [{ env: {} }, 'keywheel.yaml'],
  ])('%j', (options, expected) => {
    expect(configPath(options)).toBe(expected);
  });
});
