/** What only the local store promises: its key, its file, its seals, and what it keeps. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openGate, rehearsalGate } from '../../shared/deps.ts';
import type { Call } from '../../shared/deps.ts';
import { isKeywheelError } from '../../shared/errors.ts';
import type { SqliteOptions } from '../../shared/sqlite.ts';
import { createLocalStoreKey, openStore } from '../../shared/stores/index.ts';
import { openLocalStore } from '../../shared/stores/local.ts';
import { decrypt, encrypt } from '../../shared/stores/local/cipher.ts';
import type { LocalStore } from '../../shared/stores/local.ts';
import { all, leakForms, manualClock, realRandom, scratch } from './harness.ts';

const CANARY = 'K9#"\\ ü/+canary-77aa';

let directory: ReturnType<typeof scratch>;
let config: { kind: 'local'; path: string; keyFile: string };
let opened: LocalStore[];
beforeEach(() => {
  directory = scratch();
  config = {
    kind: 'local',
    path: path.join(directory.path, 'made', 'store.db'),
    keyFile: path.join(directory.path, 'keys', 'key'),
  };
  createLocalStoreKey(config.keyFile);
  opened = [];
});
afterEach(() => {
  for (const store of opened) store.close();
  directory.remove();
});

function open(gate = openGate(), options: SqliteOptions = {}): LocalStore {
  const store = openLocalStore(config, { clock: manualClock(), random: realRandom, gate }, options);
  opened.push(store);
  return store;
}

/** A store with one secret that has current, previous and pending, closed again. */
async function filled(): Promise<void> {
  const store = open();
  await store.put('app/db', { password: `${CANARY}-1` });
  await store.put('app/db', { password: `${CANARY}-2` });
  await store.stage('app/db', { password: `${CANARY}-3` }, 'r-1');
  await store.put('web/db', { password: 'w'.repeat(20_000) });
  store.close();
}

async function everything(store: LocalStore): Promise<unknown> {
  const names = await all(store.list());
  return Promise.all(
    names.map(async ({ name }) => [name, ...(await Promise.all(labels.map((label) => store.read(name, label))))]),
  );
}
const labels = ['current', 'previous', 'pending'] as const;

function edit(sql: string): void {
  const db = new DatabaseSync(config.path);
  db.exec(sql);
  db.close();
}

function thrown(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return 'nothing was thrown';
}

