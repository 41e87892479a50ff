/**
 * Access keys of one IAM user. Strategy: overlap (two keys at most live side by side). docs/guides/api-keys.md has the policy that Keywheel needs,
 * and why each action is in it.
 */
import type { AwsIamKeyTargetConfig } from '../config/index.ts';
import { KeywheelError } from '../errors.ts';
import { openIamApi } from './aws-iam-key/api.ts';
import { keyOf, pairOf, slotOf } from './aws-iam-key/material.ts';
import { find, mint, MOST_KEYS } from './aws-iam-key/mint.ts';
import { preflight } from './aws-iam-key/preflight.ts';
import { admit, newOverlay, type IamContext } from './aws-iam-key/principal.ts';
import { CONSECUTIVE, probeKey } from './aws-iam-key/probe.ts';
import { retire } from './aws-iam-key/retire.ts';
import { lastUsed } from './aws-iam-key/usage.ts';
import { openOwnProbes } from './http/own-probes.ts';
import type { TargetDeps } from './open.ts';
import type { Slot, SupportsMinting, SupportsUsageEvidence, Target } from './port.ts';

export async function openAwsIamKeyTarget(
  config: AwsIamKeyTargetConfig,
  deps: TargetDeps,
): Promise<Target & SupportsMinting & SupportsUsageEvidence> {
  const { clock, gate } = deps;
  const api = openIamApi(config, clock);
  const nonce = (): string => Buffer.from(deps.random.bytes(4)).toString('hex');
  const context: IamContext = { config, api, gate, overlay: newOverlay(), nonce, now: () => clock.now() };
  const probes = openOwnProbes(clock);
  const user = config.userName;
  const regions = config.verifyRegions ?? [config.region];

  return {
    kind: 'aws-iam-key',
    description: `aws access keys of IAM user ${user}${config.account === undefined ? '' : ` in account ${config.account}`}`,
    capability: {
      slots: MOST_KEYS,
      origin: 'provider',
      retire: 'disable-then-delete',
      // A new key is usually known everywhere within 15 seconds; AWS names no bound.
      propagation: { typical: 15_000, max: 300_000 },
      usage: true,
      clockStep: 1000,
    },
    endpoints: regions,
    slots: [user],
    slotOf: (value) => slotOf(config, value),
    keyOf,
    compose() {
      throw new TypeError('IAM makes access keys itself');
    },

    preflight: (_from, _to, stamp) => preflight(context, stamp),
    async apply() {
      throw new TypeError('nothing is applied where IAM makes the material');
    },
    mint: async (slot, marker, current, stamp) => mint(pinned(context, slot), marker, current, stamp),
    find: (marker) => find(context, marker),

    async probe(value, endpoint) {
      if (!regions.includes(endpoint))
        throw new KeywheelError('ERR_CONFIG_INVALID', `region ${endpoint} is not configured`, { subject: endpoint });
      const pair = pairOf(value);
      const text = `sts GetCallerIdentity ${CONSECUTIVE} times as IAM user ${user} in ${endpoint}`;
      return gate.run(
        { port: 'target', kind: 'login', text },
        async () => ({ endpoint, ...(await probes.during(pair.accessKeyId, () => probeKey(config, pair, endpoint))) }),
        () => {
          const { removed, inactive } = context.overlay;
          const dead = removed.has(pair.accessKeyId) || inactive.has(pair.accessKeyId);
          return { outcome: dead ? 'refused' : 'accepted', endpoint, detail: 'rehearsed, nothing was asked' };
        },
      );
    },

    compare: async () => [],
    async fence(stamp) {
      await admit(context, stamp);
    },
    // A key id is never given to another key, so what the probe saw makes no difference: this very key ends.
    retire: async (id, stamp, _seen) => retire(pinned(context, id.slot), id, stamp),
    lastUsed: async (slot, id) => lastUsed(pinned(context, slot), probes, slot, id),
    close: () => api.close(),
  };
}

/** The user comes from the configuration alone. */
function pinned(context: IamContext, slot: Slot): IamContext {
  if (slot === context.config.userName) return context;
  throw new KeywheelError('ERR_TARGET_MISMATCH', `IAM user ${slot} is not pinned for this target, so nothing was changed`, {
    hint: `keywheel.yaml pins ${context.config.userName}`,
    subject: slot,
  });
}
