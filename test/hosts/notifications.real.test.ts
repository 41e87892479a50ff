/** Rotations that a store asks for: delivered twice, late, about something else. Real hosts, real SDKs, a real PostgreSQL. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RotationRecord, SecretJournal } from '../../shared/rotation/index.ts';
import { prepareRoom, type Room } from '../e2e/helpers/room.ts';
import { startPostgres, type Postgres } from '../helpers/postgres.ts';
import { startKeyVault, type KeyVault } from '../peers/azure/key-vault/server.ts';
import { startSecretManager, type SecretManagerServer } from '../peers/google/secret-manager/server.ts';
import { startAzure, startGoogle, type AzureFunctions, type CloudEventSample, type GoogleFunction } from './start.ts';

const events = path.resolve(import.meta.dirname, '../../events');
const sample = (file: string): Record<string, unknown> =>
  JSON.parse(readFileSync(path.join(events, file), 'utf8')) as Record<string, unknown>;
const MINUTE = 60_000;

let server: Postgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

async function journalOf(room: Room, secret: string): Promise<SecretJournal | undefined> {
  const state = await room.openState();
  try {
    return (await state.get<SecretJournal>(`rotation/${secret}`))?.value;
  } finally {
    await state.close();
  }
}

describe('Secret Manager asks through Pub/Sub', () => {
  const SECRET = 'gcp-db';
  let manager: SecretManagerServer;
  let room: Room;
  let rotate: GoogleFunction;
  let advance: GoogleFunction;

  beforeAll(async () => {
    manager = await startSecretManager({ now: Date.now });
    room = await prepareRoom(server, { secrets: [SECRET], put: 'not', maxCacheAge: '2s', grace: '2s' });
    await room.configure((config) => {
      config.stores = {
        main: { kind: 'gcp', project: manager.project, projectNumber: '123456789012', endpoint: manager.endpoint, readLag: '0s' },
      };
    });
    expect(await room.run(['put', SECRET, '--new'], { stdin: JSON.stringify(room.pair(SECRET).value()) })).toMatchObject({
      code: 0,
    });
    const env = { ...room.env, KEYWHEEL_CONFIG: room.file('keywheel.yaml') };
    [rotate, advance] = await Promise.all([startGoogle('rotate', { env }), startGoogle('advance', { env })]);
  });
  afterAll(async () => {
    await Promise.all([rotate.stop(), advance.stop()]);
    await room.close();
    await manager.stop();
  });

  /** The sample, as if it were sent now. */
  function asked(at: number, secret = SECRET, project = '123456789012'): CloudEventSample {
    const event = sample('gcp/rotate-secret-rotate.json') as unknown as CloudEventSample & {
      data: { message: { attributes: Record<string, string> } };
    };
    event.data.message.attributes = {
      ...event.data.message.attributes,
      secretId: `projects/${project}/secrets/${secret}`,
      timestamp: new Date(at).toISOString(),
    };
    return event;
  }
  const rotation = async (): Promise<RotationRecord | undefined> => (await journalOf(room, SECRET))?.rotation;

  it('rotates once for a message that is delivered three times, at once and again when it is over', async () => {
    const before = await room.get(SECRET);
    const event = asked(Date.now());

    const first = await Promise.all([rotate.deliver(event), rotate.deliver(event, 'structured')]);
    // Two at once: one may be told that the other is at work, and comes again.
    expect(first.map(({ status }) => status)).toContain(204);
    const begun = await rotation();
    expect(begun).toMatchObject({ reason: 'asked for by Secret Manager (message 11223344556677)' });
    expect([await room.login(SECRET, before), await room.login(SECRET, await room.get(SECRET))]).toEqual(['ok', 'ok']);
    await expect
      .poll(
        async () => {
          expect((await advance.deliver(sample('gcp/advance-scheduler.json') as unknown as CloudEventSample)).status).toBe(204);
          return (await rotation())?.phase;
        },
        { timeout: 20_000, interval: 200 },
      )
      .toBe('closed');
    const late = await rotate.deliver(event);

    expect(late.status).toBe(204);
    expect((await rotation())?.rotationId).toBe(begun?.rotationId);
    expect(await rotate.log()).toMatch(/answered it already/);
    expect([await room.login(SECRET, before), await room.login(SECRET, await room.get(SECRET))]).toEqual(['28P01', 'ok']);
  });

  it('says no to another project, and to a secret that nobody configured', async () => {
    const elsewhere = await rotate.deliver(asked(Date.now() + 60 * MINUTE, SECRET, '999999999999'));
    const unknown = await rotate.deliver(asked(Date.now() + 60 * MINUTE, 'gcp-dbs'));

    expect([elsewhere.status, unknown.status]).toEqual([500, 500]);
    const log = await rotate.log();
    expect(log).toMatch(/from another project: 999999999999 instead of 123456789012/);
    expect(log).toMatch(/is about \\"gcp-dbs\\".*did you mean \\"gcp-db\\"/);
    expect(log).not.toContain(String((await room.get(SECRET))['password']));
  });
});