describe('the key', () => {
  it('is written once, 0600 in a 0700 directory, as 32 bytes of base64, and never over another', () => {
    const text = readFileSync(config.keyFile, 'utf8');
    expect(Buffer.from(text, 'base64')).toHaveLength(32);
    expect(statSync(config.keyFile).mode & 0o777).toBe(0o600);
    expect(statSync(path.dirname(config.keyFile)).mode & 0o777).toBe(0o700);
    const error = thrown(() => createLocalStoreKey(config.keyFile));
    expect(error).toMatchObject({ code: 'ERR_STORE_KEY', message: expect.stringContaining('exists already') });
    expect(readFileSync(config.keyFile, 'utf8')).toBe(text);
  });

  it.each([0o604, 0o640, 0o644, 0o660, 0o700])('is refused with mode %o, with the command that mends it', (mode) => {
    chmodSync(config.keyFile, mode);
    expect(thrown(open)).toMatchObject({
      code: 'ERR_STORE_KEY',
      message: expect.stringContaining(`mode is 0${mode.toString(8)}`),
      hint: `chmod 600 ${config.keyFile}`,
    });
    expect(existsSync(config.path)).toBe(false);
  });

  it('is judged behind a link, and may be stricter', () => {
    const link = path.join(directory.path, 'link');
    symlinkSync(config.keyFile, link);
    const linked = { ...config, keyFile: link };
    const deps = { clock: manualClock(), random: realRandom, gate: openGate() };
    chmodSync(config.keyFile, 0o400);
    openLocalStore(linked, deps).close();
    chmodSync(config.keyFile, 0o644);
    const error = thrown(() => openLocalStore(linked, deps));
    expect(error).toMatchObject({ code: 'ERR_STORE_KEY', message: expect.stringContaining('0644') });
  });

  it('is refused when it is missing, a directory, or not 32 bytes, and what was in it is not shown', () => {
    const broken = `${CANARY}broken`;
    writeFileSync(config.keyFile, broken);
    const malformed = thrown(open);
    expect(malformed).toMatchObject({ code: 'ERR_STORE_KEY', message: expect.stringContaining('not 32 bytes in base64') });
    expect(String(malformed)).not.toContain('canary');
    rmSync(config.keyFile);
    expect(thrown(open)).toMatchObject({ code: 'ERR_STORE_KEY', message: expect.stringContaining('no such file') });
    mkdirSync(config.keyFile);
    expect(thrown(open)).toMatchObject({ code: 'ERR_STORE_KEY', message: expect.stringContaining('not a regular file') });
  });

  it('is refused when it cannot be opened', () => {
    const error = thrown(() =>
      openLocalStore(
        { ...config, keyFile: path.join(config.keyFile, 'key') },
        { clock: manualClock(), random: realRandom, gate: openGate() },
      ),
    );
    expect(error).toMatchObject({ code: 'ERR_STORE_KEY', message: expect.stringContaining('cannot be opened (ENOTDIR)') });
  });

  it('may come from an environment variable, and from exactly one place', async () => {
    vi.stubEnv('KEYWHEEL_TEST_KEY', readFileSync(config.keyFile, 'utf8').trim());
    await filled();
    const deps = { clock: manualClock(), random: realRandom, gate: openGate() };
    const base = { kind: 'local' as const, path: config.path };
    const store = await openStore({ ...base, keyEnv: 'KEYWHEEL_TEST_KEY' }, deps);
    expect((await store.read('app/db', 'current'))?.value).toEqual({ password: `${CANARY}-2` });
    const both = openStore({ ...base, keyEnv: 'KEYWHEEL_TEST_KEY', keyFile: config.keyFile }, deps);
    await expect(both).rejects.toMatchObject({ code: 'ERR_STORE_KEY', message: expect.stringContaining('both') });
    await expect(openStore(base, deps)).rejects.toMatchObject({
      code: 'ERR_STORE_KEY',
      message: expect.stringContaining('neither'),
    });
    const unset = openStore({ ...base, keyEnv: 'KEYWHEEL_TEST_UNSET' }, deps);
    await expect(unset).rejects.toMatchObject({
      code: 'ERR_STORE_KEY',
      message: expect.stringContaining('KEYWHEEL_TEST_UNSET is not set'),
    });
    vi.unstubAllEnvs();
  });

  it('is recognised when it is another one, at open', async () => {
    await filled();
    rmSync(config.keyFile);
    createLocalStoreKey(config.keyFile);
    expect(thrown(open)).toMatchObject({ code: 'ERR_STORE_KEY', message: expect.stringContaining('it is another key') });
  });
});

