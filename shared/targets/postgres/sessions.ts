/** Sessions that outlive their password: PostgreSQL checks it at login only, so they must be seen, and ended, by themselves. */
import { KeywheelError } from '../../errors.ts';
import type { Evidence, Slot } from '../port.ts';
import type { Admin, Row, Sql } from './admin.ts';
import { endSessionsStatement, identifier } from './statements.ts';

/** Ends every session that logged in as `slot`, and waits until they are gone. Ending none needs no privilege. */
export async function endSessions(admin: Admin, slot: Slot, timeout: number): Promise<void> {
  const statement = endSessionsStatement(slot);
  await admin.effect(
    statement.told,
    `ending the sessions of ${slot}`,
    async (sql) => {
      try {
        await sql(statement.sql);
      } catch (error) {
        if ((error as { code?: unknown }).code !== '42501') throw error;
        throw new KeywheelError(
          'ERR_TARGET_FORBIDDEN',
          `the sessions of ${slot} are still open, the admin role may not end them`,
          {
            hint: 'GRANT pg_signal_backend TO the admin role; it is tried again, the password is dead already',
            subject: slot,
          },
        );
      }
      await untilGone(sql, slot, timeout);
    },
    () => {},
  );
}

async function untilGone(sql: Sql, slot: Slot, timeout: number): Promise<void> {
  const [{ left, stopped } = {}] = await poll(sql, slot, timeout);
  if (Number(left) === 0) return;
  throw new KeywheelError('ERR_TARGET_FAILED', `${String(left)} sessions of ${slot} are still open after they were told to end`, {
    retryable: true,
    hint: `see pg_stat_activity for what they wait for (waited ${String(stopped)} ms)`,
    subject: slot,
  });
}

/** A backend ends at its next interrupt check. The wait is the server's, so that no timer of ours decides. */
async function poll(sql: Sql, slot: Slot, timeout: number): Promise<Row[]> {
  const step = 20;
  for (let waited = 0; ; waited += step) {
    const rows = await sql(
      'SELECT count(*)::int AS left, $2::int AS stopped FROM pg_stat_activity WHERE usename = $1 AND pid <> pg_backend_pid()',
      [slot, waited],
    );
    if (Number(rows[0]?.['left']) === 0 || waited >= timeout) return rows;
    await sql('SELECT pg_sleep($1)', [step / 1000]);
  }
}

const SESSIONS = `
  SELECT pid, state, backend_start IS NULL AS hidden,
         floor(extract(epoch FROM backend_start) * 1000)::float8 AS login,
         floor(extract(epoch FROM greatest(backend_start, state_change, query_start)) * 1000)::float8 AS used
    FROM pg_stat_activity
   WHERE usename = $1 AND pid <> pg_backend_pid() AND backend_type IS DISTINCT FROM 'parallel worker'`;

/**
 * Who is logged in as `slot` now, by the server's clock. Our own probes are not excluded by name, which anybody could take: each is closed
 * and waited for, so it is not there. A session of a paused worker counts as use, which errs on the safe side.
 */
export async function readUse(admin: Admin, slot: Slot, adminRole: string): Promise<Evidence> {
  const { at, rows } = await admin.read(`read the open sessions of ${slot}`, async (sql) => {
    // The clock first: a login between the two is then seen by this reading, or is newer than it says it is.
    const [clock] = await sql('SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS at');
    return { at: Number(clock?.['at']), rows: await sql(SESSIONS, [slot]) };
  });
  if (rows.some((row) => row['hidden'] === true)) {
    throw new KeywheelError(
      'ERR_TARGET_FORBIDDEN',
      `the use of ${slot} cannot be told, the admin role may not see its sessions`,
      {
        hint: `run as a superuser: GRANT pg_read_all_stats TO ${identifier(adminRole)}`,
        subject: slot,
      },
    );
  }
  const evidence = { source: 'pg_stat_activity', slot, at, sessions: rows.length };
  if (rows.length === 0) return evidence;
  const lastLoginAt = Math.max(...rows.map((row) => Number(row['login'])));
  const lastUsedAt = Math.max(...rows.map((row) => (quiet(row['state']) ? Number(row['used']) : at)));
  return { ...evidence, lastUsedAt, lastLoginAt };
}

/** Active or in a transaction is use at this moment. `disabled`: track_activities is off, so nothing is known, which counts as use. */
const quiet = (state: unknown): boolean => state === 'idle';
