/**
 * The fewest calls that put a new password on the idle account, name it as current, end the old one and see it refused: no look before,
 * no comparison of grants, no fence, no evidence of disuse, no journal. What a careful person types when nothing goes wrong.
 */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { SecretStore } from '../../shared/stores/index.ts';
import { saltOf, scramVerifier, unknowableVerifier } from '../../shared/targets/postgres/scram.ts';
import type { Postgres } from '../helpers/postgres.ts';
import type { Subject } from './keywheel.ts';

/** Milliseconds. */
export async function rotateByHand(server: Postgres, store: SecretStore, { secret, pair }: Subject): Promise<number> {
  const connect = async (user: string, password: string): Promise<pg.Client> => {
    const client = new pg.Client({ host: server.host, port: server.port, database: pair.database, user, password, ssl: false });
    client.on('error', () => {});
    await client.connect();
    return client;
  };
  const turn = `by-hand-${randomBytes(8).toString('hex')}`;
  const from = performance.now();
  const current = await store.read(secret, 'current');
  const state = await store.describe(secret);
  if (current === undefined || state === undefined) throw new Error(`${secret} is not in the store`);
  const old = String(current.value['username']);
  const next = pair.accounts.find((account) => account !== old) ?? '';
  const password = randomBytes(30).toString('base64url');
  const staged = await store.stage(secret, { ...current.value, username: next, password }, turn);
  const admin = await connect(pair.admin.username, pair.admin.password);
  await admin.query(`ALTER ROLE "${next}" PASSWORD '${await scramVerifier(password, saltOf(turn, next))}'`);
  const verified = await connect(next, password);
  await verified.query('SELECT current_user');
  await verified.end();
  await store.publish(secret, staged.id, state.revision);
  await admin.query(`ALTER ROLE "${old}" PASSWORD '${unknowableVerifier(randomBytes)}'`);
  await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [old]);
  const refused = await connect(old, String(current.value['password'])).then(
    () => false,
    (error: unknown) => (error as { code?: unknown }).code === '28P01',
  );
  const ms = performance.now() - from;
  await admin.end();
  if (!refused) throw new Error(`the old password of ${old} is not refused`);
  return ms;
}
