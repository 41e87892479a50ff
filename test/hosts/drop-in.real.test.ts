/**
 * Secrets as AWS's PostgreSQL rotation templates leave them, taken over and rotated: the same JSON, the same labels, the same accounts, by the real
 * runtime client over a real PostgreSQL.
 */
import path from 'node:path';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RotationRecord } from '../../shared/rotation/index.ts';
import type { SecretValue } from '../../shared/stores/index.ts';
import { startVendor, type Account, type Vendor } from '../contract/aws-vendor.ts';
import { CREDENTIALS } from '../contract/aws.ts';
import { prepareRoom, type Fields, type Room } from '../e2e/helpers/room.ts';
import { startPostgres, type Postgres } from '../helpers/postgres.ts';
import { createTemplatePair, rotateAsTemplate, type Template, type TemplatePair } from '../helpers/template-pair.ts';
import { peer, type Lambda, type Moto } from '../peers/index.ts';
import { describeWithPeer } from '../peers/vitest.ts';
import { rotateAsService, startRotationService, stepEvent, STEPS, type RotationService } from './rotation-service.ts';

const MODULE = path.resolve(import.meta.dirname, '../../functions/rotate/aws.ts');
/** RDS names the secret of its master so, and writes two fields into it. */
const MASTER = 'rds!cluster-0d9e3f7c-7a3c-4f6f-9a55-2a8a4f0c8a11';
const runtime = await peer('lambda');
let rooms = 0;

