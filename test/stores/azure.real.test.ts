/** What only the Key Vault store promises: hand edits in the worst moment, lost answers, refusals in words, and nothing left readable. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openGate } from '../../shared/deps.ts';
import { openAzureStore } from '../../shared/stores/azure.ts';
import { openAzureReader } from '../../shared/stores/azure/reader.ts';
import type { SecretStore, SupportsPut } from '../../shared/stores/index.ts';
import { openAzureFixture } from '../contract/azure.ts';
import type { AzureFixture } from '../contract/azure.ts';
import { all, leakForms, realRandom } from '../contract/harness.ts';
import { conflictOf } from '../contract/store.ts';
import type { Fault, Operation } from '../peers/azure/key-vault/faults.ts';

const CANARY = 'Zq7%"\\ \u00e9/+canary-5f1c';
const NAME = 'app-db';
const OLD = { username: 'app_a', password: `${CANARY}-old` };
const NEW = { username: 'app_b', password: `${CANARY}-new` };
const EDIT = { username: 'app_a', password: 'by-hand' };

let fixture: AzureFixture;
let store: SecretStore;
beforeEach(async () => {
  fixture = await openAzureFixture();
  store = fixture.store;
});
afterEach(() => fixture.close());

const { stringify } = JSON;
const edit = (value: object = EDIT) => fixture.vault.set(NAME, stringify(value));
const valueAt = async (at: 'current' | 'pending' | 'previous') => (await store.read(NAME, at))?.value;
const newest = () => JSON.parse(fixture.vault.history(NAME).at(-1)?.value ?? '') as unknown;
async function staged(): Promise<{ revision: string; version: string }> {
  await fixture.seed(NAME, OLD);
  const revision = (await store.describe(NAME))?.revision ?? '';
  return { revision, version: (await store.stage(NAME, NEW, 'r-1')).id };
}
/** Runs once, when Key Vault is about to do the first such request. */
function before(operation: Operation, secret: string, act: () => void): void {
  fixture.vault.onRequest = (seen) => {
    if (seen.operation !== operation || seen.secret !== secret) return;
    fixture.vault.onRequest = undefined;
    act();
  };
}

