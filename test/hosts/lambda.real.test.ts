/** The Lambda handlers under AWS's own runtime client, with the samples of events/. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareRoom, type Room } from '../e2e/helpers/room.ts';
import { startPostgres, type Postgres } from '../helpers/postgres.ts';
import type { Invocation, Lambda } from '../peers/index.ts';
import { describeWithPeer } from '../peers/vitest.ts';

const root = path.resolve(import.meta.dirname, '../..');
const MODULE = path.join(root, 'functions/rotate/aws.ts');
const sample = (file: string): unknown => JSON.parse(readFileSync(path.join(root, 'events/aws', file), 'utf8'));
const value = (invocation: Invocation): unknown => (invocation.ok ? invocation.value : invocation);

await describeWithPeer('lambda', 'on AWS Lambda', (start) => {
  let server: Postgres;
  let room: Room;
  const running: Lambda[] = [];
  const lambda = async (handler: string): Promise<Lambda> => {
    const env = { ...room.env, KEYWHEEL_CONFIG: room.file('keywheel.yaml') };
    const started = await start({ module: MODULE, handler, env });
    running.push(started);
    return started;
  };

  beforeAll(async () => {
    server = await startPostgres();
    room = await prepareRoom(server, { secrets: ['app/db'], put: 'port' });
  });
  afterAll(async () => {
    await Promise.all(running.map((each) => each.stop()));
    await room.close();
    await server.stop();
  });

  describe('manual', () => {
    let manual: Lambda;
    beforeAll(async () => {
      manual = await lambda('manual');
    });

    it('refuses who is not signed by IAM, whatever headers claim', async () => {
      const anonymous = await manual.invoke(sample('manual-anonymous.json'));
      const forged = await manual.invoke(sample('manual-forged.json'));

      expect(value(anonymous)).toMatchObject({ statusCode: 401, headers: { 'www-authenticate': 'Bearer realm="keywheel"' } });
      expect(value(forged)).toMatchObject({ statusCode: 401, body: expect.stringContaining('ERR_REQUEST_UNAUTHENTICATED') });
    });

    it('rehearses for a caller whom IAM has authenticated', async () => {
      const answer = value(await manual.invoke(sample('manual-iam.json'))) as { statusCode: number; body: string };

      expect(answer.statusCode).toBe(200);
      expect(JSON.parse(answer.body)).toMatchObject({
        dryRun: true,
        exitCode: 0,
        rehearsals: [{ secret: 'app/db', status: 'closed' }],
      });
    });

    it('tells an event that is no request as an error of that name', async () => {
      const answer = await manual.invoke({ hello: 'world' });

      expect(answer).toMatchObject({
        ok: false,
        errorType: 'ERR_EVENT_INVALID',
        errorMessage: expect.stringMatching(/payload format 2\.0/),
      });
    });
  });

  describe('advance', () => {
    it('begins nothing at its first sight of a secret, and goes on with what is open until it is closed', async () => {
      const advance = await lambda('advance');
      await advance.invoke(sample('advance-rule.json'));
      expect(await rotation()).toBeUndefined();
      const begun = await room.run(['rotate', 'app/db', '--no-wait', '--json']);
      expect(begun.code).toBe(0);

      await expect
        .poll(
          async () => {
            const answer = await advance.invoke(sample('advance-scheduler.json'));
            expect(answer.ok).toBe(true);
            return (await rotation())?.phase;
          },
          { timeout: 20_000, interval: 100 },
        )
        .toBe('closed');

      expect(await room.login('app/db', await room.get('app/db'))).toBe('ok');
      const log = await advance.log();
      expect(log).toMatch(/"message":"rotation closed"/);
      expect(log).toMatch(/"RotationsClosed"/);
    });

    it('reports the one message of a batch that nobody can read, and only that', async () => {
      const advance = await lambda('advance');

      const answer = await advance.invoke(sample('advance-queue.json'));

      expect(value(answer)).toEqual({ batchItemFailures: [{ itemIdentifier: 'a1b2c3d4-0000-4000-8000-00000000beef' }] });
    });

    it('refuses records of another service', async () => {
      const advance = running.at(-1) as Lambda;

      const answer = await advance.invoke(sample('advance-s3.json'));

      expect(answer).toMatchObject({
        ok: false,
        errorType: 'ERR_EVENT_INVALID',
        errorMessage: expect.stringMatching(/no messages of a queue/),
      });
    });
  });

  it('says what is wrong with the configuration, at the first call', async () => {
    const broken = await start({ module: MODULE, handler: 'advance', env: { KEYWHEEL_CONFIG: room.file('absent.yaml') } });
    running.push(broken);

    const answer = await broken.invoke({});

    expect(answer).toMatchObject({
      ok: false,
      errorType: 'ERR_CONFIG_INVALID',
      errorMessage: expect.stringMatching(/there is no such file/),
    });
  });

  async function rotation(): Promise<{ phase: string } | undefined> {
    const state = await room.openState();
    try {
      return (await state.get<{ rotation?: { phase: string } }>('rotation/app/db'))?.value.rotation;
    } finally {
      await state.close();
    }
  }
});
