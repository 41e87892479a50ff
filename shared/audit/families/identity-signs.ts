/** I4 to I9: signs that one event shows by itself, against what its principal and the tenant are known for. */
import { FLAG, hasFlag, type AuditEvent } from '../event.ts';
import { sliceIfAny, sliceOf } from '../profiles/profile.ts';
import type { Finding, Scene } from '../scene.ts';
import { netOf } from '../sources/common.ts';
import { bitsOfNew, freshKnown, knewBefore, remember } from '../sketches/known.ts';
import { MOST_CLAIMS, MOST_HOMES, pairOf, TENANT_IDENTITY, type Identity } from './identity-slices.ts';
import { HABITS, isNew, wordHash } from './known.ts';
import { rangesOf } from '../ranges.ts';
import { isNewcomer, isWarm } from './reading.ts';

type Say = (finding: Finding) => void;

const HOUR = 3_600_000;
/** Families of clients that hands hold. A user agent can be forged: who forges one escapes I7, not the others. */
const TOOLS: ReadonlySet<string> = new Set([
  'aws-cli',
  'aws-powershell',
  'azure-cli',
  'azure-powershell',
  'gcloud',
  'vault-cli',
  'browser',
  'console',
  'portal',
]);

/** Where a reader comes from, when that is not where the secret is. */
function homeOf({ principal, account, flags, verb, outcome }: AuditEvent): number {
  if (verb !== 'read' || outcome !== 'ok' || principal.kind === 'service') return 0;
  if (principal.home !== undefined) return principal.home === account ? 0 : wordHash(principal.home);
  return (flags & FLAG.external) === 0 ? 0 : wordHash(principal.id);
}

/** The pair of ranges of a token's address and its caller's, where both are public, of one kind, and differ; else 0. */
function claimOf({ claimIp, net }: AuditEvent): number {
  if (claimIp === undefined || net.kind !== 'public' || net.prefix === undefined || claimIp === net.ip) return 0;
  const claimed = netOf(claimIp);
  if (claimed.kind !== 'public' || claimed.prefix === undefined || claimed.prefix === net.prefix) return 0;
  // One machine speaks IPv4 and IPv6, as it finds the way: RFC 8305.
  if (claimIp.includes(':') !== net.prefix.includes(':')) return 0;
  return pairOf(wordHash(claimed.prefix), wordHash(net.prefix));
}

export function observeSigns(scene: Scene, identity: Identity | undefined, say: Say): void {
  const { event, detectors, settings } = scene;
  if (detectors.I8.enabled && settings.blockedNetworks.length > 0) observeBlocked(scene, say);
  if (event.outcome !== 'ok') return;
  if (detectors.I4.enabled) observeHome(scene, say);
  if (event.claimIp !== undefined && detectors.I5.enabled) observeClaim(scene, say);
  if (event.chain !== undefined && detectors.I6.enabled) observeChain(scene, identity, say);
  const console = hasFlag(event, FLAG.console);
  if (scene.kind === 'workload' && detectors.I7.enabled && (console || TOOLS.has(event.client))) observeTool(scene, say);
  if (console && detectors.I9.enabled) observeConsole(scene, identity, say);
}

function observeBlocked({ event, network, detectors, settings }: Scene, say: Say): void {
  const { outcome, net } = event;
  if (outcome === 'challenge' || outcome === 'throttled' || !rangesOf(settings.blockedNetworks)(net.ip)) return;
  say({
    detector: 'I8',
    bits: detectors.I8.cap,
    floor: detectors.I8.floor,
    observed: `from ${net.ip ?? 'an address'} of the block list`,
    expected: 'nobody from there',
    entity: outcome === 'authfail' && network !== undefined ? 'network' : 'principal',
  });
}

function observeHome(scene: Scene, say: Say): void {
  const { event, tenant } = scene;
  const home = homeOf(event);
  if (home === 0 || !isWarm(scene)) return;
  const homes = sliceIfAny(tenant, TENANT_IDENTITY)?.homes ?? freshKnown();
  if (!isNew(homes, home, event.time - HOUR)) return;
  // Where nobody ever came from elsewhere, the tenant's own events speak a little too.
  const bits = bitsOfNew(homes, 10 + Math.min(50, tenant.n / 10));
  say({
    detector: 'I4',
    bits,
    observed: `a reader of ${event.principal.home ?? 'another account'}`,
    expected: homes.seen.size === 0 ? 'readers of the own accounts' : `${homes.seen.size} other accounts in ${homes.n} reads`,
    entity: 'principal',
  });
}

function observeClaim(scene: Scene, say: Say): void {
  const claim = claimOf(scene.event);
  if (claim === 0 || !isWarm(scene)) return;
  const claims = sliceIfAny(scene.tenant, TENANT_IDENTITY)?.claims;
  // A known way out: seen before today's incident could have begun.
  if (claims !== undefined && knewBefore(claims, claim, scene.event.time - HOUR)) return;
  say({
    detector: 'I5',
    bits: Math.min(4, bitsOfNew(claims ?? freshKnown(), 3)),
    observed: `token of ${scene.event.claimIp ?? ''}, caller ${scene.event.net.ip ?? ''}`,
    expected: 'one address, or a known pair of ranges',
    entity: 'principal',
  });
}

function observeChain({ event, principal, detectors }: Scene, identity: Identity | undefined, say: Say): void {
  const { length = 3 } = detectors.I6.params;
  const chain = event.chain ?? 0;
  const known = identity?.chain ?? 0;
  if (chain < length || chain <= known) return;
  say({
    detector: 'I6',
    bits: (3 + chain - Math.max(length, known)) * (isNewcomer(principal, event.time) ? 0.5 : 1),
    observed: `${chain} roles in a chain`,
    expected: known === 0 ? `fewer than ${length}` : `at most ${known}`,
    entity: 'principal',
  });
}

function observeTool({ event, principal }: Scene, say: Say): void {
  if (isNewcomer(principal, event.time)) return;
  const clients = sliceIfAny(principal, HABITS)?.clients;
  if (clients === undefined || !isNew(clients, wordHash(event.client), event.time)) return;
  // Whoever came with such a tool before is operated by hand at times.
  if ([...TOOLS].some((tool) => knewBefore(clients, wordHash(tool), event.time))) return;
  say({
    detector: 'I7',
    bits: Math.log2((principal.n + 11) / Math.max(0.5, clients.seen.size - 0.5)),
    observed: event.client,
    expected: `none such in ${principal.n} events`,
    entity: 'principal',
  });
}

function observeConsole({ event, principal }: Scene, identity: Identity | undefined, say: Say): void {
  if ((identity?.consoles ?? 0) > 0 || isNewcomer(principal, event.time)) return;
  say({
    detector: 'I9',
    bits: Math.min(3, Math.log2(principal.n / 8)),
    observed: 'from a console or cloud shell',
    expected: `never in ${principal.n} events`,
    entity: 'principal',
  });
}

export function learnSigns(scene: Scene, identity: Identity): void {
  const { event, tenant } = scene;
  if (event.chain !== undefined) identity.chain = Math.max(identity.chain, event.chain);
  if (hasFlag(event, FLAG.console)) identity.consoles += 1;
  const home = homeOf(event);
  if (home !== 0) remember(sliceOf(tenant, TENANT_IDENTITY).homes, home, event.time, MOST_HOMES);
  const claim = claimOf(event);
  if (claim !== 0) remember(sliceOf(tenant, TENANT_IDENTITY).claims, claim, event.time, MOST_CLAIMS);
}
