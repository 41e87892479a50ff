/** The application that is rotated under: its database, its account pair, and the role that may change their passwords. */
import { Client } from 'pg';
import { HOST, type Database } from './database.ts';
import { newPassword, scramVerifier } from './scram.ts';

export const DATABASE = 'shop';
export const ACCOUNTS = ['app_a', 'app_b'] as const;
export const OWNER = 'app_owner';
export const ADMIN = 'keywheel_admin';
/** The name that proofs and reports give to the only endpoint. */
export const ENDPOINT = 'primary';

export interface Application {
  readonly serverVersion: string;
  readonly adminPassword: string;
  /** What the application starts with: account A. Account B has no password until the first rotation. */
  readonly first: { readonly username: string; readonly password: string };
}

export async function createApplication(database: Database): Promise<Application> {
  const adminPassword = newPassword();
  const first = { username: ACCOUNTS[0], password: newPassword() };
  const statements = [
    `CREATE ROLE ${OWNER} NOLOGIN`,
    `CREATE ROLE ${ACCOUNTS[0]} LOGIN PASSWORD '${scramVerifier(first.password)}' IN ROLE ${OWNER}`,
    `CREATE ROLE ${ACCOUNTS[1]} LOGIN IN ROLE ${OWNER}`,
    // Whatever an account creates belongs to the owner role, never to one half of the pair.
    ...ACCOUNTS.map((account) => `ALTER ROLE ${account} SET role TO '${OWNER}'`),
    // Least privilege: may set the two passwords, end their sessions and see them. It cannot read a single row.
    `CREATE ROLE ${ADMIN} LOGIN CREATEROLE PASSWORD '${scramVerifier(adminPassword)}'`,
    `GRANT ${ACCOUNTS.join(', ')} TO ${ADMIN} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE`,
    `GRANT pg_signal_backend, pg_read_all_stats TO ${ADMIN}`,
    `CREATE DATABASE ${DATABASE} OWNER ${OWNER}`,
    `REVOKE ALL ON DATABASE ${DATABASE} FROM PUBLIC`,
    `GRANT CONNECT ON DATABASE ${DATABASE} TO ${ADMIN}`,
  ];
  const serverVersion = await asSuperuser(database, 'postgres', async (client) => {
    for (const statement of statements) await client.query(statement);
    const { rows } = await client.query<{ version: string }>(`SELECT current_setting('server_version') AS version`);
    return rows[0]?.version ?? 'unknown';
  });
  await asSuperuser(database, DATABASE, async (client) => {
    await client.query(`SET ROLE ${OWNER}`);
    await client.query(`CREATE TABLE orders (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      placed_by name NOT NULL DEFAULT session_user,
      amount integer NOT NULL,
      placed_at timestamptz NOT NULL DEFAULT now()
    )`);
    await client.query('INSERT INTO orders (amount) SELECT n FROM generate_series(1, 500) AS n');
  });
  return { serverVersion, adminPassword, first };
}

export interface LoginResult {
  readonly outcome: 'refused' | 'accepted' | 'unclear';
  /** The server's SQLSTATE, or the connection's error code. */
  readonly code: string;
}

/** One raw login, by the driver alone: what an old password is worth now. Only 28P01 (invalid_password) counts as refused. */
export async function tryLogin(port: number, login: { username: string; password: string }): Promise<LoginResult> {
  const client = new Client({
    ...login,
    user: login.username,
    host: HOST,
    port,
    database: DATABASE,
    connectionTimeoutMillis: 5000,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return { outcome: 'accepted', code: '00000' };
  } catch (error) {
    const code = sqlState(error);
    return { outcome: code === '28P01' ? 'refused' : 'unclear', code };
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** A code to show: never the driver's message, which may quote what was sent. */
export function sqlState(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'unknown';
}

async function asSuperuser<T>(database: Database, name: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ ...database.superuser, host: HOST, port: database.port, database: name });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
