/** What the Firestore state does when the service fails, and when others are quicker. The contract is in test/contract/firestore.real.test.ts. */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openFirestoreState } from '../../shared/state/firestore.ts';
import type { FirestoreOptions } from '../../shared/state/firestore/client.ts';
import { openState } from '../../shared/state/index.ts';
import type { State } from '../../shared/state/index.ts';
import { all, manualClock, realRandom } from '../contract/harness.ts';
import type { ManualClock } from '../contract/harness.ts';
import { startFirestoreServer } from '../peers/google/firestore/index.ts';
import type { FirestoreServer } from '../peers/google/firestore/index.ts';
import type { Fault } from '../peers/google/firestore/faults.ts';

const MATERIAL = 'hunter2-material';

let server: FirestoreServer;
let clock: ManualClock;
let state: State;
let turn = 0;
let opened: State[];
const text = (part: string): string => expect.stringContaining(part) as string;
const config = () => ({ kind: 'firestore', project: `p${turn}`, database: '(default)', collection: 'keywheel' }) as const;
const collection = () => `projects/p${turn}/databases/(default)/documents/keywheel`;
const commits = () => server.calls.filter(({ method }) => method === 'Commit').length;

async function open(options: FirestoreOptions = {}): Promise<State> {
  const made = await openFirestoreState(config(), { clock, random: realRandom }, { host: server.host, ...options });
  opened.push(made);
  return made;
}

/** What it fails with. Whatever was injected is in no text of it. */
async function failure(attempt: Promise<unknown>): Promise<unknown> {
  const error = await attempt.then(
    () => 'it went well',
    (reason: unknown) => reason,
  );
  if (error instanceof Error) {
    const seen = [error.message, error.stack, JSON.stringify(error), String(error.cause)].join('\n');
    expect(seen).not.toContain(MATERIAL);
  }
  return error;
}

beforeAll(async () => {
  server = await startFirestoreServer();
});
beforeEach(async () => {
  turn += 1;
  opened = [];
  clock = manualClock();
  state = await open();
});
afterEach(async () => {
  server.clear();
  for (const one of opened) await one.close();
});
afterAll(() => server.close());

const strike = (method: Fault['method'], code: NonNullable<Fault['code']>, rest: Partial<Fault> = {}) =>
  server.inject({ method, code, details: `rejected ${MATERIAL}`, ...rest });

