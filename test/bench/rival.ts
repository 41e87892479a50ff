/**
 * The rival of the bench: OpenBao's database secrets engine with a static role, which sets a new password on the one account that
 * consumers use. Same PostgreSQL, same consumers (test/helpers/load.ts) as for Keywheel's rotation.
 * https://openbao.org/api-docs/secret/databases/postgresql/
 */
import { setTimeout as delay } from 'node:timers/promises';
import { KeywheelError } from '../../shared/errors.ts';
import { postgresConnect, startLoad } from '../helpers/load.ts';
import type { Credential, LoadOptions, LoadResult } from '../helpers/load.ts';
import type { Postgres } from '../helpers/postgres.ts';
import { peer } from '../peers/index.ts';
import type { OpenBaoClient } from '../peers/index.ts';

const ROLE = 'app';
const CONNECTION = 'bench';

export interface PostgresAdmin {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly adminUser: string;
  readonly adminPassword: string;
}

/** The superuser of a test server, as the rival wants to be given it. */
export function superuserOf({ host, port, superuser }: Postgres): PostgresAdmin {
  return { host, port, database: 'postgres', adminUser: superuser.username, adminPassword: superuser.password };
}

export interface RivalOptions {
  readonly pg: PostgresAdmin;
  /** A login role that exists. OpenBao takes it over: it sets a password at once, when the static role is created. */
  readonly account: string;
  readonly rotations: number;
  /** Milliseconds of load before the first, between two, and after the last rotation. */
  readonly intervalMs: number;
  readonly consumers: Pick<LoadOptions, 'workers' | 'maxCacheAgeMs' | 'onRefusal' | 'pauseMs'>;
}

export interface RivalResult extends LoadResult {
  readonly rotations: number;
  /** The median of `rotate-role` calls, request to answer, in milliseconds. */
  readonly medianMs: number;
  readonly rotationMs: readonly number[];
}

/** ERR_MISSING_PEER where OpenBao cannot be had. Starts and stops a server of its own; leaves the account with a password that nobody knows. */
export async function runOpenBaoStaticRole(options: RivalOptions): Promise<RivalResult> {
  const bao = await peer('openbao');
  if (!bao.available) throw new KeywheelError('ERR_MISSING_PEER', `the rival cannot run, ${bao.reason}`);
  const running = await bao.start({});
  try {
    await configureStaticRole(running.client, options.pg, options.account);
    return await measure(running.client, options);
  } finally {
    await running.stop();
  }
}

/** Mounts the database engine at `database/` with one connection and the static role `app` on `account`. */
export async function configureStaticRole(client: OpenBaoClient, server: PostgresAdmin, account: string): Promise<void> {
  await client.write('sys/mounts/database', { type: 'database' });
  await client.write(`database/config/${CONNECTION}`, {
    plugin_name: 'postgresql-database-plugin',
    allowed_roles: ROLE,
    connection_url: `postgresql://{{username}}:{{password}}@${server.host}:${server.port}/${server.database}?sslmode=disable`,
    username: server.adminUser,
    password: server.adminPassword,
    // The server then gets a verifier in place of the password, as it does from Keywheel.
    password_authentication: 'scram-sha-256',
  });
  // A period so long that only `rotate-role` rotates.
  await client.write(`database/static-roles/${ROLE}`, { db_name: CONNECTION, username: account, rotation_period: '720h' });
}

export function readStaticCredential(client: OpenBaoClient): Promise<Credential> {
  return client.read<Credential>(`database/static-creds/${ROLE}`);
}

export async function rotateStaticRole(client: OpenBaoClient): Promise<void> {
  await client.write(`database/rotate-role/${ROLE}`);
}

async function measure(client: OpenBaoClient, options: RivalOptions): Promise<RivalResult> {
  const load = startLoad({
    ...options.consumers,
    readCredential: () => readStaticCredential(client),
    connect: postgresConnect(options.pg),
  });
  const rotationMs: number[] = [];
  try {
    await delay(options.intervalMs);
    for (let turn = 0; turn < options.rotations; turn++) {
      const from = performance.now();
      await rotateStaticRole(client);
      rotationMs.push(performance.now() - from);
      await delay(options.intervalMs);
    }
  } catch (error) {
    await load.stop();
    throw error;
  }
  return { rotations: rotationMs.length, medianMs: median(rotationMs), rotationMs, ...(await load.stop()) };
}

/** NaN for no numbers. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}
