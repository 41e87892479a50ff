/** What the effects leave on a real server: verifiers, marks, fences, sessions; under races, crashes and other people's hands. */
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from 'vitest';
import type { Call, Gate } from '../../shared/deps.ts';
import type { SecretValue } from '../../shared/stores/index.ts';
import { leakForms, realRandom } from '../contract/harness.ts';
import { createAccountPair, type AccountPair } from '../helpers/account-pair.ts';
import { startPostgres, until, type Postgres } from '../helpers/postgres.ts';
import { consumerOf, nextName, openOver, stampOf } from './postgres-harness.ts';

let server: Postgres;
let pair: AccountPair;
let a: string;
let b: string;
let target: ReturnType<typeof openOver>;
const opened: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  server = await startPostgres({
    settings: { log_statement: 'all', log_min_duration_statement: '0', log_parameter_max_length: '-1', scram_iterations: '5000' },
  });
});
afterAll(() => server?.stop());
beforeEach(async () => {
  pair = await createAccountPair(server, { name: nextName() });
  [a, b] = pair.accounts;
  target = open();
});
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

function open(gate?: Gate, changes = {}): ReturnType<typeof openOver> {
  const made = openOver(pair.config(changes), pair.admin.password, gate);
  opened.push(made);
  return made;
}
async function consumer(value: SecretValue) {
  const made = await consumerOf(server, pair, value);
  opened.push(made);
  return made;
}
const next = (): SecretValue => target.compose(b, pair.value(), (length) => realRandom.bytes(length));
const outcome = async (value: SecretValue): Promise<string> => (await target.probe(value, 'primary')).outcome;
const verifierOf = async (role: string): Promise<string> =>
  (await server.query<{ v: string }>(`SELECT rolpassword AS v FROM pg_authid WHERE rolname = '${role}'`))[0]?.v ?? '';
const commentOf = async (role: string): Promise<string | null> =>
  (
    await server.query<{ c: string | null }>(
      `SELECT shobj_description(oid, 'pg_authid') AS c FROM pg_roles WHERE rolname = '${role}'`,
    )
  )[0]?.c ?? null;