// Every write waits for the disk, which other tests may keep busy.
describe('the file', { timeout: 60_000 }, () => {
  it('is made 0600 in a 0700 directory, and so are its companions', async () => {
    const store = open();
    await store.put('a', { password: CANARY });
    expect(statSync(path.dirname(config.path)).mode & 0o777).toBe(0o700);
    const files = readdirSync(path.dirname(config.path)).toSorted();
    expect(files).toEqual(['store.db', 'store.db-shm', 'store.db-wal']);
    const modes = files.map((file) => statSync(path.join(path.dirname(config.path), file)).mode & 0o777);
    expect(modes).toEqual([0o600, 0o600, 0o600]);
  });

  it('never holds material in any form, in its log neither', async () => {
    const store = open();
    await store.put('app/db', { password: CANARY, note: `${CANARY} again` });
    await store.stage('app/db', { password: CANARY.repeat(500) }, 'r-1');
    const inLog = readFileSync(`${config.path}-wal`, 'latin1');
    expect(inLog.length).toBeGreaterThan(4096);
    store.close(); // the database itself may be read past SQLite only when it is closed
    const held = inLog + readFileSync(config.path, 'latin1');
    expect(held).toContain('app/db');
    const forms = leakForms(CANARY).flatMap((form) => [form, Buffer.from(form).toString('latin1')]);
    expect(forms.filter((form) => held.includes(form))).toEqual([]);
  });

  it('is refused when it is not ours, is empty, or is garbage, and is left as it was', async () => {
    await filled();
    const whole = readFileSync(config.path);
    const foreign = path.join(directory.path, 'foreign.db');
    new DatabaseSync(foreign).exec('CREATE TABLE t (a)');
    const cases: [string, Buffer][] = [
      ['not a keywheel store', readFileSync(foreign)],
      ['empty', Buffer.alloc(0)],
      ['damaged', Buffer.from('not a database at all, only text\n'.repeat(200))],
      ['damaged', Buffer.concat([Buffer.alloc(100), whole.subarray(100)])],
      ['cut short', whole.subarray(0, whole.length - 100)],
    ];
    for (const [why, bytes] of cases) {
      writeFileSync(config.path, bytes);
      const error = thrown(open);
      expect(error).toMatchObject({ code: 'ERR_STORE_CORRUPT', subject: config.path, hint: expect.stringContaining('restore') });
      expect((error as Error).message).toContain(config.path);
      expect((error as Error).message).toContain(why);
      expect(readFileSync(config.path).equals(bytes)).toBe(true);
    }
  });

  it('is refused when it is gone and its log is still there', async () => {
    const store = open();
    await store.put('a', { password: 'x' });
    const log = readFileSync(`${config.path}-wal`);
    store.close();
    rmSync(config.path);
    writeFileSync(`${config.path}-wal`, log);
    expect(thrown(open)).toMatchObject({
      code: 'ERR_STORE_CORRUPT',
      message: expect.stringContaining('-wal file is still there'),
    });
    expect(existsSync(config.path)).toBe(false);
  });

  it('is refused when a newer keywheel wrote it', async () => {
    await filled();
    edit('PRAGMA user_version = 2');
    expect(thrown(open)).toMatchObject({
      code: 'ERR_STATE_NEWER',
      message: expect.stringContaining('schema version 2, newer than 1'),
    });
  });

  it('gives all it held or ERR_STORE_CORRUPT when it was cut at any offset', async () => {
    await filled();
    const whole = readFileSync(config.path);
    const truth = JSON.stringify(await everything(reopened(whole)));
    const offsets = [0, 1, 15, 16, 99, 100, 4095, 4096, 4097, whole.length - 4096, whole.length - 1];
    for (let at = 512; at < whole.length; at += 1931) offsets.push(at);
    let refused = 0;
    for (const offset of offsets) {
      const seen = await outcome(whole.subarray(0, offset));
      if (seen instanceof Error) refused += 1;
      else expect(seen).toBe(truth);
    }
    expect(refused).toBe(offsets.length);
  });

  it('gives all it held or ERR_STORE_CORRUPT when any of its bytes was changed', async () => {
    await filled();
    const whole = readFileSync(config.path);
    const truth = JSON.stringify(await everything(reopened(whole)));
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const bytes = Buffer.from(whole);
        bytes[at] = (bytes[at] ?? 0) ^ flip;
        const seen = await outcome(bytes);
        if (!(seen instanceof Error)) expect(seen).toBe(truth);
        else expect(leakForms(CANARY).filter((form) => String(seen).includes(form))).toEqual([]);
      }),
      {
        numRuns: 300,
        examples: [
          [18, 1],
          [19, 1],
          [60, 1],
          [68, 255],
        ],
      },
    );
  });

  function reopened(bytes: Uint8Array): LocalStore {
    for (const store of opened.splice(0)) store.close();
    for (const suffix of ['-wal', '-shm']) rmSync(config.path + suffix, { force: true });
    writeFileSync(config.path, bytes);
    return open();
  }

  async function outcome(bytes: Uint8Array): Promise<string | Error> {
    try {
      return JSON.stringify(await everything(reopened(bytes)));
    } catch (error) {
      const known = ['ERR_STORE_CORRUPT', 'ERR_STATE_NEWER', 'ERR_STORE_KEY', 'ERR_STORE_UNAVAILABLE'] as const;
      if (error instanceof Error && known.some((code) => isKeywheelError(error, code))) return error;
      throw error;
    }
  }
});