describe('a failing service', () => {
  it.each([
    ['UNAUTHENTICATED', 'ERR_STATE_LOGIN', false],
    ['PERMISSION_DENIED', 'ERR_STATE_FORBIDDEN', false],
    ['RESOURCE_EXHAUSTED', 'ERR_STATE_THROTTLED', true],
    ['FAILED_PRECONDITION', 'ERR_STATE_FAILED', false],
    ['INVALID_ARGUMENT', 'ERR_STATE_FAILED', false],
    ['UNIMPLEMENTED', 'ERR_STATE_FAILED', false],
    ['ABORTED', 'ERR_STATE_UNAVAILABLE', true],
    ['UNKNOWN', 'ERR_STATE_UNAVAILABLE', true],
  ] as const)('tells %s at a read as %s, at once', async (status, code, retryable) => {
    strike('BatchGetDocuments', status);
    expect(await failure(state.get('k'))).toMatchObject({
      code,
      retryable,
      subject: 'k',
      message: text(status),
      hint: text(' '),
    });
    expect(server.calls).toHaveLength(1);
    strike('RunQuery', status);
    expect(await failure(all(state.list('')))).toMatchObject({ code, retryable, message: text('list state') });
  });

  it('is asked again to read when it was away for a moment', async () => {
    const revision = await state.put({ key: 'k', value: 1, expected: null });
    strike('BatchGetDocuments', 'UNAVAILABLE');
    expect(await state.get('k')).toMatchObject({ revision });
  });

  it.each([
    ['UNAUTHENTICATED', 'ERR_STATE_LOGIN', false],
    ['PERMISSION_DENIED', 'ERR_STATE_FORBIDDEN', false],
    ['RESOURCE_EXHAUSTED', 'ERR_STATE_THROTTLED', true],
    ['INVALID_ARGUMENT', 'ERR_STATE_FAILED', false],
  ] as const)('tells %s at a write as %s, and the write was sent once', async (status, code, retryable) => {
    strike('Commit', status);
    const attempt = state.put({ key: 'k', value: MATERIAL, expected: null });
    expect(await failure(attempt)).toMatchObject({ code, retryable, subject: 'k', message: text(`change state at k`) });
    expect(commits()).toBe(1);
    expect(await state.get('k')).toBeUndefined();
  });

  it.each(['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'INTERNAL', 'UNKNOWN', 'CANCELLED'] as const)(
    'leaves a write of unknown outcome at %s, and does not send it again',
    async (status) => {
      strike('Commit', status, { when: 'after' });
      const attempt = state.put({ key: 'k', value: MATERIAL, expected: null });
      expect(await failure(attempt)).toMatchObject({
        code: 'ERR_STATE_UNAVAILABLE',
        retryable: true,
        subject: 'k',
        message: text('not known'),
        hint: text('read it again'),
      });
      expect(commits()).toBe(1);
      expect(await state.get('k')).toMatchObject({ value: MATERIAL });
    },
  );

  it('is not waited for longer than the time limits', async () => {
    const hasty = await open({ requestTimeout: 100, callTimeout: 400 });
    server.inject({ method: 'Commit', when: 'silence' });
    const write = await failure(hasty.put({ key: 'k', value: 1, expected: null }));
    server.inject({ method: 'BatchGetDocuments', when: 'silence', times: 9 });
    const read = await failure(hasty.get('k'));
    expect(write).toMatchObject({ code: 'ERR_STATE_UNAVAILABLE', retryable: true, message: text('DEADLINE_EXCEEDED') });
    expect(read).toMatchObject({ code: 'ERR_STATE_UNAVAILABLE', retryable: true, message: text('in time') });
  });

  it('is unavailable where nobody listens', async () => {
    const gone = createServer().listen(0, '127.0.0.1');
    await vi.waitFor(() => expect(gone.listening).toBe(true));
    const { port } = gone.address() as AddressInfo;
    await new Promise((resolve) => gone.close(resolve));
    const alone = await open({ host: `127.0.0.1:${port}`, callTimeout: 300 });
    expect(await failure(alone.get('k'))).toMatchObject({
      code: 'ERR_STATE_UNAVAILABLE',
      retryable: true,
      message: text('did not answer'),
    });
  });

  it('names a database that does not exist', async () => {
    const elsewhere = await openFirestoreState(
      { ...config(), database: 'absent' },
      { clock, random: realRandom },
      { host: server.host },
    );
    opened.push(elsewhere);
    expect(await failure(elsewhere.put({ key: 'k', value: 1, expected: null }))).toMatchObject({
      code: 'ERR_STATE_FAILED',
      message: text('no such project or database'),
      hint: text('native mode'),
    });
  });

  it('without a credential for it is a failed login', { timeout: 30_000 }, async () => {
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', '/nonexistent/credential.json');
    try {
      const real = await openFirestoreState(config(), { clock, random: realRandom }); // the vendor's address; nothing is sent
      expect(await failure(real.get('k'))).toMatchObject({
        code: 'ERR_STATE_LOGIN',
        retryable: false,
        message: text('credential'),
      });
      await real.close();
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('gives way to others a few times, and not for ever', async () => {
    strike('Commit', 'ABORTED', { times: 2 });
    await state.put({ key: 'k', value: 1, expected: null });
    strike('Commit', 'ABORTED', { times: 99 });
    const before = commits();
    expect(await failure(state.put({ key: 'other', value: 1, expected: null }))).toMatchObject({
      code: 'ERR_STATE_UNAVAILABLE',
      retryable: true,
      subject: 'other',
      message: text('kept changing'),
    });
    expect(commits() - before).toBe(6);
  });

  it('loses the answer to an acquire, and the same holder asks again', async () => {
    strike('Commit', 'UNAVAILABLE', { when: 'after' });
    expect(await failure(state.acquire('s', 'me', 1000))).toMatchObject({
      code: 'ERR_STATE_UNAVAILABLE',
      retryable: true,
      subject: 's',
    });
    expect(await state.acquire('s', 'other', 1000)).toBeUndefined();
    expect(await state.acquire('s', 'me', 1000)).toMatchObject({ fence: 2 });
  });

  it('loses the answer to the installation, which is found next time', async () => {
    strike('Commit', 'UNAVAILABLE', { when: 'after' });
    expect(await failure(state.installation())).toMatchObject({ code: 'ERR_STATE_UNAVAILABLE', message: text('not known') });
    expect(await state.installation()).toBe(await (await open()).installation());
  });
});

describe('others', () => {
  it('who change a record between the read and the write win, and are named', async () => {
    const other = await open();
    const first = await state.put({ key: 'b', value: 1, expected: null });
    let second = '';
    server.before('Commit', async () => {
      second = await other.put({ key: 'b', value: 2, expected: first });
    });
    const attempt = state.transact([
      { key: 'a', value: 1, expected: null },
      { key: 'b', value: 3, expected: first },
    ]);
    expect(await failure(attempt)).toMatchObject({ code: 'ERR_STATE_CONFLICT', subject: 'b', message: text(second) });
    expect((await all(state.list(''))).map(({ key, value }) => [key, value])).toEqual([['b', 2]]);
  });

  it('who delete an expired record meanwhile are no hindrance', async () => {
    for (const due of [0, 1000]) {
      await state.put({ key: `k${due}`, value: 1, expected: null, ttl: 1000 });
      clock.advance(1000);
      server.before('Commit', () => void server.expire(collection(), 'ttl', clock.now() - due));
      const revision = await state.put({ key: `k${due}`, value: 2, expected: null });
      expect(await state.get(`k${due}`)).toEqual({ key: `k${due}`, value: 2, revision });
    }
  });

  it('who create and delete a record meanwhile are no hindrance either', async () => {
    const other = await open();
    server.before('Commit', async () => {
      const revision = await other.put({ key: 'k', value: 1, expected: null });
      server.before('BatchGetDocuments', async () => void (await other.put({ key: 'k', value: undefined, expected: revision })));
    });
    await state.put({ key: 'k', value: 2, expected: null });
    expect(await state.get('k')).toMatchObject({ value: 2 });
    expect(commits()).toBe(4); // ours twice
  });

  it('cannot both change one record, however many there are', async () => {
    const many = [state, ...(await Promise.all(Array.from({ length: 5 }, () => open())))];
    await state.put({ key: 'n', value: 0, expected: null });
    let conflicts = 0;
    const add = async (one: State): Promise<void> => {
      for (;;) {
        const found = await one.get<number>('n');
        const outcome = await one
          .put({ key: 'n', value: (found?.value ?? 0) + 1, expected: found?.revision ?? null })
          .catch((error: unknown) => error);
        if (typeof outcome === 'string') return;
        expect(outcome).toMatchObject({ code: 'ERR_STATE_CONFLICT', subject: 'n' });
        conflicts += 1;
      }
    };
    await Promise.all(many.flatMap((one) => Array.from({ length: 5 }, () => add(one))));
    expect((await state.get('n'))?.value).toBe(30);
    expect(conflicts).toBeGreaterThan(0);
  });

  it('cannot both hold a lease, and no fence is given twice', async () => {
    const many = [state, ...(await Promise.all(Array.from({ length: 4 }, () => open())))];
    const fences: number[] = [];
    let holders = 0;
    const work = async (one: State, name: string): Promise<void> => {
      for (let done = 0; done < 3;) {
        const lease = await one.acquire('s', name, 1000);
        if (lease === undefined) continue;
        holders += 1;
        expect(holders).toBe(1);
        fences.push(lease.fence);
        holders -= 1;
        await one.release(lease);
        done += 1;
      }
    };
    await Promise.all(many.map((one, n) => work(one, `worker-${n}`)));
    expect(fences).toHaveLength(15);
    expect(fences).toEqual([...new Set(fences)].toSorted((a, b) => a - b));
  });

  it('make the installation once for all', async () => {
    expect(await state.installationIfAny?.()).toBeUndefined();
    expect(server.documents(collection())).toEqual([]);
    const many = await Promise.all(Array.from({ length: 5 }, () => open()));
    const ids = await Promise.all(many.map((one) => one.installation()));
    expect(new Set(ids).size).toBe(1);
    expect(await state.installationIfAny?.()).toBe(ids[0]);
  });
});

describe('documents', () => {
  const name = (id: string) => `${collection()}/${id}`;

  it('carry ttl as a timestamp for the vendor, rounded up, and none where a record stays', async () => {
    await state.put({ key: 'a', value: 1, expected: null, ttl: 1000.5 });
    await state.put({ key: 'b', value: 1, expected: null });
    await state.put({ key: 'c', value: 1, expected: null, ttl: Number.MAX_SAFE_INTEGER - clock.now() });
    const lease = await state.acquire('s', 'me', 1000);
    const [ofLease, ...ofRecords] = server.documents(collection());
    const seconds = String((clock.now() + 1000) / 1000);
    expect(ofRecords.map(({ fields }) => fields['ttl'])).toEqual([
      expect.objectContaining({ timestampValue: { seconds, nanos: 1_000_000 } }),
      expect.objectContaining({ valueType: 'nullValue' }),
      expect.objectContaining({ valueType: 'nullValue' }),
    ]);
    expect(ofLease?.fields['ttl']).toBeUndefined();
    expect(lease?.fence).toBe(1);
    clock.advance(1e12);
    expect((await all(state.list(''))).map(({ key }) => key)).toEqual(['b', 'c']);
  });

  it('that are not ours, or were changed by hand, are not believed', async () => {
    const revision = await state.put({ key: 'k', value: MATERIAL, expected: null });
    const fields = server.documents(collection())[0]?.fields ?? {};
    const string = (stringValue: string) => ({ valueType: 'stringValue', stringValue });
    for (const wrong of [
      {},
      { ...fields, key: string('other') },
      { ...fields, revision: { valueType: 'nullValue', nullValue: 'NULL_VALUE' } },
      { ...fields, ttl: string('tomorrow') },
      { ...fields, value: string(`{"a":"${MATERIAL}`) },
    ]) {
      server.tamper(name('r:k'), wrong);
      expect(await failure(state.get('k'))).toMatchObject({
        code: 'ERR_STATE_CORRUPT',
        retryable: false,
        message: text('not as Keywheel writes it'),
      });
    }
    server.tamper(name('r:k'), { ...fields, format: { valueType: 'integerValue', integerValue: '2' } });
    expect(await failure(state.put({ key: 'k', value: 1, expected: revision }))).toMatchObject({
      code: 'ERR_STATE_NEWER',
      message: text('format 2'),
    });
    server.tamper(name('l:s'), { ...fields, key: string('s') });
    expect(await failure(state.acquire('s', 'me', 1))).toMatchObject({
      code: 'ERR_STATE_CORRUPT',
      subject: 's',
      message: text('s is not'),
    });
    server.tamper(name('m:installation'), {});
    expect(await failure(state.installation())).toMatchObject({ code: 'ERR_STATE_CORRUPT', message: text('installation') });
  });

  it('are refused when they are more than Firestore holds, before anything is sent', async () => {
    const full = { code: 'ERR_STATE_FULL', retryable: false, subject: 'k', message: text('more than one') };
    expect(await failure(state.put({ key: 'k', value: 'x'.repeat(2 ** 20), expected: null }))).toMatchObject(full);
    const half = '\u{1f511}'.repeat(2 ** 17);
    const many = Array.from({ length: 25 }, (_, n) => ({ key: n === 19 ? 'k' : `k${n}`, value: half, expected: null }));
    expect(await failure(state.transact(many))).toMatchObject(full);
    expect(server.calls).toEqual([]);
    await state.put({ key: 'k', value: 'x'.repeat(2 ** 20 - 1100), expected: null });
    await state.transact(many.slice(0, 19));
    expect((await state.get<string>('k'))?.value).toHaveLength(2 ** 20 - 1100);
  });

  it('are asked for by keys that can be', async () => {
    const misuse = { code: 'ERR_INTERNAL', message: text('key') };
    for (const key of ['', '\ud800', 'x'.repeat(1500)]) {
      expect(await failure(state.put({ key, value: 1, expected: null }))).toMatchObject(misuse);
      expect(await failure(state.acquire(key, 'me', 1))).toMatchObject(misuse);
    }
    expect(server.calls).toEqual([]);
    expect(await state.get('x'.repeat(1500))).toBeUndefined();
    expect(await all(state.list('x'.repeat(1500)))).toEqual([]);
    expect(await failure(state.put({ key: 'k', value: 1, expected: null, ttl: 0 }))).toMatchObject({
      code: 'ERR_INTERNAL',
      message: text('time to live'),
    });
    const twice = { key: 'k', value: 1, expected: null };
    expect(await failure(state.transact([twice, twice]))).toMatchObject({ code: 'ERR_INTERNAL', message: text('twice') });
  });

  it('keep any Unicode key, dots and slashes included', async () => {
    const keys = ['.', '..', '__x__', 'rotation/app/db', 'rotation/app.db', 'ключ \u{1f511}', '\u0000', ' ', '~', '}'];
    for (const key of keys) await state.put({ key, value: key, expected: null });
    const ordered = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect((await all(state.list<string>(''))).map(({ key, value }) => [key, value])).toEqual(ordered.map((key) => [key, key]));
    expect((await state.getMany(keys)).length).toBe(keys.length);
  });
});

it('is opened by its configuration, at FIRESTORE_EMULATOR_HOST, and closed twice without harm', async () => {
  vi.stubEnv('FIRESTORE_EMULATOR_HOST', server.host);
  vi.stubEnv('FIRESTORE_PREFER_REST', 'true');
  try {
    const one = await openState(config(), { clock, random: realRandom });
    await one.put({ key: 'k', value: 1, expected: null });
    expect(await state.get('k')).toMatchObject({ value: 1 });
    await one.close();
    await one.close();
    expect(await failure(one.get('k'))).toMatchObject({ code: 'ERR_INTERNAL', message: text('closed') });
    vi.stubEnv('FIRESTORE_EMULATOR_HOST', 'http://not a host');
    expect(await failure(openState(config(), { clock, random: realRandom }))).toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      hint: text('FIRESTORE_EMULATOR_HOST'),
      message: text('refuses'),
    });
  } finally {
    vi.unstubAllEnvs();
  }
});
