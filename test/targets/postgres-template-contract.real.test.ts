/** The Target contract over a pair as AWS's multi-user template leaves it, once its clone acts as the base. */
import { afterAll, beforeAll } from 'vitest';
import { openGate, rehearsalGate, type Call } from '../../shared/deps.ts';
import { targetContract } from '../contract/target.ts';
import { startPostgres, type Postgres } from '../helpers/postgres.ts';
import { createTemplatePair } from '../helpers/template-pair.ts';
import { consumerOf, nextName, openOver } from './postgres-harness.ts';

let server: Postgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.stop());

targetContract('postgres (a pair of the multi-user template)', {
  async open() {
    const pair = await createTemplatePair(server, { name: nextName() });
    await server.query(`ALTER ROLE ${pair.clone} SET role TO '${pair.base}'`);
    const calls: Call[] = [];
    const observe = (call: Call): void => void calls.push(call);
    return {
      target: openOver(pair.config(), pair.admin.password, openGate(observe)),
      calls,
      adopted: pair.value(),
      rehearsal: async () => openOver(pair.config(), pair.admin.password, rehearsalGate(observe)),
      consumer: (value) => consumerOf(server, pair, value),
      close: async () => {},
    };
  },
});
