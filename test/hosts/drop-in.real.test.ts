/**
 * Secrets as AWS's PostgreSQL rotation templates leave them, taken over and rotated: the same JSON, the same labels, the same accounts, by the real
 * runtime client over a real PostgreSQL.
 */
import { describe, expect, it } from 'vitest';
import { CREDENTIALS } from '../contract/aws.ts';
import { rotateAsTemplate } from '../helpers/template-pair.ts';
import { describeWithPeer } from '../peers/vitest.ts';
import { dropInScene, MASTER } from './drop-in-scene.ts';
import { stepEvent, STEPS } from './rotation-service.ts';

await describeWithPeer('moto', 'a secret of AWS’s PostgreSQL templates', (startMoto) => {
  const { at, current, invoke, labels, leftBy, login, logs, pin, rotateOnce, untilClosed } = dropInScene(startMoto);

  describe('multi-user', () => {
    it.each([
      ['before its first rotation', 0],
      ['with the clone as current', 1],
      ['with the base as current again', 2],
    ])('%s, it is taken over and rotated to and fro', async (_when, times) => {
      const { masterArn, pair } = at();
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
      const said = await logs();
      for (const material of [first['password'], (await current())['password'], pair.admin.password]) {
        expect(said).not.toContain(String(material));
      }
    });

    it('does not promote the base while the clone owns what the base may not use, and goes on when it is handed over', async () => {
      const { pair, secret, service } = at();
      await leftBy('multi-user', 1);
      const clone = await current();
      await pair.as(clone, `CREATE TABLE shop.later (id int); INSERT INTO shop.later VALUES (1)`);
      await pin('multi-user');
      const announced = await service.announce(secret);

      const answer = await invoke(stepEvent('createSecret', announced));

      expect(answer).toMatchObject({ ok: false, errorType: 'ERR_ROTATION_HELD' });
      expect(JSON.stringify(answer)).toContain(`role ${pair.clone} owns 1 objects`);
      expect(await current()).toEqual(clone);
      expect(await login(clone)).toBe('ok');
      // What the message and doctor say, by the only role of the template that may: the clone itself.
      await pair.as(clone, `REASSIGN OWNED BY ${pair.clone} TO ${pair.base}`);
      await pair.as(pair.admin, `ALTER ROLE ${pair.clone} SET role TO '${pair.base}'`);
      for (const step of STEPS) expect(await invoke(stepEvent(step, announced))).toMatchObject({ ok: true });
      await untilClosed();
      await pair.as(await current(), 'INSERT INTO shop.later VALUES (2); ALTER TABLE shop.later ADD COLUMN more int');
      const { after } = await rotateOnce();
      // Now the clone creates for the base.
      await pair.as(after, 'CREATE TABLE shop.last (id int)');
      const { after: base } = await rotateOnce();
      await pair.as(base, 'INSERT INTO shop.last VALUES (1); ALTER TABLE shop.last ADD COLUMN more int; DROP TABLE shop.last');
    });

    it('gives the secret back to the template and takes it again', async () => {
      const { pair, secret, service } = at();
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
      const { account, masterArn, pair, room } = at();
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
      const { pair } = at();
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
  });
});
