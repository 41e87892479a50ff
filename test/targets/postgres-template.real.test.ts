/** A pair as AWS's multi-user template leaves it: what counts as had through the membership, what the target takes and refuses, and the ways in and out. */
import { describe, expect, it } from 'vitest';
import { openOver, stampOf } from './postgres-harness.ts';
import { SERVERS, statementOf, templateScene } from './postgres-template-scene.ts';

describe.each(SERVERS)('over %s', (_name, major) => {
  const { actAsBase, another, at, findings, preflight, run } = templateScene(major);

  it('only warns of what the template leaves, and the statement mends it', async () => {
    const { pair, target } = at();
    const before = await preflight();

    expect(before).toEqual([
      {
        code: 'set-role-missing',
        level: 'warning',
        message: `sessions of ${pair.clone} act as itself: what they create belongs to ${pair.clone}, and ${pair.base} may not use it after the next rotation`,
        hint: `ALTER ROLE "${pair.clone}" SET role TO '${pair.base}'`,
      },
    ]);
    await run(before[0]?.hint ?? '');
    expect(await preflight()).toEqual([]);
    expect(await preflight(true)).toEqual([]);
    expect(await target.compare(pair.clone, pair.base)).toEqual([]);
  });

  it('takes the clone’s login before and after it acts as the base, and the base’s only as itself', async () => {
    const { pair, target } = at();
    const before = await target.probe(pair.value(pair.clone), 'primary');
    await actAsBase();
    const after = await target.probe(pair.value(pair.clone), 'primary');
    await run(`ALTER ROLE ${pair.base} SET role TO 'pg_monitor'; GRANT pg_monitor TO ${pair.base}`);
    const base = await target.probe(pair.value(), 'primary');

    expect(before).toMatchObject({ outcome: 'accepted', detail: `logged in as ${pair.clone}` });
    expect(after).toMatchObject({ outcome: 'accepted', detail: `logged in as ${pair.clone}, acts as ${pair.base}` });
    expect(base).toMatchObject({ outcome: 'forbidden', detail: expect.stringContaining('acts as pg_monitor') });
  });

  it('counts what the clone has through the membership as had', async () => {
    const { pair } = at();
    const { base, clone, database } = pair;
    await run(
      `CREATE ROLE ${database}_readers; GRANT ${database}_readers TO ${base}; CREATE FUNCTION reference.f() RETURNS int LANGUAGE sql RETURN 1;
       GRANT ALL ON reference.prices TO ${base} WITH GRANT OPTION; GRANT EXECUTE ON FUNCTION reference.f TO ${base};
       GRANT UPDATE (price) ON reference.prices TO ${base}; GRANT TEMPORARY ON DATABASE ${database} TO ${base};
       ALTER DEFAULT PRIVILEGES FOR ROLE ${base} GRANT SELECT ON TABLES TO ${database}_readers;
       ALTER TABLE reference.prices ENABLE ROW LEVEL SECURITY; CREATE POLICY mine ON reference.prices TO ${base} USING (true);`,
    );
    expect(await findings()).toEqual([]);
    // The same and less, granted to the clone once more, is nothing that the base lacks.
    await run(
      `GRANT SELECT ON reference.prices TO ${clone}; GRANT ${database}_readers TO ${clone}; GRANT EXECUTE ON FUNCTION reference.f TO ${clone};
       GRANT SELECT ON shop.orders TO ${clone} WITH GRANT OPTION;`,
    );
    expect(await findings()).toEqual([]);
    expect(await findings(true)).toEqual([]);
  });

  it('is not alarmed by what makes the clone’s objects usable to the base', async () => {
    const { pair } = at();
    await run(`ALTER DEFAULT PRIVILEGES FOR ROLE ${pair.clone} GRANT ALL ON TABLES TO ${pair.base}`);
    await pair.as(pair.value(pair.clone), 'CREATE TABLE shop.later (id int)');

    const found = await findings(true);

    expect(found).toEqual([expect.objectContaining({ code: 'owns-objects', level: 'warning' })]);
  });

  it('sees what default privileges of the clone would give to others, while the clone acts as itself', async () => {
    const { pair } = at();
    await run(`ALTER DEFAULT PRIVILEGES FOR ROLE ${pair.clone} GRANT SELECT ON TABLES TO pg_monitor`);
    const asItself = await findings();
    await actAsBase();

    expect(asItself.map((finding) => finding.message)).toEqual([
      `${pair.base} lacks default privilege SELECT on tables made by itself for pg_monitor, which ${pair.clone} has`,
    ]);
    expect(await findings()).toEqual([]);
  });

  it('sees a user mapping of the base, which the clone has only while it acts as the base', async () => {
    const { pair } = at();
    await run(
      `CREATE FOREIGN DATA WRAPPER ${pair.database}_w; CREATE SERVER far FOREIGN DATA WRAPPER ${pair.database}_w; CREATE USER MAPPING FOR ${pair.base} SERVER far`,
    );
    const asItself = await findings();
    await actAsBase();

    expect(asItself.map((finding) => finding.message)).toEqual([
      `${pair.clone} lacks a user mapping for server far, which ${pair.base} has`,
    ]);
    expect(await findings()).toEqual([]);
  });

  it('stops before the base is next where the clone owns things in a database that it does not see', async () => {
    const { pair, server } = at();
    await server.query(`CREATE DATABASE ${pair.database}_other OWNER ${pair.clone}`);
    await server.query('CREATE TABLE mine (); ALTER TABLE mine OWNER TO ' + pair.clone, `${pair.database}_other`);

    const found = await findings(true);

    expect(found.map(({ level, message }) => [level, message])).toContainEqual([
      'error',
      `role ${pair.clone} owns 1 objects in database ${pair.database}_other: whether ${pair.base} may use them cannot be seen from here, and the application would be ${pair.base} next`,
    ]);
  });

  it('the clone itself may hand its objects over, where nobody is superuser', async () => {
    const { pair } = at();
    await pair.as(pair.value(pair.clone), 'CREATE TABLE shop.later (id int)');
    await actAsBase();
    const [finding] = await findings(true);

    await pair.as(pair.value(pair.clone), `SET ROLE NONE; ${statementOf(finding)}`);

    expect(await preflight(true)).toEqual([]);
  });

  it('makes a clone that is missing, and it rotates: the way from one account to two', async () => {
    const alone = await another({ clone: false });
    const other = openOver(alone.config(), alone.admin.password);
    const found = await other.preflight(alone.base, alone.clone, stampOf());
    expect(found).toEqual([
      {
        code: 'account-missing',
        level: 'error',
        message: `role ${alone.clone} does not exist`,
        hint: `CREATE ROLE "${alone.clone}" LOGIN IN ROLE "${alone.base}"; ALTER ROLE "${alone.clone}" SET role TO '${alone.base}'`,
      },
    ]);
    // By the master, who gets ADMIN OPTION on what it makes.
    await alone.as(alone.admin, found[0]?.hint ?? '');
    const after = await other.preflight(alone.base, alone.clone, stampOf());
    await other.close();
    expect(after).toEqual([]);
  });

  it('takes a real account whose name ends in _clone for what the configuration says', async () => {
    const named = await another({ base: '_clone' });
    const other = openOver(named.config(), named.admin.password);
    const next = other.compose(named.clone, named.value(), (length) => crypto.getRandomValues(new Uint8Array(length)));
    await other.apply(named.clone, next, stampOf());

    expect([named.base, named.clone]).toEqual([`${named.database}_clone`, `${named.database}_clone_clone`]);
    expect(next['username']).toBe(named.clone);
    expect(await other.probe(next, 'primary')).toMatchObject({ outcome: 'accepted' });
    expect(await other.probe(named.value(), 'primary')).toMatchObject({ outcome: 'accepted' });
    // The template would have taken this for the clone of another account and set that one's password.
    expect(() => other.slotOf({ ...named.value(), username: named.database })).toThrow(
      expect.objectContaining({ code: 'ERR_SECRET_INVALID', message: expect.stringContaining('not pinned') }),
    );
    await other.close();
  });

  it('ends a password that the template set on an account after we had retired it', async () => {
    const { pair, target } = at();
    const old = { slot: pair.base, key: 'adopted' };
    await target.retire(old, stampOf(1, 'r1'), 'accepted');
    expect(await target.probe(pair.value(), 'primary')).toMatchObject({ outcome: 'refused' });
    await run(`ALTER USER ${pair.base} WITH PASSWORD 'set by the template'`);
    const value = { ...pair.value(), password: 'set by the template' };

    // Not seen to be accepted, it may be anybody's.
    await target.retire(old, stampOf(2, 'r2'), 'refused');
    expect(await target.probe(value, 'primary')).toMatchObject({ outcome: 'accepted' });
    await target.retire(old, stampOf(3, 'r2'), 'accepted');
    expect(await target.probe(value, 'primary')).toMatchObject({ outcome: 'refused' });
  });

  it('refuses a pending value of another tool that names another server', async () => {
    const { pair, target } = at();
    const forged = { ...pair.value(pair.clone), host: 'evil.example.com' };

    await expect(target.apply(pair.clone, forged, stampOf())).rejects.toMatchObject({
      code: 'ERR_SECRET_INVALID',
      message: 'field "host" of the secret names another server than the configuration',
    });
    expect(await target.probe(pair.value(pair.clone), 'primary')).toMatchObject({ outcome: 'accepted' });
  });
});
