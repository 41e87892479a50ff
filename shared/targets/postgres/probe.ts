/** One fresh login as a consumer would make it, with the six outcomes told apart. */
import { createHash } from 'node:crypto';
import type { PostgresTargetConfig } from '../../config/index.ts';
import type { Gate } from '../../deps.ts';
import { KeywheelError } from '../../errors.ts';
import type { SecretValue } from '../../stores/index.ts';
import type { Probe, Slot } from '../port.ts';
import { address, closeAndWait, connect, destroy, type Endpoint } from './connect.ts';
import { passwordOf, slotOf } from './material.ts';
import { memberPairOf } from './member-pair.ts';
import { failureOf } from './outcomes.ts';

/** What a rehearsal would have made of a slot's password: the digest that was applied, or `retired`. */
export type RehearsedMaterial = Map<Slot, string>;
export const RETIRED = 'retired';
export const digestOf = (password: string): string => createHash('sha256').update(password).digest('hex');

export async function probe(
  config: PostgresTargetConfig,
  gate: Gate,
  endpoint: Endpoint,
  value: SecretValue,
  rehearsed: RehearsedMaterial,
): Promise<Probe> {
  const slot = slotOf(config, value);
  const password = passwordOf(value);
  const text = `login as ${slot} at ${endpoint.name} ${address(endpoint)}/${config.database}`;
  return gate.run(
    { port: 'target', kind: 'login', text },
    () => login(config, endpoint, slot, password),
    () => {
      const live = rehearsed.get(slot);
      const accepted = live === undefined || live === digestOf(password);
      return { outcome: accepted ? 'accepted' : 'refused', endpoint: endpoint.name, detail: 'rehearsed, no login was made' };
    },
  );
}

async function login(config: PostgresTargetConfig, endpoint: Endpoint, slot: Slot, password: string): Promise<Probe> {
  const say = (outcome: Probe['outcome'], detail: string): Probe => ({ outcome, endpoint: endpoint.name, detail });
  try {
    const { client, passwordProved } = await connect(config, endpoint, {
      username: slot,
      password: async () => password,
      applicationName: 'keywheel probe',
    });
    try {
      // With trust, peer or cert in pg_hba.conf any password would seem to work, also one that was retired.
      if (!passwordProved)
        return say('forbidden', 'the server let the login in without asking for its password (pg_hba.conf: trust, peer or cert)');
      const { rows } = await client.query<{ session: string; current: string }>(
        'SELECT session_user AS session, current_user AS current',
      );
      const { session, current } = rows[0] ?? { session: '', current: '' };
      if (session !== slot) return say('forbidden', `the server logged it in as ${session}`);
      const expected = config.accounts.length > 1 ? config.ownerRole : undefined;
      // The member of a pair has what it needs by inheritance; that it acts as itself is found by preflight.
      const asItself = memberPairOf(config)?.member === slot && current === slot;
      if (expected !== undefined && current !== expected && !asItself) {
        return say('forbidden', `the session acts as ${current} and not as ${expected}, so it would own what it creates`);
      }
      return say('accepted', `logged in as ${session}${current === session ? '' : `, acts as ${current}`}`);
    } catch (error) {
      destroy(client);
      throw error;
    } finally {
      await closeAndWait(client, config.connectTimeout);
    }
  } catch (error) {
    if (error instanceof KeywheelError) throw error; // the configuration's fault, not an outcome
    const { outcome, detail } = failureOf(error);
    return say(outcome === 'timeout' || outcome === 'failed' ? 'unreachable' : outcome, detail);
  }
}
