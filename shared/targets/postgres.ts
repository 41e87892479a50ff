/**
 * PostgreSQL 14 and later. Strategies: dual-account (two login roles that act as one owner role, or one that is a member of the other, as AWS's
 * template leaves them) and in-place (one role). docs/guides/postgres.md has the statements that set an account pair up, and why each is needed.
 */
import type { PostgresTargetConfig } from '../config/index.ts';
import { KeywheelError } from '../errors.ts';
import type { TargetDeps } from './open.ts';
import type { Finding, Slot, SupportsReview, SupportsUsageEvidence, Target } from './port.ts';
import { openAdmin } from './postgres/admin.ts';
import { address, checkTls, type Endpoint } from './postgres/connect.ts';
import { applyVerifier, raiseFence, retireCredential, type EffectContext } from './postgres/effects.ts';
import { compareAccounts } from './postgres/compare.ts';
import { checkPinned, compose, passwordOf, slotOf } from './postgres/material.ts';
import { memberPairOf } from './postgres/member-pair.ts';
import { preflightFindings } from './postgres/preflight.ts';
import { reviewValue } from './postgres/review.ts';
import { digestOf, probe, RETIRED, type RehearsedMaterial } from './postgres/probe.ts';
import { DEFAULT_ITERATIONS, saltOf, scramVerifier, unknowableVerifier } from './postgres/scram.ts';
import { readUse } from './postgres/sessions.ts';

export function openPostgresTarget(
  config: PostgresTargetConfig,
  deps: TargetDeps,
): Target & SupportsUsageEvidence & SupportsReview {
  const endpoints: readonly Endpoint[] = config.endpoints ?? [{ name: 'primary', host: config.host, port: config.port }];
  checkAccounts(config);
  checkTls(config, endpoints);
  const { gate } = deps;
  const admin = openAdmin(config, gate, () => deps.adminPassword());
  const { accounts, statementTimeout } = config;
  const material: RehearsedMaterial = new Map();
  const context: EffectContext = { admin, accounts, statementTimeout, rehearsed: new Map() };

  /** PostgreSQL 16 has scram_iterations, before it the count was fixed. */
  const iterations = async (): Promise<number> => {
    const rows = await admin.read('read scram_iterations', (sql) =>
      sql(`SELECT current_setting('scram_iterations', true) AS value`),
    );
    return Number(rows[0]?.['value'] ?? DEFAULT_ITERATIONS);
  };

  const compare = (from: Slot, to: Slot): Promise<Finding[]> =>
    admin.read(`compare what ${pinned(config, from)} and ${pinned(config, to)} may do`, (sql) =>
      compareAccounts(sql, from, to, memberPairOf(config)),
    );

  return {
    kind: 'postgres',
    description: `postgres ${address(config)}/${config.database}`,
    capability: {
      slots: accounts.length,
      origin: 'client',
      retire: 'overwrite',
      // At the primary a change is seen by the next login; readers see it after they have replayed it.
      propagation: { typical: 0, max: 60_000 },
      usage: true,
    },
    endpoints: endpoints.map((endpoint) => endpoint.name),
    slots: accounts,
    slotOf: (value) => slotOf(config, value),
    compose: (slot, current, random) => compose(config, endpoints, pinned(config, slot), current, random),

    async preflight(from, to, stamp) {
      const input = { config, from: pinned(config, from), to: pinned(config, to), stamp };
      const told = `check roles ${[...new Set([from, to, ...(config.ownerRole === undefined ? [] : [config.ownerRole])])].join(', ')}`;
      const findings = await admin.read(told, (sql) => preflightFindings(sql, input));
      if (findings.some((finding) => finding.code === 'account-missing')) return findings;
      return [...findings, ...(await compare(from, to)), ...unseen(config, endpoints)];
    },

    async apply(slot, value, stamp) {
      if (slotOf(config, value) !== pinned(config, slot)) {
        throw new KeywheelError('ERR_SECRET_INVALID', `field "username" of the secret is not ${slot}, which it is applied to`, {
          subject: 'username',
        });
      }
      // Also what another tool left pending: it would be published as it is.
      checkPinned(config, endpoints, value);
      const password = passwordOf(value);
      const verifier = await scramVerifier(password, saltOf(stamp.rotationId, slot), await iterations());
      await applyVerifier(context, slot, verifier, stamp);
      if (gate.rehearsing) material.set(slot, digestOf(password));
    },

    probe(value, name) {
      const endpoint = endpoints.find((each) => each.name === name);
      if (endpoint === undefined)
        throw new KeywheelError('ERR_CONFIG_INVALID', `endpoint ${name} is not configured`, { subject: name });
      return probe(config, gate, endpoint, value, material);
    },

    compare,
    review: (value) => reviewValue(config, value),

    fence: (stamp) => raiseFence(context, stamp),

    async retire(id, stamp, seen) {
      const count = await iterations();
      const slot = pinned(config, id.slot);
      const ended = await retireCredential(context, id, stamp, seen, () =>
        unknowableVerifier((length) => deps.random.bytes(length), count),
      );
      if (gate.rehearsing && ended) material.set(slot, RETIRED);
    },

    lastUsed: (slot) => readUse(admin, pinned(config, slot), config.admin.username),
    close: () => admin.close(),
  };
}

/** Accounts come from the configuration alone; anything else that asks for one is wrong. */
function pinned(config: PostgresTargetConfig, slot: string): string {
  if (config.accounts.includes(slot)) return slot;
  throw new KeywheelError('ERR_TARGET_MISMATCH', `account ${slot} is not pinned for this target, so nothing was changed`, {
    hint: `keywheel.yaml pins ${config.accounts.join(', ')}`,
    subject: slot,
  });
}

function checkAccounts(config: PostgresTargetConfig): void {
  const refuse = (message: string, subject: string): KeywheelError =>
    new KeywheelError('ERR_CONFIG_INVALID', message, { subject });
  const { accounts, ownerRole } = config;
  if (new Set(accounts).size !== accounts.length) throw refuse('accounts names the same role twice', 'accounts');
  if (accounts.includes(config.admin.username))
    throw refuse('admin.username is one of accounts, the admin must be another role', 'admin.username');
  if (accounts.length > 1 && ownerRole === undefined)
    throw refuse('ownerRole is missing, two accounts need a role that owns what they create', 'ownerRole');
  if (accounts.length === 1 && ownerRole === accounts[0])
    throw refuse('ownerRole is the one account itself, it is for two accounts', 'ownerRole');
}

/** pg_stat_activity knows its own server only. */
function unseen(config: PostgresTargetConfig, endpoints: readonly Endpoint[]): Finding[] {
  const elsewhere = endpoints.filter(
    (endpoint) => endpoint.host.toLowerCase() !== config.host.toLowerCase() || endpoint.port !== config.port,
  );
  if (elsewhere.length === 0 || config.accounts.length < 2) return [];
  return [
    {
      code: 'evidence-partial',
      level: 'warning',
      message: `sessions are counted at ${address(config)} only: where ${elsewhere.map((endpoint) => endpoint.name).join(', ')} is another server, a standby for one, its sessions are not seen`,
      hint: 'set consumers.maxCacheAge to the longest that a consumer there may keep the old password',
    },
  ];
}