describe('rows', { timeout: 60_000 }, () => {
  it.each([
    ['a value', "UPDATE versions SET value = zeroblob(60) WHERE secret = 'app/db'"],
    [
      'values that changed places',
      `UPDATE versions SET value = (SELECT value FROM versions o WHERE o.secret = 'app/db' AND o.id <> versions.id LIMIT 1) WHERE secret = 'app/db'`,
    ],
    [
      'rows that changed places',
      `UPDATE versions SET id = 'x' || id; UPDATE versions SET id = (SELECT substr(o.id, 2) FROM versions o WHERE o.secret = versions.secret
       AND o.id <> versions.id AND o.id LIKE 'x%' LIMIT 1) WHERE secret = 'app/db' AND seq = 2`,
    ],
    ['a label', "UPDATE secrets SET current = previous WHERE name = 'app/db'"],
    ['a revision', "UPDATE secrets SET revision = 1 WHERE name = 'app/db'"],
    [
      'a secret under another name',
      "UPDATE secrets SET current = (SELECT current FROM secrets WHERE name = 'web/db') WHERE name = 'app/db'",
    ],
    ['a rotation id', "UPDATE versions SET rotation_id = 'r-9' WHERE rotation_id = 'r-1'"],
    ['a date', "UPDATE versions SET created_at = created_at + 1 WHERE secret = 'app/db'"],
    ['a missing version', "DELETE FROM versions WHERE secret = 'app/db'"],
    ['a missing table', 'DROP TABLE versions'],
  ])('that were tampered with are refused: %s', async (_, sql) => {
    await filled();
    edit(sql);
    const store = open();
    const attempts = await Promise.allSettled([store.describe('app/db'), ...labels.map((label) => store.read('app/db', label))]);
    const errors = attempts.filter((one) => one.status === 'rejected').map((one): unknown => one.reason);
    expect(errors.length).toBeGreaterThan(0);
    for (const error of errors)
      expect(error).toMatchObject({ code: 'ERR_STORE_CORRUPT', message: expect.stringContaining(config.path) });
    expect(attempts.filter((one) => one.status === 'fulfilled').length + errors.length).toBe(4);
  });

  it('of the newest 20 unlabelled versions are kept, with every labelled one; rotation ids are never used again', async () => {
    const store = open();
    await store.put('s', { password: 'start' });
    const ids: string[] = [];
    for (let n = 1; n <= 30; n += 1) {
      const ref = await store.stage('s', { password: `p${n}` }, `r-${n}`);
      await store.publish('s', ref.id, (await store.describe('s'))?.revision ?? '');
      ids.push(ref.id);
    }
    const kept = await Promise.all(ids.map(async (version) => (await store.read('s', { version })) !== undefined));
    expect(kept).toEqual(ids.map((_, n) => n >= 8)); // 30 is current, 29 previous, 9 to 28 are the newest 20
    expect(await store.stage('s', { password: 'again' }, 'r-1')).toMatchObject({ id: ids[0], rotationId: 'r-1' });
    expect((await store.describe('s'))?.labels.pending).toBeUndefined();
    const revision = (await store.describe('s'))?.revision ?? '';
    const gone = { code: 'ERR_STORE_CONFLICT', message: expect.stringContaining('not in the store any more') };
    await expect(store.publish('s', ids[0] ?? '', revision)).rejects.toMatchObject(gone);
  });

  it('of a pending version outlive any number of hand edits', async () => {
    const store = open();
    await store.put('s', { password: 'start' });
    await store.stage('s', { password: 'waits' }, 'r-1');
    for (let n = 0; n < 30; n += 1) await store.put('s', { password: `edit ${n}` });
    expect((await store.read('s', 'pending'))?.value).toEqual({ password: 'waits' });
    expect((await store.read('s', 'previous'))?.value).toEqual({ password: 'edit 28' });
  });
});

