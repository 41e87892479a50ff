/** docs/guides/postgres.md is what people run, so it is run here. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { saltOf, scramVerifier } from '../../shared/targets/postgres/scram.ts';
import { startPostgres, type Postgres } from '../helpers/postgres.ts';
import { openOver, stampOf } from './postgres-harness.ts';

let server: Postgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.stop());

it('sets up a pair in which preflight finds nothing, and which rotates', async () => {
  const guide = readFileSync(path.join(import.meta.dirname, '../../docs/guides/postgres.md'), 'utf8');
  const blocks = [...guide.matchAll(/```sql\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
  expect(blocks.length).toBe(4);
  await server.query('CREATE DATABASE app');
  for (const block of blocks) await server.query(block, 'app');
  // What \password does.
  for (const role of ['app_a', 'keywheel_admin']) {
    await server.query(`ALTER ROLE ${role} PASSWORD '${await scramVerifier(`${role}-password`, saltOf('guide', role))}'`);
  }
  const target = openOver(
    {
      kind: 'postgres',
      host: server.host,
      port: server.port,
      database: 'app',
      tls: { mode: 'disable' },
      admin: { username: 'keywheel_admin', passwordEnv: 'X' },
      accounts: ['app_a', 'app_b'],
      ownerRole: 'app_owner',
      connectTimeout: 3000,
      statementTimeout: 5000,
    },
    'keywheel_admin-password',
  );
  const current = { username: 'app_a', password: 'app_a-password' };

  expect(await target.preflight('app_a', 'app_b', stampOf())).toEqual([]);
  const next = target.compose('app_b', current, (length) => crypto.getRandomValues(new Uint8Array(length)));
  await target.apply('app_b', next, stampOf());
  expect(await target.probe(next, 'primary')).toMatchObject({ outcome: 'accepted' });
  await target.retire({ slot: 'app_a', key: 'adopted' }, stampOf(), 'accepted');
  expect(await target.probe(current, 'primary')).toMatchObject({ outcome: 'refused' });
  await target.close();
});
