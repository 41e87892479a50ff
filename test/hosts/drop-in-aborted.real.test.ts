/** Secrets whose last rotation by AWS's PostgreSQL templates was aborted, or whose pending version somebody forged: nothing is lost, and each is told. */
import { PutSecretValueCommand, UpdateSecretVersionStageCommand } from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import type { SecretValue } from '../../shared/stores/index.ts';
import { CREDENTIALS } from '../contract/aws.ts';
import { rotateAsTemplate } from '../helpers/template-pair.ts';
import { describeWithPeer } from '../peers/vitest.ts';
import { dropInScene } from './drop-in-scene.ts';
import { stepEvent, STEPS } from './rotation-service.ts';

await describeWithPeer('moto', 'an aborted rotation of AWS’s PostgreSQL templates', (startMoto) => {
  const { at, current, got, invoke, labels, leftBy, login, pin, rotateOnce, untilClosed, works } = dropInScene(startMoto);

  describe('multi-user', () => {
    it('goes on with the version that an aborted rotation left, as Secrets Manager delivers it', async () => {
      const { pair, secret, service } = at();
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

      for (const step of STEPS) expect(await invoke(stepEvent(step, { token, arn: secret }))).toMatchObject({ ok: true });
      await untilClosed();

      expect(await current()).toEqual(left);
      expect([await login(before), await login(left)]).toEqual(['28P01', 'ok']);
      await works(await current());
      await rotateOnce();
    });

    it('removes what an aborted rotation left when it never reached the database, by Keywheel’s own schedule', async () => {
      const { pair, room, secret, service } = at();
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
      const { pair, room, secret, service } = at();
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
      const { pair, secret, service } = at();
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
      await invoke(stepEvent('createSecret', announced));

      const answer = await invoke(stepEvent('finishSecret', announced));

      expect(answer).toMatchObject({
        ok: false,
        errorType: 'ERR_SECRET_INVALID',
        errorMessage: expect.stringContaining('names another server than the configuration'),
      });
      expect(await current()).toEqual(before);
      expect(await login(before)).toBe('ok');
    });
  });

  describe('single-user', () => {
    it('says that current is dead where an aborted rotation killed it, and rotates once the live version is current', async () => {
      const { pair, secret, service } = at();
      await leftBy('single-user', 0);
      const token = await rotateAsTemplate(service.client, secret, pair, 'single-user', 'setSecret');
      const { VersionId } = await got('AWSCURRENT');
      await pin('single-user');
      await service.announce(secret, { immediately: false }).catch(() => undefined);
      const pending = (await got('AWSPENDING')).VersionId;
      const answer = await invoke(stepEvent('createSecret', { token: pending ?? '', arn: secret }));

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
