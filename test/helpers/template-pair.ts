/**
 * A database and its login as they are before AWS's PostgreSQL rotation templates come, and what the templates then do: their statements, and the
 * versions and labels that they leave in Secrets Manager. SecretsManagerRDSPostgreSQLRotation{Single,Multi}User of
 * https://github.com/aws-samples/aws-secrets-manager-rotation-lambdas
 */
import { randomBytes, randomUUID } from 'node:crypto';
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  UpdateSecretVersionStageCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import type { PostgresTargetConfig } from '../../shared/config/index.ts';
import type { SecretValue } from '../../shared/stores/index.ts';
import { identifier, literal } from '../../shared/targets/postgres/statements.ts';
import type { AccountPair } from './account-pair.ts';
import type { Postgres } from './postgres.ts';

export type Template = 'single-user' | 'multi-user';

export interface TemplatePair extends AccountPair {
  readonly base: string;
  readonly clone: string;
  /** What the first version of the secret holds. */
  value(account?: string): SecretValue;
  /** Runs SQL as an account that logs in with `value`, and gives the rows of the last statement. */
  as(value: SecretValue, sql: string): Promise<readonly Record<string, unknown>[]>;
}

export interface TemplateOptions {
  /** Prefix of every name, so that many fit in one server. */
  readonly name?: string;
  /** The name of the base account; default the prefix. */
  readonly base?: string;
  /** false: the clone is not there yet, as before the multi-user template's first rotation, or under the single-user one. */
  readonly clone?: boolean;
}