describe('Key Vault asks through Event Grid', () => {
  const SECRET = 'azure-db';
  let vault: KeyVault;
  let room: Room;
  let azure: AzureFunctions | undefined;

  beforeAll(async () => {
    vault = await startKeyVault({ tls: true });
    room = await prepareRoom(server, { secrets: [SECRET], put: 'not' });
    vault.set(SECRET, JSON.stringify(room.pair(SECRET).value()));
  });
  afterAll(async () => {
    await azure?.stop();
    await room.close();
    await vault.stop();
  });

  /** A new process reads a new configuration. */
  async function deploy(schedule: object | undefined): Promise<AzureFunctions> {
    await azure?.stop();
    await room.configure((config) => {
      config.stores = { main: { kind: 'azure', vaultUrl: vault.url } };
      if (schedule !== undefined) Object.assign(config.secrets[SECRET] ?? {}, { schedule });
    });
    azure = await startAzure({ env: { ...room.env, ...vault.env, KEYWHEEL_CONFIG: room.file('keywheel.yaml') } });
    return azure;
  }
  const event = (kind: 'near-expiry' | 'expired', at: number): object => {
    const { data, ...rest } = sample(`azure/rotate-${kind}.json`);
    return {
      ...rest,
      eventTime: new Date(at).toISOString(),
      data: { ...(data as object), VaultName: 'any', ObjectName: SECRET },
    };
  };
  const current = (): Record<string, string> => JSON.parse(vault.history(SECRET).at(-1)?.value ?? '{}') as Record<string, string>;

  it('does not rotate for a near expiry that the schedule does not want', async () => {
    const app = await deploy({ every: '60d' });
    await app.trigger('advance', sample('azure/advance-timer.json'));
    const before = current();

    const answer = await app.trigger('rotate', event('near-expiry', Date.now()));

    expect(answer).toEqual({ ok: true });
    expect(current()).toEqual(before);
    expect(await app.log()).toMatch(/the schedule wants it at 20\d\d-/);
  });

  it('delivers again what could not begin: nothing is lost', async () => {
    const app = await deploy(undefined);
    const before = current();
    vault.faults.add({ kind: 'failed', times: 1000 });

    const failed = await app.trigger('rotate', event('near-expiry', Date.now()));

    vault.faults.clear();
    expect(failed).toMatchObject({
      ok: false,
      name: 'ERR_STORE_UNAVAILABLE',
      message: expect.stringMatching(/rotation of azure-db could not begin/),
    });
    expect(current()).toEqual(before);
  });

  it('rotates for a near expiry where there is no schedule, once, and for an expiry in any case', async () => {
    const app = await deploy(undefined);
    const before = current();

    const answers = [
      await app.trigger('rotate', event('near-expiry', Date.now())),
      await app.trigger('rotate', event('near-expiry', Date.now())),
    ];
    await expect
      .poll(
        async () => {
          await app.trigger('advance', sample('azure/advance-timer.json'));
          return (await journalOf(room, SECRET))?.rotation?.phase;
        },
        { timeout: 20_000, interval: 200 },
      )
      .toBe('closed');

    const once = current();
    const expired = await app.trigger('rotate', event('expired', Date.now() + 60 * MINUTE));

    expect(answers).toEqual([{ ok: true }, { ok: true }]);
    expect(once['username']).not.toBe(before['username']);
    expect(expired).toEqual({ ok: true });
    expect(current()['username']).toBe(before['username']);
    expect(await room.login(SECRET, current())).toBe('ok');
    expect(await room.login(SECRET, before)).toBe('28P01');
  });
});
