/** The PostgreSQL target over a real server, a new account pair for each test. */
import type { Call, Gate } from '../../shared/deps.ts';
import { openGate, rehearsalGate, systemClock } from '../../shared/deps.ts';
import type { PostgresTargetConfig } from '../../shared/config/index.ts';
import type { SecretValue } from '../../shared/stores/index.ts';
import { openPostgresTarget } from '../../shared/targets/postgres.ts';
import type { Stamp } from '../../shared/targets/index.ts';
import { realRandom } from '../contract/harness.ts';
import type { TargetHarness } from '../contract/target.ts';
import { createAccountPair, type AccountPair } from '../helpers/account-pair.ts';
import type { Postgres } from '../helpers/postgres.ts';

type PostgresTarget = ReturnType<typeof openPostgresTarget>;

export function openOver(
  config: PostgresTargetConfig,
  password: string | (() => Promise<string>),
  gate: Gate = openGate(),
): PostgresTarget {
  const adminPassword = typeof password === 'string' ? async () => password : password;
  return openPostgresTarget(config, { clock: systemClock, random: realRandom, gate, adminPassword });
}

export const stampOf = (fence = 1, rotationId = 'r1', over: Partial<Stamp> = {}): Stamp => ({
  installation: 'here',
  secret: 'app/db',
  rotationId,
  fence,
  ...over,
});

let count = 0;
export const nextName = (): string => `pair${(count += 1)}`;

export async function consumerOf(server: Postgres, pair: AccountPair, value: SecretValue) {
  const client = await server.connect(String(value['username']), String(value['password']), pair.database);
  return {
    client,
    alive: (): Promise<boolean> =>
      client.query('SELECT 1').then(
        () => true,
        () => false,
      ),
    close: (): Promise<void> => client.end(),
  };
}

export function postgresHarness(server: () => Postgres): TargetHarness {
  return {
    async open() {
      const pair = await createAccountPair(server(), { name: nextName() });
      const calls: Call[] = [];
      const { password } = pair.admin;
      return {
        target: openOver(
          pair.config(),
          password,
          openGate((call) => calls.push(call)),
        ),
        calls,
        adopted: pair.value(),
        rehearsal: async () =>
          openOver(
            pair.config(),
            password,
            rehearsalGate((call) => calls.push(call)),
          ),
        consumer: (value) => consumerOf(server(), pair, value),
        close: async () => {},
      };
    },
  };
}