describe('discard', () => {
  it('leaves history that was current once', async () => {
    const store = open();
    const first = await store.put('s', { password: 'first' });
    const ref = await store.stage('s', { password: 'second' }, 'r-1');
    await store.publish('s', ref.id, first.revision);
    await store.put('s', { password: 'third' });
    const last = await store.put('s', { password: 'fourth' });
    await store.discard('s', ref.id);
    expect(await store.describe('s')).toEqual(last);
    expect((await store.read('s', { version: ref.id }))?.value).toEqual({ password: 'second' });
  });
});

describe('a value', () => {
  it('opens only under its own key, name and version', () => {
    const key = realRandom.bytes(32);
    const bytes = encrypt(key, realRandom.bytes(12), 'app/db', 'v-1', { password: CANARY });
    expect(decrypt(key, 'app/db', 'v-1', bytes)).toEqual({ password: CANARY });
    expect(decrypt(key, 'app/db', 'v-2', bytes)).toBeUndefined();
    expect(decrypt(key, 'app/d', 'bv-1', bytes)).toBeUndefined();
    expect(decrypt(realRandom.bytes(32), 'app/db', 'v-1', bytes)).toBeUndefined();
    expect(decrypt(key, 'app/db', 'v-1', bytes.subarray(0, 27))).toBeUndefined();
  });

  it('is encrypted afresh each time: two writes of one value share no bytes', async () => {
    const store = open();
    await store.put('s', { password: CANARY });
    await store.put('s', { password: CANARY });
    store.close();
    const db = new DatabaseSync(config.path);
    const values = db
      .prepare('SELECT value FROM versions')
      .all()
      .map((row) => Buffer.from(row['value'] as Uint8Array).toString('hex'));
    db.close();
    expect(values).toHaveLength(2);
    expect(values[0]?.slice(0, 24)).not.toBe(values[1]?.slice(0, 24));
    expect(values[0]?.slice(24, 56)).not.toBe(values[1]?.slice(24, 56));
  });
});

describe('values and names', () => {
  it.each([
    ['nested', { a: {} }],
    ['an array', [1]],
    ['not finite', { a: Number.NaN }],
    ['too large', { a: `${CANARY}${'x'.repeat(65_536)}` }],
  ])('that the port does not allow are refused, and not shown: %s', async (_, value) => {
    const store = open();
    const error = await store.put('s', value as never).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'ERR_SECRET_INVALID', message: expect.stringContaining('cannot be stored') });
    expect(String(error)).not.toContain('canary');
    expect(await store.describe('s')).toBeUndefined();
  });

  it.each(['', 'a\nb', '\u001b[2J', '\ud800', 'x'.repeat(257)])('that would break a line are refused: %j', async (name) => {
    const error = await open()
      .put(name, { a: 1 })
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'ERR_CONFIG_INVALID', message: expect.stringContaining('cannot be used') });
  });

  it('of a secret that was never put: stage and publish say how to put it', async () => {
    const missing = {
      code: 'ERR_SECRET_NOT_FOUND',
      message: expect.stringContaining('nobody'),
      hint: expect.stringContaining('keywheel put'),
    };
    await expect(open().stage('nobody', { a: 1 }, 'r-1')).rejects.toMatchObject(missing);
    await expect(open().publish('nobody', 'v-1', '1')).rejects.toMatchObject(missing);
  });
});

