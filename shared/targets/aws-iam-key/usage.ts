/** When a key was last used, as IAM tells it: late, by minutes to hours, and to the minute. */
import type { OwnProbes } from '../http/own-probes.ts';
import type { CredentialId, Evidence, Slot } from '../port.ts';
import type { LastUse } from './api.ts';
import { read, run, type IamContext } from './principal.ts';

/** A read that fails throws: it is no evidence of disuse. A key that is gone is used by nobody. */
export async function lastUsed(context: IamContext, probes: OwnProbes, slot: Slot, id?: CredentialId): Promise<Evidence> {
  const { keys, at } = await read(context);
  const asked = id === undefined ? keys : keys.filter((key) => key.id === id.key);
  const uses: number[] = [];
  for (const key of asked) {
    const use = await run(
      context,
      'read',
      `GetAccessKeyLastUsed AccessKeyId=${key.id}`,
      () => context.api.lastUse(key.id),
      (): LastUse => ({ service: 'N/A' }),
    );
    if (use.at !== undefined && !(use.service === 'sts' && probes.include(key.id, use.at))) uses.push(use.at);
  }
  const reading = { source: 'iam GetAccessKeyLastUsed', slot, at, sessions: 0 };
  if (uses.length === 0) return reading;
  // AWS has no sessions of a key: each request is a login of its own.
  const latest = Math.max(...uses);
  return { ...reading, lastUsedAt: latest, lastLoginAt: latest };
}
