/**
 * Who read a secret last, from the audit events that were scored. It tells of reads of the store, not of logins at the target: a reader that keeps what it read
 * is seen at its last read. No evidence of use is evidence of disuse only for the time that `since` and `asOf` span.
 */
import type { State } from '../../state/index.ts';
import { unpackProfile } from '../pipeline/codec.ts';
import { profileKey } from '../pipeline/state-profiles.ts';
import { sliceIfAny, type Profile } from '../profiles/profile.ts';
import { USAGE, type Usage } from './slot.ts';

/** All times in milliseconds since the epoch. */
interface LastUse {
  /** The newest read; undefined: none since `since`. */
  readonly time: number | undefined;
  /** The principal's id. */
  readonly by: string | undefined;
  /** From when on every read of this would be known: the first that was recorded, or the oldest of those still remembered. */
  readonly since: number;
  /** The newest event of the whole tenant: when it stands still, so does the evidence. */
  readonly asOf: number;
}

interface SecretUse {
  /** The canonical key of the secret. */
  readonly key: string;
  readonly since: number;
  /** The newest event of any kind that touched it. */
  readonly lastEvent: number;
  /** The newest 8 versions or stages that were read, the newest read first; the empty name: without a version, so the current one. */
  readonly versions: readonly { readonly version: string; readonly time: number; readonly by: string }[];
  /** The newest 16 credentials that read it. */
  readonly credentials: readonly { readonly credential: string; readonly time: number; readonly by: string }[];
}

interface UsageQuery {
  /** Undefined when nothing is known of the secret. `version`: as the store's records tell it; absent: any. */
  lastUseOf(secretKey: string, version?: string): Promise<LastUse | undefined>;
  usesOf(secretKey: string): Promise<SecretUse | undefined>;
  /** Of all secrets that any event touched, in no promised order: for reports of orphans and unused grants. */
  all(): AsyncIterable<SecretUse>;
}

const SLOTS = Object.assign([], { [USAGE.index]: USAGE });
const VERSIONS = 8;

/** `tenant` as in keywheel.yaml. ERR_STATE codes. */
export function openUsage(state: State, tenant: string): UsageQuery {
  const profileOf = async (kind: 'secret' | 'tenant', key: string): Promise<Profile | undefined> => {
    const stored = await state.get(profileKey(tenant, kind, key));
    return stored === undefined ? undefined : unpackProfile(stored.value, SLOTS);
  };
  return {
    async lastUseOf(secretKey, version) {
      const [secret, all] = await Promise.all([profileOf('secret', secretKey), profileOf('tenant', tenant)]);
      if (secret === undefined) return undefined;
      const asOf = all?.last ?? secret.last;
      const usage = sliceIfAny(secret, USAGE);
      if (usage === undefined) return { time: undefined, by: undefined, since: secret.first, asOf };
      const uses = [...usage.versions].filter(([name]) => version === undefined || name === version).map(([, use]) => use);
      const newest = uses.toSorted((a, b) => b.time - a.time)[0];
      return { time: newest?.time, by: newest?.by, since: newest === undefined ? sinceOf(secret, usage) : secret.first, asOf };
    },
    async usesOf(secretKey) {
      const secret = await profileOf('secret', secretKey);
      return secret === undefined ? undefined : useOf(secret);
    },
    async *all() {
      for await (const { key, value } of state.list('audit/profile/secret/')) {
        const secret = unpackProfile(value, SLOTS);
        // Another tenant of the same state has other keys for the same secrets.
        if (secret !== undefined && key === profileKey(tenant, 'secret', secret.key)) yield useOf(secret);
      }
    },
  };
}

/** When all places are taken, a version that is not among them may have been read before the oldest of them. */
function sinceOf(secret: Profile, { versions }: Usage): number {
  return versions.size < VERSIONS ? secret.first : Math.min(...[...versions.values()].map(({ time }) => time));
}

function useOf(secret: Profile): SecretUse {
  const usage = sliceIfAny(secret, USAGE);
  const newestFirst = <T extends { readonly time: number }>(uses: readonly T[]): T[] => uses.toSorted((a, b) => b.time - a.time);
  return {
    key: secret.key,
    since: secret.first,
    lastEvent: secret.last,
    versions: newestFirst([...(usage?.versions ?? [])].map(([version, { time, by }]) => ({ version, time, by }))),
    credentials: newestFirst([...(usage?.credentials ?? [])].map(([credential, { time, by }]) => ({ credential, time, by }))),
  };
}
