/** Pairs of accounts of a real PostgreSQL, each used by one cell after another, and what really logs in there. */
import type { Client } from 'pg';
import type { SecretValue } from '../../shared/stores/index.ts';
import { saltOf, scramVerifier } from '../../shared/targets/postgres/scram.ts';
import { createAccountPair, type AccountPair } from '../helpers/account-pair.ts';
import type { Postgres } from '../helpers/postgres.ts';

/** One account pair, its superuser's connection, and what is known of logins. */
export interface Lane {
  readonly pair: AccountPair;
  readonly watch: Client;
  readonly first: { readonly password: string; readonly verifier: string };
  /** What a login with this material said while the server had this row for the role: it depends on nothing else. */
  readonly logins: Map<string, boolean>;
}

export async function openLane(server: Postgres, name: string): Promise<Lane> {
  const pair = await createAccountPair(server, { name });
  const watch = await server.connect(server.superuser.username, server.superuser.password, pair.database);
  const password = `canary-first-${name}`;
  const verifier = await scramVerifier(password, saltOf('first', pair.accounts[0]), 1);
  return { pair, watch, first: { password, verifier }, logins: new Map() };
}

export async function reset(lane: Lane): Promise<void> {
  const [a, b] = lane.pair.accounts;
  await lane.watch.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IN ('${a}', '${b}');
     ALTER ROLE ${a} LOGIN PASSWORD '${lane.first.verifier}';
     ALTER ROLE ${b} LOGIN PASSWORD NULL;
     COMMENT ON ROLE ${a} IS 'Billing''s login';
     COMMENT ON ROLE ${b} IS NULL`,
  );
  lane.logins.clear();
}

/** A login; asked of the server again whenever the role's row has changed. */
export async function accepts(server: Postgres, lane: Lane, value: SecretValue): Promise<boolean> {
  const username = String(value['username']);
  const { rows } = await lane.watch.query<{ row: string }>(
    `SELECT concat_ws(' ', rolname, rolcanlogin, rolvaliduntil, rolconnlimit, rolpassword) AS row FROM pg_authid WHERE rolname = $1`,
    [username],
  );
  const key = `${rows[0]?.row ?? ''} ${String(value['password'])}`;
  const known = lane.logins.get(key);
  if (known !== undefined) return known;
  const accepted = await login(server, lane, username, String(value['password']));
  lane.logins.set(key, accepted);
  return accepted;
}

async function login(server: Postgres, lane: Lane, username: string, password: string): Promise<boolean> {
  try {
    const client = await server.connect(username, password, lane.pair.database);
    await client.end();
    return true;
  } catch (error) {
    // 28P01: invalid_password. Anything else would say nothing of the material.
    if ((error as { code?: string }).code === '28P01') return false;
    throw error;
  }
}

/** Accounts whose verifier was neither ended by us nor accepts what `current` names. */
export async function strangers(lane: Lane, known: readonly SecretValue[]): Promise<string[]> {
  const named = new Set(known.map((value) => String(value['username'])));
  const { rows } = await lane.watch.query<{ rolname: string }>(
    `SELECT rolname FROM pg_authid
      WHERE rolname = ANY($1) AND rolpassword IS NOT NULL AND coalesce(shobj_description(oid, 'pg_authid'), '') NOT LIKE '%credential=none%'`,
    [[...lane.pair.accounts]],
  );
  return rows.map((row) => row.rolname).filter((name) => !named.has(name));
}