describe('a hand edit', () => {
  it('between the last look and the set is put back on top, and counts as made after the publishing', async () => {
    const { revision, version } = await staged();
    before('set', NAME, () => edit());

    const state = await store.publish(NAME, version, revision);

    expect(newest()).toEqual(EDIT);
    expect(state.labels).toMatchObject({ previous: { id: version, rotationId: 'r-1' } });
    expect(state.labels.current?.rotationId).toBeUndefined();
    expect(state.labels.pending).toBeUndefined();
    expect(await valueAt('current')).toEqual(EDIT);
    expect(await valueAt('previous')).toEqual(NEW);
    expect(await store.describe(NAME)).toEqual(state);
  });

  it('that is put back is as the person made it', async () => {
    const { revision, version } = await staged();
    const more = { contentType: 'text/x', tags: { team: 'web' }, attributes: { exp: 2_000_000_000, nbf: 1_600_000_000 } };
    before('set', NAME, () => fixture.vault.set(NAME, stringify(EDIT), more));

    await store.publish(NAME, version, revision);

    const top = fixture.vault.history(NAME).at(-1);
    expect(top).toMatchObject({ contentType: 'text/x', tags: { team: 'web' }, attributes: more.attributes });
  });

  it('that comes while one is put back is put back too, and the last one stays', async () => {
    const { revision, version } = await staged();
    let left = 3;
    fixture.vault.onRequest = ({ operation, secret }) => {
      if (operation === 'set' && secret === NAME && left-- > 0) edit({ password: `edit ${3 - left}` });
    };

    await store.publish(NAME, version, revision);

    expect(newest()).toEqual({ password: 'edit 3' });
  });

  it('just after the set stays', async () => {
    const { revision, version } = await staged();
    before('update', `${NAME}--pending`, () => edit());
    await store.publish(NAME, version, revision);
    expect(newest()).toEqual(EDIT);
    expect(await valueAt('previous')).toEqual(NEW);
  });

  it('that a worker buried when it died is put back by the next one that looks', async () => {
    const { revision, version } = await staged();
    before('set', NAME, () => edit());
    fixture.vault.faults.add({ kind: 'cut', operation: 'set', secret: NAME });
    await expect(store.publish(NAME, version, revision)).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      retryable: true,
      message: expect.stringContaining('could not be set'),
    });
    expect(newest()).toEqual(NEW);

    const state = await (await fixture.second()).describe(NAME);

    expect(newest()).toEqual(EDIT);
    expect(state?.labels).toMatchObject({ previous: { id: version } });
    expect(state?.labels.pending).toBeUndefined();
    expect(fixture.calls.at(-1)).toMatchObject({ kind: 'effect', text: expect.stringContaining(`of ${NAME} back on top`) });
  });

  it('that a worker buried is left to a rehearsal’s real run, and to a reader without state', async () => {
    const { revision, version } = await staged();
    before('set', NAME, () => edit());
    fixture.vault.faults.add({ kind: 'cut', operation: 'set', secret: NAME });
    await store.publish(NAME, version, revision).catch(() => undefined);
    const stateless = await open({});

    expect((await (await fixture.rehearsal()).describe(NAME))?.labels.current?.id).toBe(version);
    expect((await stateless.describe(NAME))?.labels.current?.id).toBe(version);
    expect(newest()).toEqual(NEW);
  });

  it('of tags or expiry leaves the revision, and one with our tags copied is a hand edit', async () => {
    const { revision, version } = await staged();
    const first = fixture.vault.history(NAME)[0]?.id ?? '';
    fixture.vault.setEnabled(NAME, first, true);
    expect((await store.describe(NAME))?.revision).toBe(revision);
    await store.publish(NAME, version, revision);
    const { tags = {} } = fixture.vault.history(NAME).at(-1) ?? {};

    fixture.vault.set(NAME, stringify(EDIT), { tags });

    const state = await store.describe(NAME);
    expect(state?.labels.current?.id).toBe(fixture.vault.history(NAME).at(-1)?.id);
    await expect(store.publish(NAME, version, revision)).rejects.toMatchObject(conflictOf(/moved/));
    expect(newest()).toEqual(EDIT);
  });

  it('is never lost in a storm of rotations, all in one second', async () => {
    await fixture.close();
    fixture = await openAzureFixture(false);
    const stores = [fixture.store, await fixture.second(), await fixture.second()];
    await fixture.seed(NAME, OLD);
    let edits = 0;
    let published = 0;
    let buried: string[] = [];
    fixture.vault.onRequest = ({ operation, secret }) => {
      if (operation !== 'set' || secret !== NAME || edits >= 8 || (edits + published) % 2 === 1) return;
      edits += 1;
      edit({ password: `edit ${edits}` });
      buried = [`edit ${edits}`];
    };
    const rotate = async (on: SecretStore, who: number): Promise<void> => {
      for (let n = 0; n < 6; n += 1) {
        const revision = (await on.describe(NAME))?.revision ?? '';
        const ref = await on.stage(NAME, { password: `of ${who}.${n}` }, `r-${who}.${n}`).catch(() => undefined);
        if (ref === undefined) continue;
        const done = await on.publish(NAME, ref.id, revision).catch((error: unknown) => error);
        published += 1;
        if (done instanceof Error) await on.discard(NAME, ref.id);
      }
    };
    await Promise.all(stores.map(rotate));
    fixture.vault.onRequest = undefined;
    await fixture.second().then((one) => one.describe(NAME));

    // The last edit is on top, or all above it was written upon it: by who had seen it, and so planned with it.
    const history = fixture.vault.history(NAME);
    const last = history.findLastIndex(({ value }) => buried.some((password) => value.includes(password)));
    const above = history.slice(last + 1);
    expect(edits).toBe(8);
    for (const one of above) {
      const base = one.tags['keywheel-write']?.split('.')[1];
      expect(history.slice(last).map(({ id }) => id)).toContain(base);
    }
  }, 60_000);
});

describe('within one second', () => {
  it('publishes, goes back and then forth, and knows which is which', async () => {
    await fixture.close();
    fixture = await openAzureFixture(false);
    store = fixture.store;
    const { revision, version } = await staged();
    const before = await store.describe(NAME);
    const forth = await store.publish(NAME, version, revision);
    const back = await store.publish(NAME, revision, forth.revision);
    expect(back.labels).toMatchObject({ current: before?.labels.current, previous: { id: version } });
    expect(await valueAt('current')).toEqual(OLD);
    const again = await store.publish(NAME, version, back.revision);
    expect(again.labels).toMatchObject({ current: { id: version }, previous: before?.labels.current });
    expect(await valueAt('previous')).toEqual(OLD);
    expect(fixture.vault.history(NAME)).toHaveLength(4);
  });
});

