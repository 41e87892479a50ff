/** The handlers under Google's functions framework and Microsoft's functions library, with the samples of events/. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareRoom, type Room } from '../e2e/helpers/room.ts';
import { startIssuer, type Issuer } from '../helpers/issuer.ts';
import { startPostgres, type Postgres } from '../helpers/postgres.ts';
import { startAzure, startGoogle, type AzureFunctions, type CloudEventSample, type GoogleFunction } from './start.ts';

const events = path.resolve(import.meta.dirname, '../../events');
const sample = (file: string): unknown => JSON.parse(readFileSync(path.join(events, file), 'utf8'));
const cloudEvent = (file: string): CloudEventSample => sample(`gcp/${file}`) as CloudEventSample;

let server: Postgres;
let room: Room;
let issuer: Issuer;
let env: Record<string, string>;

beforeAll(async () => {
  [server, issuer] = await Promise.all([startPostgres(), startIssuer()]);
  room = await prepareRoom(server, { secrets: ['app/db', 'app/api'], put: 'port' });
  await room.configure((config) => {
    config['manual'] = issuer.manual;
  });
  env = { ...room.env, KEYWHEEL_CONFIG: room.file('keywheel.yaml') };
});
afterAll(async () => {
  await room.close();
  issuer.close();
  await server.stop();
});

async function phaseOf(secret: string): Promise<string | undefined> {
  const state = await room.openState();
  try {
    return (await state.get<{ rotation?: { phase: string } }>(`rotation/${secret}`))?.value.rotation?.phase;
  } finally {
    await state.close();
  }
}

describe('on Google Cloud', () => {
  const running: GoogleFunction[] = [];
  const google = async (target: 'rotate' | 'advance' | 'manual'): Promise<GoogleFunction> => {
    const started = await startGoogle(target, { env });
    running.push(started);
    return started;
  };
  afterAll(() => Promise.all(running.map((each) => each.stop())));

  it('advances what is open, by the scheduler’s message in both modes', async () => {
    const advance = await google('advance');
    await advance.deliver(cloudEvent('advance-scheduler.json'), 'structured');
    expect((await room.run(['rotate', 'app/db', '--no-wait'])).code).toBe(0);

    await expect
      .poll(
        async () => {
          expect((await advance.deliver(cloudEvent('advance-scheduler.json'))).status).toBe(204);
          return phaseOf('app/db');
        },
        { timeout: 20_000, interval: 100 },
      )
      .toBe('closed');

    const lines = (await advance.log()).split('\n').filter((line) => line.startsWith('{'));
    expect(lines.map((line) => (JSON.parse(line) as { message: string }).message)).toContain('rotation closed');
  });

  it('ignores other events of the topic, and says no to what is not for it', async () => {
    const rotate = await google('rotate');

    const ignored = await rotate.deliver(cloudEvent('rotate-version-add.json'));
    const storage = await rotate.deliver(cloudEvent('rotate-storage.json'), 'structured');
    const elsewhere = await rotate.deliver(cloudEvent('rotate-other-project.json'));
    const malformed = await rotate.deliver(cloudEvent('rotate-malformed.json'));

    expect([ignored.status, storage.status, elsewhere.status, malformed.status]).toEqual([204, 204, 500, 500]);
    expect(await rotate.log()).toMatch(/"reason":"SECRET_VERSION_ADD"/);
    expect(await rotate.log()).toMatch(/ERR_EVENT_INVALID/);
  });

  it('answers by HTTP for a pinned subject only', async () => {
    const { url } = await google('manual');
    const ask = async (headers: Record<string, string>): Promise<{ status: number; json: unknown }> => {
      const body = JSON.stringify({ names: ['app/db'], dryRun: true });
      const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });
      return { status: response.status, json: await response.json() };
    };

    const nobody = await ask({ 'x-forwarded-host': 'internal', 'x-goog-authenticated-user-email': 'person@example.com' });
    const somebody = await ask({ authorization: `Bearer ${await issuer.token()}` });

    expect(nobody).toMatchObject({ status: 401, json: { error: { code: 'ERR_REQUEST_UNAUTHENTICATED' } } });
    expect(somebody).toMatchObject({ status: 200, json: { dryRun: true, rehearsals: [{ secret: 'app/db' }] } });
  });
});

describe('on Azure', () => {
  let azure: AzureFunctions;
  beforeAll(async () => {
    azure = await startAzure({ env });
  });
  afterAll(() => azure.stop());

  it('registers an Event Grid trigger, a timer and an HTTP trigger', async () => {
    const bindings = (await azure.registered()).map(({ name, bindings: given }) => [
      name,
      Object.values(given).map(({ type }) => type),
    ]);

    expect(bindings).toEqual([
      ['rotate', ['eventGridTrigger']],
      ['advance', ['timerTrigger']],
      ['manual', ['httpTrigger', 'http']],
    ]);
  });

  it('advances what is open, by the timer', async () => {
    await azure.trigger('advance', sample('azure/advance-timer.json'));
    expect((await room.run(['rotate', 'app/api', '--no-wait'])).code).toBe(0);

    await expect
      .poll(
        async () => {
          expect(await azure.trigger('advance', sample('azure/advance-timer.json'))).toMatchObject({ ok: true });
          return phaseOf('app/api');
        },
        { timeout: 20_000, interval: 100 },
      )
      .toBe('closed');
  });

  it('ignores other events, and says no to what is not for it', async () => {
    const ignored = await azure.trigger('rotate', sample('azure/rotate-new-version.json'));
    const malformed = await azure.trigger('rotate', sample('azure/rotate-malformed.json'));

    expect(ignored).toEqual({ ok: true });
    expect(malformed).toMatchObject({
      ok: false,
      name: 'ERR_EVENT_INVALID',
      message: expect.stringMatching(/names no vault/),
      cause: null,
    });
  });

  it('answers by HTTP for a pinned subject only', async () => {
    const body = JSON.stringify({ names: ['app/api'], dryRun: true });
    const headers = { 'content-type': 'application/json' };

    const nobody = await azure.request('manual', {
      method: 'POST',
      headers: { ...headers, 'x-ms-client-principal-name': 'person@example.com' },
      body,
    });
    const somebody = await azure.request('manual', {
      method: 'POST',
      headers: { ...headers, authorization: `Bearer ${await issuer.token()}` },
      body,
    });

    expect(nobody.http).toMatchObject({ status: 401, body: expect.stringContaining('ERR_REQUEST_UNAUTHENTICATED') });
    expect(somebody.http).toMatchObject({ status: 200, body: expect.stringContaining('"dryRun":true') });
  });
});