/** As GetRandomPassword with the template's EXCLUDE_CHARACTERS: punctuation, but none of :/@"'\ */
function templatePassword(): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&()*+,-.;<=>?[]^_`{|}~';
  return [...randomBytes(31)].map((byte) => alphabet.charAt(byte % alphabet.length)).join('') + '%';
}

/**
 * As on RDS: a master that is no superuser makes the login, and the application makes its own schema with it. One table is somebody else's, granted
 * to the login directly and by default privileges, which is how grants are held where there is no owner role.
 */
export async function createTemplatePair(server: Postgres, options: TemplateOptions = {}): Promise<TemplatePair> {
  const name = options.name ?? 'app';
  const base = options.base ?? name;
  const clone = `${base}_clone`;
  const master = `${name}_master`;
  const passwords: Record<string, string> = { [base]: templatePassword(), [master]: templatePassword() };
  const quote = (role: string): string => identifier(role);
  await server.query(
    `CREATE ROLE ${quote(master)} LOGIN CREATEROLE CREATEDB PASSWORD ${literal(passwords[master] ?? '')};
     GRANT pg_monitor, pg_signal_backend TO ${quote(master)};`,
  );
  await server.query(`CREATE DATABASE ${quote(name)} OWNER ${quote(master)}`);
  const run = async (role: string, password: string, sql: string): Promise<readonly Record<string, unknown>[]> => {
    const client = await server.connect(role, password, name);
    try {
      const results = (await client.query(sql)) as unknown;
      const last = Array.isArray(results) ? (results.at(-1) as unknown) : results;
      return (last as { rows: Record<string, unknown>[] }).rows;
    } finally {
      await client.end();
    }
  };
  const asMaster = (sql: string) => run(master, passwords[master] ?? '', sql);
  await asMaster(
    `CREATE ROLE ${quote(base)} LOGIN PASSWORD ${literal(passwords[base] ?? '')};
     GRANT CREATE ON DATABASE ${quote(name)} TO ${quote(base)};
     CREATE SCHEMA reference; GRANT USAGE ON SCHEMA reference TO ${quote(base)};
     CREATE TABLE reference.prices (item text PRIMARY KEY, price numeric); INSERT INTO reference.prices VALUES ('wheel', 12), ('key', 3);
     GRANT SELECT ON reference.prices TO ${quote(base)};
     ALTER DEFAULT PRIVILEGES IN SCHEMA reference GRANT SELECT ON TABLES TO ${quote(base)};`,
  );
  await run(
    base,
    passwords[base] ?? '',
    `CREATE SCHEMA shop;
     CREATE TABLE shop.orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, item text NOT NULL);
     INSERT INTO shop.orders (item) VALUES ('wheel'), ('key');`,
  );
  const pair: TemplatePair = {
    database: name,
    base,
    clone,
    ownerRole: base,
    accounts: [base, clone],
    admin: { username: master, password: passwords[master] ?? '' },
    passwords,
    value: (account = base) => ({
      engine: 'postgres',
      host: server.host,
      port: server.port,
      username: account,
      password: passwords[account] ?? '',
      dbname: name,
    }),
    config: (changes = {}): PostgresTargetConfig => ({
      kind: 'postgres',
      host: server.host,
      port: server.port,
      database: name,
      tls: { mode: 'disable' },
      admin: { username: master, passwordEnv: 'PGADMIN' },
      accounts: [base, clone],
      ownerRole: base,
      connectTimeout: 3000,
      statementTimeout: 5000,
      ...changes,
    }),
    as: (value, sql) => run(String(value['username']), String(value['password']), sql),
  };
  if (options.clone !== false) {
    passwords[clone] = templatePassword();
    await setAsTemplate(pair, 'multi-user', pair.value(), pair.value(clone));
  }
  return pair;
}

/** setSecret. Single-user: the login changes its own password. Multi-user: the master makes the clone, or changes the password of the one that is there. */
async function setAsTemplate(pair: TemplatePair, template: Template, current: SecretValue, pending: SecretValue): Promise<void> {
  const user = identifier(String(pending['username']));
  const password = literal(String(pending['password']));
  if (template === 'single-user') {
    await pair.as(current, `ALTER USER ${user} WITH PASSWORD ${password}`);
    return;
  }
  const master = { username: pair.admin.username, password: pair.admin.password };
  const there = await pair.as(master, `SELECT 1 FROM pg_roles WHERE rolname = ${literal(String(pending['username']))}`);
  await pair.as(
    master,
    there.length === 0
      ? `CREATE ROLE ${user} WITH LOGIN PASSWORD ${password}; GRANT ${identifier(String(current['username']))} TO ${user}`
      : `ALTER USER ${user} WITH PASSWORD ${password}`,
  );
}

/** The template's own rule for names, which Keywheel does not have. */
const alternateOf = (username: string): string =>
  username.endsWith('_clone') ? username.slice(0, -'_clone'.length) : `${username}_clone`;

const STEPS = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const;

/**
 * One rotation by a template, up to and with step `until`. Nothing is removed at the end: AWSPENDING stays where it is, on the version that is current.
 * @returns the token of its version
 */
export async function rotateAsTemplate(
  client: SecretsManagerClient,
  secret: string,
  pair: TemplatePair,
  template: Template,
  until: (typeof STEPS)[number] = 'finishSecret',
): Promise<string> {
  const token = randomUUID();
  const steps = STEPS.slice(0, STEPS.indexOf(until) + 1);
  const got = await client.send(new GetSecretValueCommand({ SecretId: secret, VersionStage: 'AWSCURRENT' }));
  const current = JSON.parse(got.SecretString ?? '{}') as SecretValue;
  const username = String(current['username']);
  const pending = {
    ...current,
    username: template === 'single-user' ? username : alternateOf(username),
    password: templatePassword(),
  };
  await client.send(
    new PutSecretValueCommand({
      SecretId: secret,
      ClientRequestToken: token,
      SecretString: JSON.stringify(pending),
      VersionStages: ['AWSPENDING'],
    }),
  );
  if (steps.includes('setSecret')) await setAsTemplate(pair, template, current, pending);
  if (steps.includes('testSecret')) await pair.as(pending, 'SELECT now()');
  if (steps.includes('finishSecret')) {
    const move = { SecretId: secret, VersionStage: 'AWSCURRENT', MoveToVersionId: token };
    await client.send(new UpdateSecretVersionStageCommand({ ...move, RemoveFromVersionId: got.VersionId }));
  }
  return token;
}