describe('a lost answer', () => {
  it('to staging gives the same version when it is staged again', async () => {
    await fixture.seed(NAME, OLD);
    fixture.vault.faults.add({ kind: 'lost', operation: 'set' });
    await expect(store.stage(NAME, NEW, 'r-1')).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      retryable: true,
      message: expect.stringContaining('Key Vault answered 500'),
    });
    const ref = await store.stage(NAME, EDIT, 'r-1');
    expect(await store.read(NAME, 'pending')).toEqual({ ...ref, value: NEW });
    expect(fixture.vault.history(`${NAME}--pending`)).toHaveLength(1);
  });

  it('to publishing makes no second version when it is published again, and nothing of it stays readable beside', async () => {
    const { revision, version } = await staged();
    fixture.vault.faults.add({ kind: 'cut', operation: 'set', secret: NAME });
    await expect(store.publish(NAME, version, revision)).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      message: expect.stringContaining(NAME),
    });
    expect((await store.describe(NAME))?.labels).toMatchObject({ current: { id: version } });

    const state = await store.publish(NAME, version, revision);

    expect(Object.keys(state.labels).toSorted()).toEqual(['current', 'previous']);
    expect(fixture.vault.history(NAME)).toHaveLength(2);
    expect(fixture.vault.history(`${NAME}--pending`).map(({ attributes }) => attributes.enabled)).toEqual([false]);
  });

  it('to a reading is asked for again', async () => {
    await fixture.seed(NAME, OLD);
    fixture.vault.faults.add({ kind: 'failed', operation: 'get' });
    fixture.vault.faults.add({ kind: 'cut', operation: 'versions' });
    expect(await valueAt('current')).toEqual(OLD);
  });
});

describe('what was staged', () => {
  it('is disabled when it was published or discarded', async () => {
    const { revision, version } = await staged();
    await store.publish(NAME, version, revision);
    const other = await store.stage(NAME, EDIT, 'r-2');
    await store.discard(NAME, other.id);
    const companion = fixture.vault.history(`${NAME}--pending`);
    expect(companion.map(({ attributes }) => attributes.enabled)).toEqual([false, false]);
    expect(
      stringify(companion.map(({ tags }) => tags)) + stringify(fixture.vault.history(NAME).map(({ tags }) => tags)),
    ).not.toContain('canary');
  });

  it('and then disabled by somebody cannot be published', async () => {
    const { revision, version } = await staged();
    fixture.vault.setEnabled(`${NAME}--pending`, fixture.vault.history(`${NAME}--pending`)[0]?.id ?? '', false);
    await expect(store.publish(NAME, version, revision)).rejects.toMatchObject(conflictOf(/not in the store/));
    expect(newest()).toEqual(OLD);
  });

  it('is found among more versions than a page holds', async () => {
    for (let n = 0; n < 60; n += 1) await fixture.seed(NAME, { password: `edit ${n}` });
    const before = await store.describe(NAME);
    const ref = await store.stage(NAME, NEW, 'r-1');
    const state = await store.publish(NAME, ref.id, before?.revision ?? '');
    expect(state.labels).toMatchObject({ current: { id: ref.id }, previous: before?.labels.current });
    for (let n = 0; n < 30; n += 1) await fixture.seed(`other-${n}`, OLD);
    expect(await all(store.list())).toHaveLength(31);
  });
});

describe('the published version', () => {
  it('keeps the tags that people gave, and bears an expiry where one is wanted', async () => {
    fixture.vault.set(NAME, stringify(OLD), { tags: { team: 'web' } });
    const on = await open({ expiresAfter: 86_400_000, state: true });
    const revision = (await on.describe(NAME))?.revision ?? '';
    await on.publish(NAME, (await on.stage(NAME, NEW, 'r-1')).id, revision);

    const top = fixture.vault.history(NAME).at(-1);

    expect(top?.tags).toMatchObject({ team: 'web', 'keywheel-rotation': 'r-1' });
    expect(top?.attributes).toMatchObject({ enabled: true, exp: Math.floor(fixture.clock.now() / 1000) + 86_400 });
    expect(top?.contentType).toBe('application/json');
  });
});