await describeWithPeer('moto', 'a secret of AWS’s PostgreSQL templates', (startMoto) => {
  let server: Postgres;
  let moto: Moto;
  let vendor: Vendor;
  beforeAll(async () => {
    [server, moto] = await Promise.all([startPostgres(), startMoto({})]);
    vendor = await startVendor(moto.endpoint);
  });
  afterAll(async () => {
    await vendor.close();
    await Promise.all([server.stop(), moto.stop()]);
  });

  let account: Account;
  let service: RotationService;
  let secret: string;
  let pair: TemplatePair;
  let room: Room;
  let rotate: Lambda;
  let advance: Lambda;
  let masterArn: string;
  let changes = 0;

  beforeEach(async () => {
    account = vendor.account();
    service = await startRotationService(account.endpoint);
    rooms += 1;
    secret = `prod/app${rooms}/db`;
    pair = await createTemplatePair(server, { name: `shop${rooms}`, clone: false });
    const master = { Name: MASTER, SecretString: JSON.stringify(pair.admin) };
    masterArn = (await service.client.send(new CreateSecretCommand(master))).ARN ?? '';
    room = await prepareRoom(server, { secrets: [secret], pairs: { [secret]: pair }, put: 'not' });
  });
  afterEach(async () => {
    await Promise.all([rotate?.stop(), advance?.stop()]);
    service.close();
    await room.close();
  });

  /** The secret as it was made, and then rotated by the template as often as `times` says. */
  async function leftBy(template: Template, times: number, fields: Fields = {}): Promise<void> {
    const value = {
      ...pair.value(),
      dbInstanceIdentifier: 'shop-1',
      ...(template === 'multi-user' ? { masterarn: masterArn } : {}),
    };
    const text = JSON.stringify({ ...value, ...fields });
    await service.client.send(new CreateSecretCommand({ Name: secret, SecretString: text }));
    for (let left = times; left > 0; left -= 1) await rotateAsTemplate(service.client, secret, pair, template);
  }

  /** keywheel.yaml pins what the secret only says, and both functions start with it. */
  async function pin(template: Template, change: (each: Fields & { target: Fields }) => void = () => undefined): Promise<void> {
    await room.configure((config) => {
      config.stores = { main: { kind: 'aws', region: 'us-east-1', endpoint: service.endpoint } };
      const each = config.secrets[secret];
      if (each === undefined) throw new Error(`no secret ${secret}`);
      // Longer than the four steps take, so that the old password is still in its grace when they are done.
      Object.assign(each, { grace: '2s', consumers: { maxCacheAge: '2s' } });
      each.target.admin = { username: pair.admin.username, secret: MASTER };
      if (template === 'single-user') {
        Object.assign(each, { strategy: 'in-place', acceptDeadWindow: true });
        delete each['grace'];
        each.target['accounts'] = [pair.base];
        delete each.target['ownerRole'];
      }
      change(each);
    });
    if (!runtime.available) throw new Error(runtime.reason);
    await Promise.all([rotate?.stop(), advance?.stop()]);
    const env = { ...room.env, ...CREDENTIALS, AWS_REGION: 'us-east-1', KEYWHEEL_CONFIG: room.file('keywheel.yaml') };
    rotate = await runtime.start({ module: MODULE, handler: 'rotate', env });
    advance = await runtime.start({ module: MODULE, handler: 'advance', env });
  }

  const got = (stage: string) => service.client.send(new GetSecretValueCommand({ SecretId: secret, VersionStage: stage }));
  const current = async (): Promise<SecretValue> => JSON.parse((await got('AWSCURRENT')).SecretString ?? '{}') as SecretValue;
  const labels = async (): Promise<string[]> => {
    const { VersionIdsToStages } = await service.client.send(new DescribeSecretCommand({ SecretId: secret }));
    return Object.values(VersionIdsToStages ?? {}).flat();
  };
  const login = (value: SecretValue): Promise<string> => room.login(secret, value);
  async function journal(): Promise<RotationRecord | undefined> {
    const state = await room.openState();
    try {
      return (await state.get<{ rotation?: RotationRecord }>(`rotation/${secret}`))?.value.rotation;
    } finally {
      await state.close();
    }
  }
  async function untilClosed(): Promise<void> {
    const tick = async (): Promise<string | undefined> => {
      await advance.invoke({});
      return (await journal())?.phase;
    };
    await expect.poll(tick, { timeout: 20_000, interval: 100 }).toBe('closed');
  }
  /** What the application does with its login: reads, writes and migrates its own table, and reads somebody else's. */
  async function works(value: SecretValue): Promise<void> {
    changes += 1;
    await pair.as(
      value,
      `SELECT count(*) FROM shop.orders; INSERT INTO shop.orders (item) VALUES ('spoke'); UPDATE shop.orders SET item = item; DELETE FROM shop.orders WHERE id < 0;
       ALTER TABLE shop.orders ADD COLUMN added_${changes} int; CREATE INDEX ON shop.orders (added_${changes}); SELECT * FROM reference.prices`,
    );
  }
  /** One rotation by the four steps, current tried after each, and by the timer up to its end. Gives what current was and is. */
  async function rotateOnce(overlaps = true): Promise<{ before: SecretValue; after: SecretValue; token: string }> {
    const before = await current();
    const tries: string[] = [];
    const invoke = async (event: unknown) => {
      const answer = await rotate.invoke(event);
      tries.push(await login(await current()));
      return answer;
    };
    const token = await rotateAsService(service, invoke, secret, 1);
    // In place there is one password: between the change and publishing, current is dead.
    expect(tries).toEqual(overlaps ? ['ok', 'ok', 'ok', 'ok'] : ['ok', '28P01', '28P01', 'ok']);
    const after = await current();
    if (overlaps) await works(before);
    await works(after);
    await untilClosed();
    expect([await login(before), await login(after)]).toEqual(['28P01', 'ok']);
    expect(await labels()).not.toContain('AWSPENDING');
    await works(after);
    return { before, after, token };
  }

  describe('multi-user', () => {
    it.each([
      ['before its first rotation', 0],
      ['with the clone as current', 1],
      ['with the base as current again', 2],
    ])('%s, it is taken over and rotated to and fro', async (_when, times) => {
      await leftBy('multi-user', times, { ssl: true });
      if (times === 0) await pair.as(pair.admin, `CREATE ROLE ${pair.clone} LOGIN IN ROLE ${pair.base}`);
      else expect(await labels()).toContain('AWSPENDING');
      const first = await current();
      await pin('multi-user');

      const users: unknown[] = [];
      for (let turn = 0; turn < 3; turn += 1) {
        const { before, after } = await rotateOnce();
        users.push(after['username']);
        expect(after).toEqual({ ...before, username: expect.any(String), password: expect.stringMatching(/^\w{40}$/) });
      }

      const [one, other] = times === 1 ? [pair.base, pair.clone] : [pair.clone, pair.base];
      expect(users).toEqual([one, other, one]);
      expect(await current()).toMatchObject({
        engine: 'postgres',
        masterarn: masterArn,
        ssl: true,
        dbInstanceIdentifier: 'shop-1',
      });
      const logs = `${await rotate.log()}${await advance.log()}`;
      for (const material of [first['password'], (await current())['password'], pair.admin.password]) {
        expect(logs).not.toContain(String(material));
      }
    });

    it('goes on with the version that an aborted rotation left, as Secrets Manager delivers it', async () => {
      await leftBy('multi-user', 1);
      const token = await rotateAsTemplate(service.client, secret, pair, 'multi-user', 'setSecret');
      const left = JSON.parse((await got('AWSPENDING')).SecretString ?? '{}') as SecretValue;
      await service.announce(secret, { immediately: false }).catch(() => undefined); // turns rotation on
      await service.client.send(
        new UpdateSecretVersionStageCommand({
          SecretId: secret,
          VersionStage: 'AWSPENDING',
          MoveToVersionId: token,
          RemoveFromVersionId: (await got('AWSPENDING')).VersionId,
        }),
      );
      const before = await current();
      await pin('multi-user');

      for (const step of STEPS) expect(await rotate.invoke(stepEvent(step, { token, arn: secret }))).toMatchObject({ ok: true });
      await untilClosed();

      expect(await current()).toEqual(left);
      expect([await login(before), await login(left)]).toEqual(['28P01', 'ok']);
      await works(await current());
      await rotateOnce();
    });

    it('removes what an aborted rotation left when it never reached the database, by Keywheel’s own schedule', async () => {
      await leftBy('multi-user', 2);
      await rotateAsTemplate(service.client, secret, pair, 'multi-user', 'createSecret');
      const left = JSON.parse((await got('AWSPENDING')).SecretString ?? '{}') as SecretValue;
      const before = await current();
      await pin('multi-user');

      const run = await room.run(['rotate', secret], { env: { ...CREDENTIALS } });

      expect({ code: run.code, stderr: run.code === 0 ? '' : run.stderr }).toEqual({ code: 0, stderr: '' });
      const after = await current();
      expect(after['username']).toBe(left['username']);
      expect([await login(before), await login(left), await login(after)]).toEqual(['28P01', '28P01', 'ok']);
      expect(await labels()).not.toContain('AWSPENDING');
    });

    it('holds, changes nothing and says so when an aborted rotation left a credential that works', async () => {
      await leftBy('multi-user', 2);
      await rotateAsTemplate(service.client, secret, pair, 'multi-user', 'setSecret');
      const left = JSON.parse((await got('AWSPENDING')).SecretString ?? '{}') as SecretValue;
      const before = await current();
      await pin('multi-user');

      const run = await room.run(['rotate', secret], { env: { ...CREDENTIALS } });

      expect(run.code).toBe(5);
      expect(run.stderr).toContain('has a pending version that this rotation did not stage, and it authenticates');
      expect(await current()).toEqual(before);
      expect([await login(before), await login(left)]).toEqual(['ok', 'ok']);
    });

    it('refuses a pending version that sends the consumers to another server', async () => {
      await leftBy('multi-user', 2);
      const announced = await service.announce(secret);
      await pin('multi-user');
      const before = await current();
      await service.client.send(
        new PutSecretValueCommand({
          SecretId: secret,
          ClientRequestToken: announced.token,
          SecretString: JSON.stringify({ ...before, username: pair.clone, password: 'forged', host: 'evil.example.com' }),
          VersionStages: ['AWSPENDING'],
        }),
      );
      await rotate.invoke(stepEvent('createSecret', announced));

      const answer = await rotate.invoke(stepEvent('finishSecret', announced));

      expect(answer).toMatchObject({
        ok: false,
        errorType: 'ERR_SECRET_INVALID',
        errorMessage: expect.stringContaining('names another server than the configuration'),
      });
      expect(await current()).toEqual(before);
      expect(await login(before)).toBe('ok');
    });

    it('does not promote the base while the clone owns what the base may not use, and goes on when it is handed over', async () => {
      await leftBy('multi-user', 1);
      const clone = await current();
      await pair.as(clone, `CREATE TABLE shop.later (id int); INSERT INTO shop.later VALUES (1)`);
      await pin('multi-user');
      const announced = await service.announce(secret);

      const answer = await rotate.invoke(stepEvent('createSecret', announced));

      expect(answer).toMatchObject({ ok: false, errorType: 'ERR_ROTATION_HELD' });
      expect(JSON.stringify(answer)).toContain(`role ${pair.clone} owns 1 objects`);
      expect(await current()).toEqual(clone);
      expect(await login(clone)).toBe('ok');
      // What the message and doctor say, by the only role of the template that may: the clone itself.
      await pair.as(clone, `REASSIGN OWNED BY ${pair.clone} TO ${pair.base}`);
      await pair.as(pair.admin, `ALTER ROLE ${pair.clone} SET role TO '${pair.base}'`);
      for (const step of STEPS) expect(await rotate.invoke(stepEvent(step, announced))).toMatchObject({ ok: true });
      await untilClosed();
      await pair.as(await current(), 'INSERT INTO shop.later VALUES (2); ALTER TABLE shop.later ADD COLUMN more int');
      const { after } = await rotateOnce();
      // Now the clone creates for the base.
      await pair.as(after, 'CREATE TABLE shop.last (id int)');
      const { after: base } = await rotateOnce();
      await pair.as(base, 'INSERT INTO shop.last VALUES (1); ALTER TABLE shop.last ADD COLUMN more int; DROP TABLE shop.last');
    });

    it('gives the secret back to the template and takes it again', async () => {
      await leftBy('multi-user', 2);
      await pin('multi-user');
      const { after: clone } = await rotateOnce();

      // Rollback: nothing in the secret or the database keeps the template from going on.
      await rotateAsTemplate(service.client, secret, pair, 'multi-user');
      const back = await current();
      expect([back['username'], await login(back), await login(clone)]).toEqual([pair.base, 'ok', 'ok']);
      const { after } = await rotateOnce();

      expect(after['username']).toBe(pair.clone);
      await rotateOnce();
    });

    it('does not follow masterarn: another one is a warning, and is never read', async () => {
      const elsewhere = `${masterArn.slice(0, masterArn.lastIndexOf('rds!'))}another-master-AbCdEf`;
      await leftBy('multi-user', 1, { masterarn: elsewhere, ssl: 'maybe' });
      await pin('multi-user');

      const doctor = await room.run(['doctor', '--json'], { env: { ...CREDENTIALS } });
      const { after } = await rotateOnce();

      const { ok, checks } = JSON.parse(doctor.stdout) as {
        ok: boolean;
        checks: { level: string; message: string; mend?: string }[];
      };
      expect(ok).toBe(true);
      expect(checks.filter(({ level }) => level !== 'ok')).toEqual([
        expect.objectContaining({
          level: 'warn',
          message: `field "masterarn" of the secret names another secret than admin.secret, ${MASTER}; it is not followed`,
        }),
        expect.objectContaining({ level: 'warn', mend: `ALTER ROLE "${pair.clone}" SET role TO '${pair.base}'` }),
      ]);
      expect(after).toMatchObject({ masterarn: elsewhere, ssl: 'maybe' });
      const asked = account.requests.map(({ body }) => String(body['SecretId']));
      expect(asked).toContain(MASTER);
      expect(asked.filter((id) => id.includes('another-master'))).toEqual([]);
    });
  });

  describe('single-user', () => {
    it('is rotated in place, and by two accounts once the clone is there', async () => {
      await leftBy('single-user', 1, { ssl: true });
      await pin('single-user');
      await rotateOnce(false);
      await rotateOnce(false);

      await pair.as(
        pair.admin,
        `CREATE ROLE ${pair.clone} LOGIN IN ROLE ${pair.base}; ALTER ROLE ${pair.clone} SET role TO '${pair.base}'`,
      );
      await pin('multi-user');
      const { after } = await rotateOnce();
      expect(after['username']).toBe(pair.clone);
      const { after: last } = await rotateOnce();
      expect(last).toMatchObject({ username: pair.base, engine: 'postgres', ssl: true, dbInstanceIdentifier: 'shop-1' });
    });

    it('says that current is dead where an aborted rotation killed it, and rotates once the live version is current', async () => {
      await leftBy('single-user', 0);
      const token = await rotateAsTemplate(service.client, secret, pair, 'single-user', 'setSecret');
      const { VersionId } = await got('AWSCURRENT');
      await pin('single-user');
      await service.announce(secret, { immediately: false }).catch(() => undefined);
      const pending = (await got('AWSPENDING')).VersionId;
      const answer = await rotate.invoke(stepEvent('createSecret', { token: pending ?? '', arn: secret }));

      expect(answer).toMatchObject({
        ok: false,
        errorType: 'ERR_ROTATION_HELD',
        errorMessage: expect.stringMatching(/current of .* does not authenticate/),
      });
      // docs/guides/from-aws-templates.md: the live password is in the version that was left.
      const stage = { SecretId: secret, VersionStage: 'AWSCURRENT', MoveToVersionId: token, RemoveFromVersionId: VersionId };
      await service.client.send(new UpdateSecretVersionStageCommand(stage));
      expect(await login(await current())).toBe('ok');
      await rotateOnce(false);
    });
  });
});
