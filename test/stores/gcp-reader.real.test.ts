/** The consumer's side of Google Secret Manager, with no more rights than a consumer has. */
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openReader } from '../../shared/stores/index.ts';
import type { SecretReader, SecretValue } from '../../shared/stores/index.ts';
import { openGcpFixture, type GcpFixture } from '../contract/gcp.ts';

const NAME = 'app/db';
const OLD: SecretValue = { username: 'a', password: 'old' };
const NEW: SecretValue = { username: 'b', password: 'new' };

let fixture: GcpFixture;
let reader: SecretReader;
beforeEach(async () => {
  fixture = await openGcpFixture();
  reader = await openReader(fixture.config);
  await fixture.seed(NAME, OLD);
});
afterEach(async () => {
  await reader.close();
  await fixture.close();
});

/** roles/secretmanager.secretAccessor on the one secret, and nothing else. */
function onlyAccess(): void {
  fixture.server.permit = (permission, name) =>
    permission === 'secretmanager.versions.access' && name.startsWith('secrets/app_x2f_db/');
}

describe('current', () => {
  it('is the value that the alias names, before and after publishing, with the right to access and no other', async () => {
    const { id } = await fixture.store.stage(NAME, NEW, 'r-1');
    const revision = (await fixture.store.describe(NAME))?.revision ?? '';
    onlyAccess();
    expect(await reader.current(NAME)).toEqual({ version: '1', value: OLD });
    fixture.server.permit = () => true;
    await fixture.store.publish(NAME, id, revision);
    onlyAccess();
    expect(await reader.current(NAME)).toEqual({ version: '2', value: NEW });
  });

  it('is not what was staged, nor what was added and not published: consumers may not read the one, and do not ask for the other', async () => {
    const { id } = await fixture.store.stage(NAME, NEW, 'r-1');
    const revision = (await fixture.store.describe(NAME))?.revision ?? '';
    fixture.server.fail('UpdateSecret', status.UNAVAILABLE);
    await expect(fixture.store.publish(NAME, id, revision)).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      message: expect.stringContaining('UpdateSecret'),
    });
    onlyAccess();
    expect((await reader.current(NAME))?.value).toEqual(OLD);
    const companion = { name: `${fixture.person.path(`${NAME}--pending`)}/versions/latest` };
    await expect(fixture.person.sdk.accessSecretVersion(companion)).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
  });

  it('lags, as the vendor says of aliases', async () => {
    const { id } = await fixture.store.stage(NAME, NEW, 'r-1');
    fixture.clock.advance(60_000);
    await fixture.store.publish(NAME, id, (await fixture.store.describe(NAME))?.revision ?? '');
    fixture.clock.advance(1_000);
    fixture.server.lag = 30_000;
    expect((await reader.current(NAME))?.value).toEqual(OLD);
    fixture.clock.advance(30_000);
    expect((await reader.current(NAME))?.value).toEqual(NEW);
  });

  it('is undefined where there is no such secret', async () => {
    expect(await reader.current('nobody')).toBeUndefined();
  });

  it('of a secret without the alias is an error that says how to set it, never `latest`', async () => {
    await fixture.person.alias(NAME, () => ({}));
    await expect(reader.current(NAME)).rejects.toMatchObject({
      code: 'ERR_SECRET_INVALID',
      message: 'secret app/db has no version alias current, which consumers read',
      hint: expect.stringContaining('gcloud secrets update app_x2f_db --update-version-aliases=current=N'),
    });
  });

  it.each(['disabled', 'destroyed'] as const)('that was %s is an error that says so', async (state) => {
    const version = { name: `${fixture.person.path(NAME)}/versions/1` };
    if (state === 'disabled') await fixture.person.sdk.disableSecretVersion(version);
    else await fixture.person.sdk.destroySecretVersion(version);
    await expect(reader.current(NAME)).rejects.toMatchObject({
      code: 'ERR_SECRET_INVALID',
      message: `the current version of secret app/db is ${state}`,
    });
  });

  it.each([
    [status.PERMISSION_DENIED, 'ERR_STORE_FORBIDDEN', false, /not allowed/],
    [status.UNAUTHENTICATED, 'ERR_STORE_LOGIN', false, /credential/],
    [status.RESOURCE_EXHAUSTED, 'ERR_STORE_THROTTLED', true, /quota/],
    [status.UNAVAILABLE, 'ERR_STORE_UNAVAILABLE', true, /did not answer/],
  ])('fails with status %s as %s', async (code, expected, retryable, message) => {
    fixture.server.fail('AccessSecretVersion', code, 'before', 9);
    await expect(reader.current(NAME)).rejects.toMatchObject({
      code: expected,
      retryable,
      message: expect.stringMatching(message),
    });
  });

  it('ends when its signal does', async () => {
    const stop = new AbortController();
    fixture.server.on('AccessSecretVersion', 'before', () => stop.abort(new Error('no longer wanted')));
    await expect(reader.current(NAME, stop.signal)).rejects.toThrow('no longer wanted');
    await expect(reader.current(NAME, stop.signal)).rejects.toThrow('no longer wanted');
    expect(fixture.server.calls.filter((call) => call.method === 'AccessSecretVersion')).toHaveLength(1);
  });

  it('says that nothing answers when nothing does', async () => {
    await fixture.server.stop();
    await expect(reader.current(NAME)).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      retryable: true,
      message: expect.stringContaining('AccessSecretVersion of app_x2f_db'),
    });
  });
});