describe('refusals', () => {
  const told = (code: string, text: string, retryable = false) => ({ code, retryable, message: expect.stringContaining(text) });
  const faults: readonly (readonly [Fault['kind'], ReturnType<typeof told>])[] = [
    ['throttled', told('ERR_STORE_THROTTLED', 'throttles', true)],
    ['failed', told('ERR_STORE_UNAVAILABLE', 'answered 500', true)],
    ['ForbiddenByRbac', told('ERR_STORE_FORBIDDEN', 'to this identity')],
    ['ForbiddenByPolicy', told('ERR_STORE_FORBIDDEN', 'to this identity')],
    ['ForbiddenByFirewall', told('ERR_STORE_FORBIDDEN', 'firewall')],
  ];
  it.each(faults)('of a store that is %s', async (kind, expected) => {
    await fixture.seed(NAME, OLD);
    await store.describe(NAME);
    fixture.vault.faults.add({ kind, operation: 'get', times: 99 });
    const started = Date.now();
    await expect(store.read(NAME, 'current')).rejects.toMatchObject(expected);
    fixture.vault.faults.clear();
    fixture.vault.faults.add({ kind, operation: 'set', times: 99 });
    const error = await store.stage(NAME, NEW, 'r-1').catch((caught: unknown) => caught);
    expect(error).toMatchObject(expected);
    expect(Date.now() - started).toBeLessThan(10_000); // not the half minute of Retry-After
    const said = String(error) + stringify(error);
    expect(leakForms(CANARY).filter((form) => said.includes(form))).toEqual([]);
    expect((error as Error).cause).toBeUndefined();
    expect(said).toMatch(/request [0-9a-f-]{36}/);
  });

  it('of a login that expired, or that nobody can make', async () => {
    await fixture.seed(NAME, OLD);
    await store.describe(NAME);
    fixture.vault.identity.expireAll();
    await expect(store.describe(NAME)).rejects.toMatchObject(told('ERR_STORE_LOGIN', 'refused the login'));
    const nobody = await open({ token: 'Unavailable' });
    await expect(nobody.describe(NAME)).rejects.toMatchObject(told('ERR_STORE_LOGIN', 'no Azure identity'));
  });

  it('of a secret whose newest version is disabled, while others are listed', async () => {
    await fixture.seed('other', OLD);
    const { version, revision } = await staged();
    fixture.vault.setEnabled(NAME, fixture.vault.history(NAME)[0]?.id ?? '', false);
    const disabled = told('ERR_STORE_FORBIDDEN', 'newest version in Key Vault is disabled');
    await expect(store.describe(NAME)).rejects.toMatchObject(disabled);
    await expect(store.read(NAME, 'current')).rejects.toMatchObject(disabled);
    await expect(store.publish(NAME, version, revision)).rejects.toMatchObject(disabled);
    const summaries = await all(store.list());
    expect(summaries.map(({ name, labels }) => [name, labels.current === undefined])).toEqual([
      [NAME, true],
      ['other', false],
    ]);
    await (store as SecretStore & SupportsPut).put(NAME, EDIT);
    expect(await valueAt('current')).toEqual(EDIT);
  });

  it('of names that deleted secrets still hold', async () => {
    await fixture.seed(NAME, OLD);
    fixture.vault.remove(NAME);
    const deleted = {
      ...told('ERR_STORE_FAILED', 'deleted secret still holds its name'),
      hint: expect.stringContaining('recover'),
    };
    expect(await store.describe(NAME)).toBeUndefined();
    await expect((store as SecretStore & SupportsPut).put(NAME, OLD, null)).rejects.toMatchObject(deleted);
    await expect(store.stage(NAME, NEW, 'r-1')).rejects.toMatchObject({
      code: 'ERR_SECRET_NOT_FOUND',
      message: expect.stringContaining(NAME),
    });
    await fixture.seed('other', OLD);
    await fixture.seed('other--pending', OLD);
    fixture.vault.remove('other--pending');
    await expect(store.stage('other', NEW, 'r-1')).rejects.toMatchObject(deleted);
  });

  it('of a vault that is not there', async () => {
    const gone = await open({ vaultUrl: 'http://127.0.0.1:9' });
    await expect(gone.describe(NAME)).rejects.toMatchObject(told('ERR_STORE_UNAVAILABLE', 'cannot be reached', true));
  });

  it('of a value that is no flat JSON object, without showing it', async () => {
    fixture.vault.set(NAME, CANARY);
    const error = await store.read(NAME, 'current').catch((caught: unknown) => caught);
    expect(error).toMatchObject(told('ERR_SECRET_INVALID', 'not one flat JSON object'));
    expect(String(error)).not.toContain('canary');
    expect((await store.describe(NAME))?.labels.current).toBeDefined();
  });

  it('to write without a state, while reading goes on', async () => {
    await fixture.seed(NAME, OLD);
    const stateless = await open({});
    const refused = told('ERR_INTERNAL', 'opened without a state');
    await expect(stateless.publish(NAME, 'v', 'r')).rejects.toMatchObject(refused);
    await expect(stateless.stage(NAME, NEW, 'r-1')).rejects.toMatchObject(refused);
    await expect(stateless.put(NAME, NEW)).rejects.toMatchObject(refused);
    await expect(stateless.discard(NAME, 'v')).rejects.toMatchObject(refused);
    expect((await stateless.read(NAME, 'current'))?.value).toEqual(OLD);
  });

  it.each(['http://example.com', 'ftp://127.0.0.1', 'nonsense'])('of the address %s', async (vaultUrl) => {
    await expect(open({ vaultUrl })).rejects.toMatchObject(told('ERR_CONFIG_INVALID', 'no https address'));
  });
});