describe('apply', () => {
  it('sets the same verifier each time, with the server’s own iteration count', async () => {
    const value = next();
    await target.apply(b, value, stampOf());
    const first = await verifierOf(b);
    await target.apply(b, value, stampOf(2));
    expect(await verifierOf(b)).toBe(first);
    expect(first).toMatch(/^SCRAM-SHA-256\$5000:/);
    expect(await outcome(value)).toBe('accepted');
  });

  it('marks the role and keeps what people wrote', async () => {
    await server.query(`COMMENT ON ROLE ${b} IS 'it''s \\ the [second] login'`);
    await target.apply(b, next(), stampOf(12, 'rot-1', { secret: 'prod/db] fence=99', installation: 'a b' }));
    expect(await commentOf(b)).toBe(
      "it's \\ the [second] login [keywheel installation=a%20b secret=prod/db%5D%20fence%3D99 credential=rot-1 fence=12]",
    );
    expect(await commentOf(a)).toBe("Billing's login");
  });

  it('refuses a value of another account, and one that is not ASCII, before it connects', async () => {
    const broken = openOver(pair.config({ port: 1 }), '');
    await expect(broken.apply(b, pair.value(a), stampOf())).rejects.toMatchObject({
      code: 'ERR_SECRET_INVALID',
      message: expect.stringContaining('username'),
    });
    await expect(target.apply(b, { ...next(), password: 'pässword' }, stampOf())).rejects.toMatchObject({
      code: 'ERR_SECRET_INVALID',
      message: expect.stringContaining('ASCII'),
    });
    expect(await commentOf(b)).toBeNull();
  });

  it('says how a role that is missing is made', async () => {
    await server.query(`DROP ROLE ${b}`);
    await expect(target.apply(b, next(), stampOf())).rejects.toMatchObject({
      code: 'ERR_TARGET_MISMATCH',
      message: expect.stringContaining(b),
    });
  });

  it('does not act on a mark that it cannot read', async () => {
    await server.query(`COMMENT ON ROLE ${b} IS 'x [keywheel installation=here fence=]'`);
    const before = await verifierOf(b);
    await expect(target.apply(b, next(), stampOf())).rejects.toMatchObject({
      code: 'ERR_TARGET_MISMATCH',
      message: expect.stringContaining('cannot be read'),
    });
    expect(await verifierOf(b)).toBe(before);
  });

  it('says who owns an account of the pair, and how to take it over, which then works', async () => {
    await target.apply(a, pair.value(a), stampOf(40, 'r0', { installation: 'old-home' }));
    const failing = target.apply(b, next(), stampOf(1));
    const error = await failing.catch((caught: unknown) => caught as { code: string; message: string; hint: string });
    expect(error).toMatchObject({ code: 'ERR_TARGET_OWNED', message: expect.stringContaining('"old-home"') });
    const sql = (error as { hint: string }).hint.split('remove its mark: ')[1] ?? '';
    await server.query(sql);
    await target.apply(b, next(), stampOf(1));
    expect(await commentOf(a)).toBe("Billing's login");
  });

  it('judges the fence over both accounts: an effect on one is stale when a later worker acted on the other', async () => {
    await target.apply(a, pair.value(a), stampOf(9, 'r2'));
    const before = await verifierOf(b);
    await expect(target.apply(b, next(), stampOf(8))).rejects.toMatchObject({
      code: 'ERR_FENCE_STALE',
      message: expect.stringContaining('9'),
    });
    expect(await verifierOf(b)).toBe(before);
  });

  it.each(['read committed', 'serializable'])(
    'leaves the later worker’s material whatever the order in which two arrive (%s)',
    async (isolation) => {
      await server.query(`ALTER ROLE ${pair.admin.username} SET default_transaction_isolation TO '${isolation}'`);
      for (let round = 1; round <= 8; round += 1) {
        const [early, late] = [open(), open()];
        const [old, fresh] = [next(), next()];
        const results = await Promise.allSettled([
          early.apply(b, old, stampOf(round * 2, `old-${round}`)),
          late.apply(b, fresh, stampOf(round * 2 + 1, `new-${round}`)),
        ]);
        expect(results[1]).toMatchObject({ status: 'fulfilled' });
        if (results[0]?.status === 'rejected') expect(results[0].reason).toMatchObject({ code: 'ERR_FENCE_STALE' });
        expect(await outcome(fresh)).toBe('accepted');
        expect(await commentOf(b)).toContain(`credential=new-${round} fence=${round * 2 + 1}]`);
      }
    },
  );

  it('decides again when the comment changes between reading and acting', async () => {
    const told: string[] = [];
    const racing: Gate = {
      rehearsing: false,
      async run(call, perform) {
        if (call.kind === 'effect') {
          told.push(call.text);
          if (told.length === 1) await server.query(`COMMENT ON ROLE ${b} IS 'written just now'`);
        }
        return perform();
      },
    };
    const value = next();
    await open(racing).apply(b, value, stampOf());
    expect(told).toHaveLength(2);
    expect(told[1]).toContain("IS 'written just now [keywheel");
    expect(await commentOf(b)).toMatch(/^written just now \[keywheel/);
    expect(await outcome(value)).toBe('accepted');
  });

  it.each(['before', 'after'] as const)('survives a crash %s the effect', async (moment) => {
    const crashing: Gate = {
      rehearsing: false,
      async run(call, perform) {
        if (call.kind !== 'effect') return perform();
        if (moment === 'after') await perform();
        throw new Error('crash');
      },
    };
    const value = next();
    await expect(open(crashing).apply(b, value, stampOf())).rejects.toThrow('crash');
    expect(await outcome(value)).toBe(moment === 'after' ? 'accepted' : 'refused');
    await target.apply(b, value, stampOf(2));
    expect(await outcome(value)).toBe('accepted');
  });
});

describe('retire', () => {
  it('leaves a verifier that nobody can know and a mark that says so, and ends sessions', async () => {
    const session = await consumer(pair.value(a));
    const before = await verifierOf(a);
    await target.retire({ slot: a, key: 'adopted' }, stampOf(3), 'accepted');
    expect(await session.alive()).toBe(false);
    expect(await target.probe(pair.value(a), 'primary')).toMatchObject({
      outcome: 'refused',
      detail: expect.stringContaining('28P01'),
    });
    expect(await verifierOf(a)).toMatch(/^SCRAM-SHA-256\$5000:[A-Za-z0-9+/]{22}==\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$/);
    expect(await verifierOf(a)).not.toBe(before);
    expect(await commentOf(a)).toBe(
      "Billing's login [keywheel installation=here secret=app/db credential=none retired=adopted fence=3]",
    );
  });

  it('keeps a password that a person set in between, and their sessions', async () => {
    await target.apply(b, next(), stampOf());
    const byHand = { ...pair.value(b), password: 'set-by-a-person' };
    await server.query(`ALTER ROLE ${b} PASSWORD 'set-by-a-person'`);
    const session = await consumer(byHand);
    await target.retire({ slot: b, key: 'r1' }, stampOf(2), 'refused');
    expect(await outcome(byHand)).toBe('accepted');
    expect(await session.alive()).toBe(true);
  });

  it('refuses an account whose mark a person removed, unless the credential was found in place', async () => {
    const value = next();
    await target.apply(b, value, stampOf());
    await server.query(`COMMENT ON ROLE ${b} IS NULL`);
    await expect(target.retire({ slot: b, key: 'r1' }, stampOf(2), 'accepted')).rejects.toMatchObject({
      code: 'ERR_TARGET_MISMATCH',
      message: expect.stringContaining('carries no mark'),
    });
    expect(await outcome(value)).toBe('accepted');
  });

  it('refuses a slot that is not pinned', async () => {
    const failing = target.retire({ slot: 'postgres', key: 'adopted' }, stampOf(), 'accepted');
    await expect(failing).rejects.toMatchObject({ code: 'ERR_TARGET_MISMATCH', message: expect.stringContaining('postgres') });
  });

  it('says so when it may not end the sessions that are left, and finishes when they are gone', async () => {
    await server.query(`REVOKE pg_signal_backend FROM ${pair.admin.username}`);
    const session = await consumer(pair.value(a));
    await expect(target.retire({ slot: a, key: 'adopted' }, stampOf(), 'accepted')).rejects.toMatchObject({
      code: 'ERR_TARGET_FORBIDDEN',
      message: expect.stringContaining('still open'),
      hint: expect.stringContaining('GRANT pg_signal_backend'),
    });
    expect(await outcome(pair.value(a))).toBe('refused');
    await session.close();
    await until('the session is gone', async () => ((await target.lastUsed(a)).sessions === 0 ? true : undefined));
    await target.retire({ slot: a, key: 'adopted' }, stampOf(), 'refused');
  });
});

describe('evidence', () => {
  it('tells an idle session from one that is active or in a transaction', async () => {
    const session = await consumer(pair.value(a));
    const idle = await target.lastUsed(a);
    expect(idle).toMatchObject({ source: 'pg_stat_activity', slot: a, sessions: 1 });
    expect(idle.lastUsedAt).toBeLessThan(idle.at + 1);
    await session.client.query('BEGIN');
    const open = await target.lastUsed(a);
    expect(open.lastUsedAt).toBe(open.at);
    await session.client.query('COMMIT');
    const sleeping = session.client.query('SELECT pg_sleep(1)');
    const busy = await until('the statement runs', async () => {
      const reading = await target.lastUsed(a);
      return reading.lastUsedAt === reading.at ? reading : undefined;
    });
    expect(busy.lastLoginAt).toBeLessThan(busy.at);
    await sleeping;
  });

  it('counts a session that calls itself keywheel', async () => {
    const session = await consumer(pair.value(a));
    await session.client.query(`SET application_name = 'keywheel probe'`);
    expect(await target.lastUsed(a)).toMatchObject({ sessions: 1 });
  });

  it('counts what it cannot know as use', async () => {
    await server.query(`ALTER ROLE ${a} SET track_activities TO off`);
    await consumer(pair.value(a));
    const reading = await target.lastUsed(a);
    expect(reading.lastUsedAt).toBe(reading.at);
  });

  it('says which grant is missing when sessions are hidden from it', async () => {
    await server.query(`REVOKE pg_read_all_stats FROM ${pair.admin.username}`);
    await consumer(pair.value(a));
    await expect(target.lastUsed(a)).rejects.toMatchObject({
      code: 'ERR_TARGET_FORBIDDEN',
      message: expect.stringContaining(a),
      hint: `run as a superuser: GRANT pg_read_all_stats TO "${pair.admin.username}"`,
    });
  });
});

describe('the pair', () => {
  it('creates objects that belong to the owner role, so that either account may change what the other made', async () => {
    const [one, two] = [await consumer(pair.value(a)), await consumer(pair.value(b))];
    const table = `${pair.database}.made`;
    await one.client.query(`CREATE TABLE ${table} (id int)`);
    await one.client.query('DISCARD ALL'); // what poolers do between clients
    await one.client.query(`CREATE TABLE ${table}2 (id int)`);
    await two.client.query(`ALTER TABLE ${table} ADD note text; DROP TABLE ${table}2; CREATE TABLE ${table}3 (id int)`);
    const owners = await server.query(
      `SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = '${pair.database}'`,
      pair.database,
    );
    expect(owners).toEqual([{ tableowner: pair.ownerRole }]);
  });

  it('is rotated there and back by an admin that is no superuser', async () => {
    const [{ super: superuser } = {}] = await server.query(
      `SELECT rolsuper AS super FROM pg_roles WHERE rolname = '${pair.admin.username}'`,
    );
    expect(superuser).toBe(false);
    let current = pair.value(a);
    let key = 'adopted';
    for (const [index, [from, to]] of [[a, b] as const, [b, a] as const, [a, b] as const].entries()) {
      const stamp = stampOf(index + 1, `rot-${index}`);
      expect(await target.preflight(from, to, stamp)).toEqual([]);
      const value = target.compose(to, current, (length) => realRandom.bytes(length));
      await target.apply(to, value, stamp);
      expect(await outcome(value)).toBe('accepted');
      expect(await outcome(current)).toBe('accepted');
      await target.fence(stamp);
      await target.retire({ slot: from, key }, stamp, 'accepted');
      expect(await outcome(current)).toBe('refused');
      [current, key] = [value, stamp.rotationId];
    }
    expect(await outcome(current)).toBe('accepted');
  });
});

it('never shows a password to the server, its log, its activity view, or what is told', async () => {
  const calls: Call[] = [];
  const told = open({ rehearsing: false, run: (call, perform) => (calls.push(call), perform()) });
  const value = next();
  await told.preflight(a, b, stampOf());
  await told.apply(b, value, stampOf());
  expect(await told.probe(value, 'primary')).toMatchObject({ outcome: 'accepted' });
  expect(await told.probe({ ...value, password: `${String(value['password'])}x` }, 'primary')).toMatchObject({
    outcome: 'refused',
  });
  const activity = await server.query(`SELECT query FROM pg_stat_activity WHERE usename = '${pair.admin.username}'`);
  expect(activity).not.toEqual([]);
  await told.retire({ slot: b, key: 'r1' }, stampOf(), 'accepted');
  const log = server.log();
  expect(log).toContain(`ALTER ROLE "${b}" PASSWORD 'SCRAM-SHA-256$5000:`);
  expect(log).toContain('SELECT session_user');
  const heard = `${log}\n${JSON.stringify(activity)}\n${JSON.stringify(calls)}`;
  for (const form of leakForms(String(value['password']))) expect(heard).not.toContain(form);
  for (const form of leakForms(pair.admin.password)) expect(heard).not.toContain(form);
  expect(JSON.stringify(calls)).not.toContain('SCRAM-SHA-256$');
  expect(calls.filter((call) => call.kind === 'effect').map((call) => call.text)).toContainEqual(
    expect.stringMatching(
      new RegExp(
        `^BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL lock_timeout = 2500; SET LOCAL statement_timeout = 5000; SELECT pg_advisory_xact_lock\\(-?\\d+\\), pg_advisory_xact_lock\\(-?\\d+\\); ` +
          `SELECT rolname, .*; ALTER ROLE "${b}" PASSWORD '<verifier>'; COMMENT ON ROLE "${b}" IS '\\[keywheel installation=here secret=app/db credential=r1 fence=<fence>\\]'; COMMIT$`,
      ),
    ),
  );
  expect(calls).toContainEqual({
    port: 'target',
    kind: 'login',
    text: `login as ${b} at primary 127.0.0.1:${server.port}/${pair.database}`,
  });
});

it('sends exactly the statements that it tells', async () => {
  const calls: Call[] = [];
  const told = open({ rehearsing: false, run: (call, perform) => (calls.push(call), perform()) });
  const before = server.log().length;
  await told.apply(b, next(), stampOf(7));
  const log = server.log().slice(before);
  const sent = [...log.matchAll(/LOG: {2}(?:statement|execute <unnamed>): (.*)$/gm)].map((match) => match[1] ?? '');
  const masked = sent.map((sql) => sql.replace(/'SCRAM-SHA-256\$[^']*'/, "'<verifier>'").replace('fence=7]', 'fence=<fence>]'));
  const effect = calls.find((call) => call.kind === 'effect')?.text ?? '';
  expect(masked.slice(masked.findIndex((sql) => sql.startsWith('BEGIN'))).join('; ')).toBe(effect);
});