describe('a rehearsal', () => {
  it('makes no file where there is none', async () => {
    const calls: Call[] = [];
    const store = open(rehearsalGate((call) => calls.push(call)));
    await store.put('s', { password: CANARY }, null);
    await store.stage('s', { password: CANARY }, 'r-1');
    expect(existsSync(path.dirname(config.path))).toBe(false);
    expect(calls.map((call) => [call.kind, call.text])).toEqual([
      ['effect', 'local: put s as current if it is new'],
      ['effect', 'local: stage s version v-r-1 as pending (rotation r-1)'],
    ]);
  });

  it('follows its own effects through, refuses what a real run would, and locks nobody out', async () => {
    await filled();
    const before = readFileSync(config.path);
    const rehearsal = open(rehearsalGate(() => undefined));
    const revision = (await rehearsal.describe('app/db'))?.revision ?? '';
    await expect(rehearsal.stage('app/db', { a: 1 }, 'r-2')).rejects.toMatchObject({
      code: 'ERR_STORE_CONFLICT',
      message: expect.stringContaining('pending'),
    });
    await rehearsal.publish('app/db', 'v-r-1', revision);
    expect((await rehearsal.read('app/db', 'current'))?.value).toEqual({ password: `${CANARY}-3` });
    const real = open(openGate(), { busyTimeout: 0 });
    expect((await real.read('app/db', 'current'))?.value).toEqual({ password: `${CANARY}-2` });
    await real.put('web/db', { password: 'while it rehearses' });
    await expect(rehearsal.stage('app/db', { a: 1 }, 'r-3')).resolves.toMatchObject({ id: 'v-r-3' });
    for (const store of opened.splice(0)) store.close();
    expect((await open().describe('app/db'))?.labels.current?.rotationId).toBeUndefined();
    expect(before.length).toBeGreaterThan(0);
  });

  it('tells the exact calls', async () => {
    await filled();
    const calls: Call[] = [];
    const store = open(rehearsalGate((call) => calls.push(call)));
    const revision = (await store.describe('app/db'))?.revision ?? '';
    await store.read('app/db', { version: 'v-r-1' });
    await all(store.list({ prefix: 'app/' }));
    await store.publish('app/db', 'v-r-1', revision);
    await store.discard('app/db', 'v-none');
    expect(calls).toEqual([
      { port: 'store', kind: 'read', text: 'local: describe app/db' },
      { port: 'store', kind: 'read', text: 'local: read app/db at version v-r-1' },
      { port: 'store', kind: 'read', text: 'local: list "app/"*' },
      { port: 'store', kind: 'effect', text: `local: publish app/db version v-r-1 as current if it is at revision ${revision}` },
      { port: 'store', kind: 'effect', text: 'local: discard app/db version v-none' },
    ]);
  });
});

describe('room and locks', () => {
  it('says ERR_STORE_FULL when a quota is reached, loses nothing, and goes on when there is room', async () => {
    await filled();
    const pages = Math.ceil(statSync(config.path).size / 4096);
    const tight = open(openGate(), { maxPages: pages + 1 });
    const big = { password: `${CANARY}${'x'.repeat(60_000)}` };
    const error = await tight.put('app/db', big).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'ERR_STORE_FULL', message: expect.stringContaining('could not be written') });
    expect(leakForms(CANARY).filter((form) => String(error).includes(form))).toEqual([]);
    expect((await tight.read('app/db', 'current'))?.value).toEqual({ password: `${CANARY}-2` });
    tight.close();
    const roomy = open();
    expect((await roomy.read('app/db', 'current'))?.value).toEqual({ password: `${CANARY}-2` });
    await roomy.put('app/db', big);
    expect((await roomy.read('app/db', 'current'))?.value).toEqual(big);
  });

  it('says ERR_STORE_UNAVAILABLE, retryable, when a writer holds on, while readers go on', async () => {
    await filled();
    const store = open(openGate(), { busyTimeout: 20 });
    const hog = new DatabaseSync(config.path);
    hog.exec('BEGIN IMMEDIATE');
    const error = await store.put('app/db', { a: 1 }).catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      retryable: true,
      message: expect.stringContaining('holds it locked'),
    });
    expect((await store.read('app/db', 'current'))?.value).toEqual({ password: `${CANARY}-2` });
    hog.close();
    expect((await store.put('app/db', { a: 1 })).labels.current).toBeDefined();
  });

  it('says ERR_STORE_UNAVAILABLE where no file can be made', () => {
    const error = thrown(() =>
      openLocalStore(
        { ...config, path: path.join(config.keyFile, 'store.db') },
        { clock: manualClock(), random: realRandom, gate: openGate() },
      ),
    );
    expect(error).toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      retryable: false,
      message: expect.stringMatching(/ENOTDIR|EEXIST/),
    });
  });
});