describe('the reader', () => {
  const openReader = (vaultUrl = fixture.vault.url) =>
    openAzureReader({ kind: 'azure', vaultUrl, pendingSuffix: '--pending' }, {}, { credential: fixture.vault.credential });

  it('gives current by one GET of the main secret, and another version when current moves', async () => {
    const { revision, version } = await staged();
    const reader = await openReader();
    const first = await reader.current(NAME);
    await store.publish(NAME, version, revision);
    const start = fixture.vault.requests.length;
    const second = await reader.current(NAME);
    expect(first).toEqual({ version: revision, value: OLD });
    expect(second?.value).toEqual(NEW);
    expect(second?.version).not.toBe(first?.version);
    expect(fixture.vault.requests.slice(start)).toEqual([{ operation: 'get', secret: NAME, version: '' }]);
    await reader.close();
  });

  it('tells absence, a disabled version, a value of another shape and a signal', async () => {
    const reader = await openReader();
    expect(await reader.current('nobody')).toBeUndefined();
    fixture.vault.set(NAME, 'plain');
    await expect(reader.current(NAME)).rejects.toMatchObject({
      code: 'ERR_SECRET_INVALID',
      message: expect.stringContaining(NAME),
    });
    fixture.vault.setEnabled(NAME, fixture.vault.history(NAME)[0]?.id ?? '', false);
    await expect(reader.current(NAME)).rejects.toMatchObject({
      code: 'ERR_STORE_FORBIDDEN',
      message: expect.stringContaining('disabled'),
    });
    await expect(reader.current(NAME, AbortSignal.abort())).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      message: expect.stringContaining(NAME),
    });
  });
});

interface Opening {
  readonly vaultUrl?: string;
  readonly expiresAfter?: number;
  readonly state?: boolean;
  readonly token?: 'Unavailable';
}

async function open({ vaultUrl = fixture.vault.url, expiresAfter, state, token }: Opening): Promise<SecretStore & SupportsPut> {
  const { fakeStateHarness } = await import('../contract/fakes.ts');
  const states = await fakeStateHarness.open();
  const credential =
    token === undefined
      ? fixture.vault.credential
      : { getToken: () => Promise.reject(Object.assign(new Error('no'), { name: 'CredentialUnavailableError' })) };
  return openAzureStore(
    { kind: 'azure', vaultUrl, pendingSuffix: '--pending', ...(expiresAfter === undefined ? {} : { expiresAfter }) },
    { clock: fixture.clock, random: realRandom, gate: openGate(), ...(state === true ? { state: () => states.second() } : {}) },
    { credential },
  );
}
