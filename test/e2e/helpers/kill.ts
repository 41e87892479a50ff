/** Kills rotations at moments that do not depend on luck. */
import { DatabaseSync } from 'node:sqlite';
import { journalKey, type Phase, type SecretJournal } from '../../../shared/rotation/index.ts';
import { lockStatement } from '../../../shared/targets/postgres/statements.ts';
import { until, type Postgres } from '../../helpers/postgres.ts';
import type { Ended } from './process.ts';
import type { Room } from './room.ts';

const ATTEMPTS = 5;

/** Kills a rotation as soon as it tells `phase`; repeated where the process ended before the signal came. */
export async function killAfter(room: Room, secret: string, phase: Phase, args: readonly string[] = []): Promise<Ended> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const running = room.start(['rotate', secret, '--wait', ...args], {
      onStderr: (text) => {
        if (text.includes(`keywheel: ${secret}: ${phase}\n`)) running.kill();
      },
    });
    const ended = await running.ended;
    if (ended.signal === 'SIGKILL') return ended;
    if (ended.code !== 0) throw new Error(`rotate ended with ${ended.code}: ${ended.stderr}`);
  }
  throw new Error(`the rotation was always faster than the signal at ${phase}`);
}

/**
 * Kills a rotation that has verified and not yet published. Two locks make sure of it: the accounts' own, until the rotation stands before
 * its apply; then the store's, which lets it read and not publish.
 */
export async function killBeforePublish(server: Postgres, room: Room, secret: string): Promise<Ended> {
  const { accounts, database } = room.pair(secret);
  const holder = await server.connect(server.superuser.username, server.superuser.password, database);
  const store = new DatabaseSync(room.file('store.db'));
  const state = await room.openState();
  try {
    await holder.query('BEGIN');
    await holder.query(lockStatement(accounts).sql);
    const running = room.start(['rotate', secret, '--wait']);
    const reached = (phase: Phase): Promise<boolean> =>
      until(`the rotation of ${secret} is ${phase}`, async () => {
        const journal = await state.get<SecretJournal>(journalKey(secret));
        return journal?.value.rotation?.phase === phase ? true : undefined;
      });
    await reached('staged');
    store.exec('BEGIN IMMEDIATE');
    await holder.query('ROLLBACK');
    await reached('verified');
    running.kill();
    const ended = await running.ended;
    store.exec('ROLLBACK');
    return ended;
  } finally {
    store.close();
    await state.close();
    await holder.end();
  }
}
