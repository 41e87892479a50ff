/**
 * API keys of any vendor with an HTTP API, described in configuration. Strategy: overlap. docs/guides/api-keys.md has examples that work, and says
 * what a vendor without compare-and-set leaves unprotected.
 */
import { readFile } from 'node:fs/promises';
import type { HttpTargetConfig } from '../config/index.ts';
import { KeywheelError } from '../errors.ts';
import type { HttpContext } from './http/context.ts';
import { find, judge, mint, preflight, retire } from './http/keys.ts';
import { list } from './http/list.ts';
import { keyOf, slotOf } from './http/material.ts';
import { openOwnProbes } from './http/own-probes.ts';
import type { Values } from './http/render.ts';
import { verify } from './http/verify.ts';
import type { TargetDeps } from './open.ts';
import type { CredentialId, Evidence, Slot, SupportsMinting, SupportsUsageEvidence, Target } from './port.ts';

/** `lastUsed` is there only where the configuration says where the vendor tells it. */
export async function openHttpTarget(
  config: HttpTargetConfig,
  deps: TargetDeps,
): Promise<Target & SupportsMinting & Partial<SupportsUsageEvidence>> {
  const { clock, gate } = deps;
  const { principal } = config;
  let ca: Promise<string> | undefined;
  const context: HttpContext = {
    config,
    clock,
    gate,
    probes: openOwnProbes(clock),
    overlay: { made: [], removed: new Set() },
    adminValues: async () => adminValues(await deps.adminPassword()),
    async connection() {
      const { timeout } = config;
      if (config.ca === undefined) return { timeout };
      return { timeout, ca: await (ca ??= readCa(config.ca)) };
    },
  };
  const host = new URL(config.baseUrl).host;
  const usage = config.list.lastUsed !== undefined;

  return {
    kind: 'http',
    description: `keys of ${principal} at ${host}`,
    capability: {
      slots: config.limit,
      origin: 'provider',
      retire: config.disable === undefined ? 'delete' : 'disable-then-delete',
      propagation: config.propagation,
      usage,
      clockStep: 1000,
    },
    endpoints: [host],
    slots: [principal],
    slotOf: (value) => slotOf(config, value),
    keyOf,
    compose() {
      throw new TypeError('the vendor makes keys itself');
    },

    preflight: (_from, _to, stamp) => preflight(context, stamp),
    async apply() {
      throw new TypeError('nothing is applied where the vendor makes the material');
    },
    async mint(slot, marker, current, stamp) {
      pinned(config, slot);
      return mint(context, marker, current, stamp);
    },
    find: (marker) => find(context, marker),
    async probe(value, endpoint) {
      if (endpoint !== host)
        throw new KeywheelError('ERR_CONFIG_INVALID', `endpoint ${endpoint} is not configured`, { subject: endpoint });
      slotOf(config, value);
      return verify(context, value, endpoint);
    },
    compare: async () => [],
    async fence(stamp) {
      judge(context, (await list(context)).items, stamp);
    },
    // A vendor gives an id to one key only, so what the probe saw makes no difference: this very key ends.
    async retire(id, stamp, _seen) {
      pinned(config, id.slot);
      await retire(context, id, stamp);
    },
    ...(usage ? { lastUsed: (slot: Slot, id?: CredentialId) => lastUsed(context, slot, id) } : {}),
    async close() {},
  };
}

/** A key that is not listed any more is used by nobody; a list that cannot be read throws. */
async function lastUsed(context: HttpContext, slot: Slot, id?: CredentialId): Promise<Evidence> {
  pinned(context.config, slot);
  const { items, at } = await list(context);
  const uses = items
    .filter((item) => id === undefined || item.id === id.key)
    .filter((item) => item.lastUsedAt !== undefined && !context.probes.include(item.id, item.lastUsedAt))
    .map((item) => Math.min(item.lastUsedAt ?? 0, at));
  const reading = { source: `the list of keys of ${slot}`, slot, at, sessions: 0 };
  // Vendors tell no sessions: each request is a login of its own.
  return uses.length === 0 ? reading : { ...reading, lastUsedAt: Math.max(...uses), lastLoginAt: Math.max(...uses) };
}

/** `{{admin.left}}` and `{{admin.right}}` exist only for a token that has a colon. */
function adminValues(token: string): Values {
  const told = '<admin token>';
  const colon = token.indexOf(':');
  const parts = [
    ['admin.left', { text: token.slice(0, colon), told }],
    ['admin.right', { text: token.slice(colon + 1), told }],
  ] as const;
  return new Map([['admin.token', { text: token, told }], ...(colon < 0 ? [] : parts)]);
}

function pinned(config: HttpTargetConfig, slot: Slot): void {
  if (slot === config.principal) return;
  throw new KeywheelError('ERR_TARGET_MISMATCH', `${slot} is not pinned for this target, so nothing was changed`, {
    hint: `keywheel.yaml pins ${config.principal}`,
    subject: slot,
  });
}

async function readCa(file: string): Promise<string> {
  const pem = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new KeywheelError('ERR_CONFIG_INVALID', `ca ${file} cannot be read (${error.code ?? 'unknown reason'})`, {
      subject: 'ca',
    });
  });
  if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem;
  throw new KeywheelError('ERR_CONFIG_INVALID', `ca ${file} holds no PEM certificate`, { subject: 'ca' });
}
