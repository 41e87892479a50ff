/** The protocol server held to the vendor's documentation, by the vendor's own SDK. */
import { Firestore, FieldPath, FieldValue, Timestamp } from '@google-cloud/firestore';
import type { DocumentReference, Query, WriteResult } from '@google-cloud/firestore';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startFirestoreServer } from './index.ts';
import type { FirestoreServer } from './index.ts';

const status = { invalid: 3, notFound: 5, exists: 6, precondition: 9, aborted: 10, unauthenticated: 16 };
const NAMED = 'projects/p/databases/named';

describe.each(['pessimistic', 'optimistic'] as const)('the Firestore server, %s', (concurrency) => {
  let server: FirestoreServer;
  let db: Firestore;
  let turn = 0;
  let one: DocumentReference;
  const open: Firestore[] = [];
  const connect = (databaseId = '(default)'): Firestore => {
    const made = new Firestore({ ...server.settings, projectId: 'p', databaseId });
    open.push(made);
    return made;
  };
  beforeAll(async () => {
    server = await startFirestoreServer({ concurrency, databases: [NAMED] });
    db = connect();
  });
  beforeEach(() => {
    turn += 1;
    one = db.collection(`c${turn}`).doc('one');
  });
  afterEach(() => server.clear());
  afterAll(async () => {
    for (const made of open) await made.terminate();
    await server.close();
  });
  const failing = async (attempt: Promise<unknown>): Promise<{ code: unknown; message: string }> => {
    const error = await attempt.then(
      () => new Error('it was accepted'),
      (reason: unknown) => reason as Error,
    );
    return { code: 'code' in error ? error.code : undefined, message: error.message };
  };
  const millis = ({ writeTime }: WriteResult) => writeTime.toDate().getTime();

  it('ends 20 concurrent transactions that each add 1 at 20', async () => {
    await one.set({ n: 0 });
    const others = [db, connect(), connect()];
    const add = (client: Firestore) =>
      client.runTransaction(
        async (transaction) => {
          const ref = client.doc(one.path);
          const found = await transaction.get(ref);
          transaction.update(ref, { n: (found.get('n') as number) + 1 });
        },
        { maxAttempts: 10 },
      );
    await Promise.all(Array.from({ length: 20 }, (_, n) => add(others[n % 3] ?? db)));
    expect((await one.get()).get('n')).toBe(20);
  }, 60_000);

  it('refuses a stale lastUpdateTime, and takes the one that is', async () => {
    const first = await one.set({ n: 1 });
    const second = await one.set({ n: 2 });
    expect(await failing(one.update({ n: 3 }, { lastUpdateTime: first.writeTime }))).toEqual({
      code: status.precondition,
      message: expect.stringContaining('does not match the required base version') as string,
    });
    expect(await failing(one.delete({ lastUpdateTime: first.writeTime }))).toMatchObject({ code: status.precondition });
    await one.update({ n: 4 }, { lastUpdateTime: second.writeTime });
    expect((await one.get()).data()).toEqual({ n: 4 });
  });

  it('tells what exists from what does not', async () => {
    expect(await failing(one.update({ n: 1 }))).toMatchObject({
      code: status.notFound,
      message: expect.stringContaining('No document') as string,
    });
    await one.create({ n: 1 });
    expect(await failing(one.create({ n: 2 }))).toMatchObject({
      code: status.exists,
      message: expect.stringContaining('already exists') as string,
    });
    expect(await failing(one.delete({ exists: false }))).toMatchObject({ code: status.exists });
    await one.delete();
    expect(await failing(one.delete({ exists: true }))).toMatchObject({ code: status.notFound });
    await one.delete();
    await one.delete({ exists: false });
  });

  it('gives later update times with each change, also over a deletion, and the old one where nothing changes', async () => {
    const times: Timestamp[] = [];
    for (let n = 0; n < 20; n += 1) times.push((await one.set({ n })).writeTime);
    const same = await one.set({ n: 19 });
    await one.delete();
    times.push((await one.create({ n: 19 })).writeTime);
    expect(same.writeTime.isEqual(times[19] as Timestamp)).toBe(true);
    const values = times.map((time) => time.valueOf());
    expect(values).toEqual([...new Set(values)].toSorted());
  });

  it('commits all or nothing, in order, up to 500 writes', async () => {
    await one.set({ n: 1 });
    const batch = db
      .batch()
      .set(db.doc(`${one.parent.path}/two`), { n: 2 })
      .create(one, { n: 2 });
    expect(await failing(batch.commit())).toMatchObject({ code: status.exists });
    expect((await one.parent.get()).docs.map(({ id }) => id)).toEqual(['one']);
    await db.batch().delete(one).create(one, { n: 5 }).update(one, { m: 6 }).commit();
    expect((await one.get()).data()).toEqual({ n: 5, m: 6 });
    const many = db.batch();
    for (let n = 0; n < 501; n += 1) many.set(one.parent.doc(`n${n}`), {});
    expect(await failing(many.commit())).toMatchObject({
      code: status.invalid,
      message: expect.stringContaining('500') as string,
    });
    expect(await failing(one.update({ n: 1 }, { lastUpdateTime: new Timestamp(1, 1) }))).toMatchObject({ code: status.invalid });
  });

  it('keeps what it is given, and stamps with its own time', async () => {
    const at = Timestamp.fromMillis(1234);
    const value = {
      text: '\u0000\u{1f511}',
      none: null,
      yes: true,
      whole: 7,
      half: 0.5,
      at,
      list: [1, { a: ['b'] }],
      bytes: Buffer.from([1, 2]),
    };
    const written = await one.set({ ...value, stamp: FieldValue.serverTimestamp() });
    const found = await one.get();
    expect(found.data()).toEqual({ ...value, stamp: found.get('stamp') as unknown });
    expect((found.get('stamp') as Timestamp).toMillis()).toBe(millis(written));
    expect(found.updateTime?.isEqual(written.writeTime)).toBe(true);
    await one.update({ whole: FieldValue.increment(2), text: FieldValue.delete() });
    expect(Object.keys((await one.get()).data() ?? {})).not.toContain('text');
    expect((await one.get()).get('whole')).toBe(9);
  });

  it('refuses ids and documents that the vendor refuses', async () => {
    for (const id of ['.', '..', '__x__', '____', 'x'.repeat(1501)]) {
      expect(await failing(one.parent.doc(id).set({}))).toMatchObject({
        code: status.invalid,
        message: expect.stringContaining('Resource id') as string,
      });
    }
    await one.parent.doc('x'.repeat(1500)).set({});
    await one.set({ text: 'x'.repeat(1_048_000) });
    expect(await failing(one.set({ text: 'x'.repeat(1_048_000), more: 'x'.repeat(600) }))).toMatchObject({
      code: status.invalid,
      message: expect.stringContaining('exceeds the maximum allowed size') as string,
    });
    const wide = Object.fromEntries(Array.from({ length: 20_001 }, (_, n) => [`f${n}`, 1]));
    expect(await failing(one.set(wide))).toMatchObject({
      code: status.invalid,
      message: expect.stringContaining('index entries') as string,
    });
    expect(await failing(connect('absent').doc('a/b').get())).toMatchObject({
      code: status.notFound,
      message: expect.stringContaining('absent') as string,
    });
    await connect('named').doc('a/b').get();
  });

  it('lists by the bytes of ids, in ranges and pages', async () => {
    const ids = ['Z', 'a', 'a b', 'a-', 'a0', 'b', '\uffee', '\u{1f511}'];
    for (const id of ids.toReversed()) await one.parent.doc(id).set({ id });
    await one.parent.doc('a').collection('deeper').doc('x').set({});
    const name = FieldPath.documentId();
    const shown = async (query: Query) => (await query.get()).docs.map((doc) => doc.id);
    expect(await shown(one.parent)).toEqual(ids);
    expect(await shown(one.parent.orderBy(name, 'desc').limit(2))).toEqual(['\u{1f511}', '\uffee']);
    expect(await shown(one.parent.where(name, '>=', 'a').where(name, '<', 'b').orderBy(name))).toEqual(['a', 'a b', 'a-', 'a0']);
    expect(await shown(one.parent.orderBy(name).startAfter('a').limit(2))).toEqual(['a b', 'a-']);
    expect(await shown(one.parent.orderBy(name).startAt('b').endAt('\uffee'))).toEqual(['b', '\uffee']);
    expect(await shown(db.collection('empty'))).toEqual([]);
    expect(await failing(one.parent.where('id', '==', 'a').get())).toMatchObject({ code: 12 });
  });

  it('reads many at once and as of an earlier time, not a too early one', async () => {
    const first = await one.set({ n: 1 });
    await one.set({ n: 2 });
    const asOf = (readTime: Timestamp) => db.runTransaction((transaction) => transaction.get(one), { readOnly: true, readTime });
    const [found, missing] = await db.getAll(one, one.parent.doc('missing'), one);
    expect([found?.get('n'), missing?.exists]).toEqual([2, false]);
    expect((await asOf(first.writeTime)).get('n')).toBe(1);
    const early = Timestamp.fromMillis(Date.now() - 3_700_000);
    expect(await failing(asOf(early))).toMatchObject({
      code: status.precondition,
      message: expect.stringContaining('too old') as string,
    });
  });

  it('shows a read-only transaction one moment, and lets it write nothing', async () => {
    await one.set({ n: 1 });
    const seen = await db.runTransaction(
      async (transaction) => {
        const before = await transaction.get(one);
        await one.set({ n: 2 });
        return [before.get('n'), (await transaction.get(one)).get('n')] as unknown[];
      },
      { readOnly: true },
    );
    expect(seen).toEqual([1, 1]);
  });

  it('ends a transaction that is idle for a minute or 270 seconds old', async () => {
    await one.set({ n: 1 });
    for (const waits of [[60_000], [50_000, 50_000, 50_000, 50_000, 50_000, 20_000]]) {
      const attempt = db.runTransaction(
        async (transaction) => {
          for (const wait of waits) {
            await transaction.get(one);
            server.advance(wait);
          }
          transaction.update(one, { n: 2 });
        },
        { maxAttempts: 1 },
      );
      expect(await failing(attempt)).toMatchObject({
        code: status.invalid,
        message: expect.stringContaining('transaction has expired') as string,
      });
    }
    expect((await one.get()).get('n')).toBe(1);
  });

  it('loses an answer, strikes before the effect, and stays silent, as told', async () => {
    server.inject({ method: 'Commit', when: 'after', code: 'DEADLINE_EXCEEDED' });
    expect(await failing(one.create({ n: 1 }))).toMatchObject({ code: 4 });
    expect((await one.get()).get('n')).toBe(1);
    server.inject({ method: 'Commit', code: 'PERMISSION_DENIED', details: 'no' });
    expect(await failing(one.set({ n: 2 }))).toMatchObject({ code: 7, message: expect.stringContaining('no') as string });
    expect((await one.get()).get('n')).toBe(1);
    server.before('Commit', () => server.tamper(`projects/p/databases/(default)/documents/${one.path}`, {}));
    expect(await failing(one.create({ n: 1 }))).toMatchObject({ code: status.exists });
  });

  it('deletes what a TTL policy names when it is told to, never sooner', async () => {
    const collection = `projects/p/databases/(default)/documents/${one.parent.path}`;
    await one.set({ ttl: Timestamp.fromMillis(1000) });
    await one.parent.doc('null').set({ ttl: null });
    await one.parent.doc('number').set({ ttl: 5 });
    expect(server.expire(collection, 'ttl', 999)).toBe(0);
    expect((await one.get()).exists).toBe(true);
    expect(server.expire(collection, 'ttl', 1000)).toBe(1);
    expect((await one.parent.get()).docs.map(({ id }) => id)).toEqual(['null', 'number']);
  });

  if (concurrency === 'pessimistic') {
    it('lets a plain write wait for a transaction that has read the document', async () => {
      await one.set({ n: 0 });
      const order: string[] = [];
      let plain: Promise<unknown> = Promise.resolve();
      await db.runTransaction(async (transaction) => {
        await transaction.get(one);
        plain = one.update({ plain: true }).then(() => order.push('plain'));
        await expect.poll(() => server.calls.filter(({ method }) => method === 'Commit').length).toBe(2);
        order.push('transaction');
        transaction.update(one, { n: 1 });
      });
      await plain;
      expect(order).toEqual(['transaction', 'plain']);
      expect((await one.get()).data()).toEqual({ n: 1, plain: true });
    });
  } else {
    it('aborts a transaction whose document somebody changed', async () => {
      await one.set({ n: 0 });
      const attempt = db.runTransaction(
        async (transaction) => {
          await transaction.get(one);
          await one.update({ n: 5 });
          transaction.update(one, { n: 1 });
        },
        { maxAttempts: 1 },
      );
      expect(await failing(attempt)).toMatchObject({
        code: status.aborted,
        message: expect.stringContaining('Too much contention') as string,
      });
      expect((await one.get()).get('n')).toBe(5);
    });
  }
});
