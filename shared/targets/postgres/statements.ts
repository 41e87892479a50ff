/** SQL as it is sent, and as it is told: a verifier is masked and the fence is named, so that a plan and the real run read the same. */
import { createHash } from 'node:crypto';
import { renderComment, type Mark } from './mark.ts';

/** What one transaction does to one role. */
export interface Change {
  readonly account: string;
  readonly verifier?: string;
  readonly human: string;
  readonly mark: Mark;
}

export interface Statement {
  readonly sql: string;
  readonly told: string;
}

export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** A string literal that means the same whatever standard_conforming_strings says. */
export const literal = (text: string): string => {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes('\\') ? `E${quoted.replaceAll('\\', '\\\\')}` : quoted;
};

const plain = (sql: string): Statement => ({ sql, told: sql });

/**
 * Serialises effects on the accounts until the transaction ends. The key is a hash of the account's name: advisory locks are numbers, and
 * are local to a database, which is the pinned one for every worker. In one order, so that two workers cannot wait for each other.
 */
export function lockStatement(accounts: readonly string[]): Statement {
  const keys = accounts.map((account) =>
    createHash('sha256').update(`keywheel postgres account\0${account}`).digest().readBigInt64BE(0),
  );
  const sorted = [...new Set(keys)].sort((left, right) => (left < right ? -1 : 1));
  return plain(`SELECT ${sorted.map((key) => `pg_advisory_xact_lock(${key})`).join(', ')}`);
}

/**
 * READ COMMITTED, said aloud: with default_transaction_isolation set higher, the marks would be read as they were before the lock was had, and
 * a later worker's would be overwritten.
 */
export function beginStatements(statementTimeout: number): Statement[] {
  // Half, so that a lock that is held too long is reported as such and not as a slow statement.
  const lockTimeout = Math.max(1, Math.floor(statementTimeout / 2));
  return [
    plain('BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE'),
    plain(`SET LOCAL lock_timeout = ${lockTimeout}`),
    plain(`SET LOCAL statement_timeout = ${statementTimeout}`),
  ];
}

export function commentsStatement(accounts: readonly string[]): Statement {
  const names = accounts.map(literal).join(', ');
  return plain(`SELECT rolname, shobj_description(oid, 'pg_authid') AS comment FROM pg_roles WHERE rolname IN (${names})`);
}

export function changeStatements(change: Change): Statement[] {
  const role = identifier(change.account);
  const comment = (fence?: string): string =>
    `COMMENT ON ROLE ${role} IS ${literal(renderComment(change.human, change.mark, fence))}`;
  const marked: Statement = { sql: comment(), told: comment('<fence>') };
  if (change.verifier === undefined) return [marked];
  const set = (verifier: string): string => `ALTER ROLE ${role} PASSWORD '${verifier}'`;
  return [{ sql: set(change.verifier), told: set('<verifier>') }, marked];
}

export function endSessionsStatement(account: string): Statement {
  return plain(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = ${literal(account)} AND pid <> pg_backend_pid()`,
  );
}

export const tell = (statements: readonly Statement[]): string => statements.map((statement) => statement.told).join('; ');
