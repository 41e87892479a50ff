/** An account pair as docs/guides/postgres.md sets it up: two login roles that act as one owner role, and an admin with least privilege. */
import { randomBytes } from 'node:crypto';
import type { PostgresTargetConfig } from '../../shared/config/index.ts';
import type { SecretValue } from '../../shared/stores/index.ts';
import { saltOf, scramVerifier } from '../../shared/targets/postgres/scram.ts';
import type { Postgres } from './postgres.ts';

export interface AccountPair {
  readonly database: string;
  readonly ownerRole: string;
  readonly accounts: readonly [string, string];
  readonly admin: { readonly username: string; readonly password: string };
  /** The password that an account was made with. */
  readonly passwords: Readonly<Record<string, string>>;
  /** The value of a secret that names `account` with its first password. */
  value(account?: string): SecretValue;
  /** The target's configuration: dual-account over the pair, without TLS on loopback. */
  config(changes?: Partial<PostgresTargetConfig>): PostgresTargetConfig;
}

export interface PairOptions {
  /** Prefix of every name, so that many pairs fit in one server. */
  readonly name?: string;
  /** false: the admin lacks what only evidence needs. */
  readonly monitoring?: boolean;
}

export async function createAccountPair(server: Postgres, options: PairOptions = {}): Promise<AccountPair> {
  const name = options.name ?? 'app';
  const [owner, a, b, admin] = [`${name}_owner`, `${name}_a`, `${name}_b`, `${name}_admin`] as const;
  const passwords: Record<string, string> = {};
  const verifier = async (role: string): Promise<string> => {
    passwords[role] = randomBytes(24).toString('base64url');
    return scramVerifier(passwords[role], saltOf('setup', role));
  };
  // Before PostgreSQL 16 CREATEROLE is enough, and a membership would let the admin read what the accounts may read.
  const reach = server.version >= 160_000 ? `GRANT ${a}, ${b} TO ${admin} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;` : '';
  await server.query(`CREATE DATABASE ${name}`);
  await server.query(
    `CREATE ROLE ${owner} NOLOGIN;
     CREATE ROLE ${a} LOGIN PASSWORD '${await verifier(a)}' IN ROLE ${owner};
     CREATE ROLE ${b} LOGIN PASSWORD '${await verifier(b)}' IN ROLE ${owner};
     ALTER ROLE ${a} SET role TO '${owner}';
     ALTER ROLE ${b} SET role TO '${owner}';
     COMMENT ON ROLE ${a} IS 'Billing''s login';
     CREATE ROLE ${admin} LOGIN CREATEROLE PASSWORD '${await verifier(admin)}';
     ${reach}
     ${options.monitoring === false ? '' : `GRANT pg_signal_backend, pg_read_all_stats TO ${admin};`}
     CREATE SCHEMA ${name} AUTHORIZATION ${owner};
     SET ROLE ${owner};
     CREATE TABLE ${name}.orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, item text NOT NULL, price numeric);
     INSERT INTO ${name}.orders (item, price) VALUES ('wheel', 12), ('key', 3);`,
    name,
  );
  const adminPassword = passwords[admin] ?? '';
  return {
    database: name,
    ownerRole: owner,
    accounts: [a, b],
    admin: { username: admin, password: adminPassword },
    passwords,
    value: (account = a) => ({
      username: account,
      password: passwords[account] ?? '',
      host: server.host,
      port: server.port,
      dbname: name,
    }),
    config: (changes = {}) => ({
      kind: 'postgres',
      host: server.host,
      port: server.port,
      database: name,
      tls: { mode: 'disable' },
      admin: { username: admin, passwordEnv: 'PGADMIN' },
      accounts: [a, b],
      ownerRole: owner,
      connectTimeout: 3000,
      statementTimeout: 5000,
      ...changes,
    }),
  };
}
