/** I1 to I3: one credential in two networks, a kind of network that is new, a cloud's role outside of it. */
import { sliceIfAny, type Profile } from '../profiles/profile.ts';
import type { Finding, Scene } from '../scene.ts';
import { knewBefore, type Known } from '../sketches/known.ts';
import {
  credentialOf,
  isMachine,
  isSettled,
  isStable,
  learnCredential,
  mayBeElsewhere,
  observeTwo,
  SETTLED,
} from './identity-credential.ts';
import { KINDS, type Identity } from './identity-slices.ts';
import { HABITS, wordHash } from './known.ts';
import { rangesOf } from '../ranges.ts';

type Say = (finding: Finding) => void;

const HOUR = 3_600_000;
const MOST_KINDS = 10_000;

export function observeNetworks(scene: Scene, identity: Identity, say: Say): void {
  const { event, network, detectors, settings, late } = scene;
  const outside = event.net.kind === 'public';
  const two =
    network !== undefined &&
    !late &&
    detectors.I1.enabled &&
    mayBeElsewhere(identity, network.hash, event.time, detectors.I1.params);
  const change = outside && isMachine(scene) && (identity.kinds[0] ?? 0) === 0 && detectors.I2.enabled;
  const off = outside && isMachine(scene) && network !== undefined && isNewHere(network, event.time) && detectors.I3.enabled;
  if ((!two && !change && !off) || rangesOf(settings.trustedNetworks)(event.net.ip)) return;
  if (two) observeTwo(scene, identity, say);
  if (change) observeKind(scene, identity, say);
  if (off) observeOff(scene, identity, say);
}

function observeKind({ event, principal, network }: Scene, { kinds }: Identity, say: Say): void {
  const n = kinds.reduce((sum, count) => sum + count, 0);
  if (n < SETTLED / 2 || !isSettled(principal, event.time)) return;
  // Others come from there as a rule: our own way out.
  const known = network !== undefined && network.days >= 2 && network.n >= SETTLED;
  const bits = -Math.log2(0.5 / (n + 11)) * (known ? 0.5 : 1);
  const usual = KINDS.filter((_, at) => (kinds[at] ?? 0) > 0);
  say({
    detector: 'I2',
    bits,
    observed: `from the public ${event.net.prefix ?? 'internet'}`,
    expected: `${usual.join(', ')} in ${n} events`,
    entity: 'principal',
  });
}

/** Nobody of the tenant came from it until just now. */
const isNewHere = ({ n, first }: Profile, time: number): boolean => n === 0 || Math.abs(time - first) < HOUR;

function observeOff(scene: Scene, identity: Identity, say: Say): void {
  const { event, principal, network, detectors } = scene;
  if (network === undefined || principal.days < 2 || !isSettled(principal, event.time)) return;
  const habits = sliceIfAny(principal, HABITS);
  const known = habits?.prefixes;
  const inside = (identity.kinds[0] ?? 0) === 0;
  if (!inside && !isStable(principal, known, network.hash)) return;
  if (!isStillThere(known, network.hash, identity, event.time)) return;
  const hash = credentialOf(event);
  const credential = identity.credentials.find((one) => one.hash === hash);
  const both = credential?.seats.some(({ net, last }) => net !== network.hash && Math.abs(event.time - last) <= HOUR) ?? false;
  const client = habits?.clients !== undefined && !knewBefore(habits.clients, wordHash(event.client), event.time - HOUR);
  // A fixed key may be copied to a second machine by its owner; a role's credentials are made for one.
  const role =
    event.principal.session !== undefined || event.principal.credential === undefined || identity.credentials.length > 1;
  const floor = role && (both || client) ? detectors.I3.floor : 0;
  const said = [
    both ? 'with the credential of a machine that is still elsewhere' : '',
    client ? `with a new client, ${event.client}` : '',
  ];
  say({
    detector: 'I3',
    // Alone, a new range is N4's matter: machines are restarted, and fleets grow.
    bits: (both || client ? 6 : 2) + (both ? 3 : 0) + (client ? 3 : 0) + (inside ? 2 : 0),
    ...(floor > 0 && { floor }),
    observed: [`from ${network.key}, new to all`, ...said.filter((text) => text !== '')].join(', '),
    expected: inside ? 'from inside its cloud only' : `its ${known?.seen.size ?? 0} known ranges`,
    entity: 'principal',
  });
}

/** Its own place has not been left: another instance of it was there within the hour. */
function isStillThere(known: Known | undefined, here: number, { inner }: Identity, time: number): boolean {
  if (Math.abs(time - inner) < HOUR) return true;
  if (known === undefined) return false;
  for (const [net, { last }] of known.seen) if (net !== here && Math.abs(time - last) < HOUR) return true;
  return false;
}

export function learnNetworks(scene: Scene, identity: Identity, quarantined: boolean): void {
  const { event, network } = scene;
  const { kind } = event.net;
  if (!quarantined && event.outcome === 'ok' && kind !== 'none') {
    const at = KINDS.indexOf(kind);
    if ((identity.kinds[at] ?? 0) >= MOST_KINDS)
      identity.kinds.forEach((count, each) => (identity.kinds[each] = (count + 1) >> 1));
    identity.kinds[at] = (identity.kinds[at] ?? 0) + 1;
  }
  if (kind === 'service' || kind === 'internal') identity.inner = Math.max(identity.inner, event.time);
  if (network !== undefined && !scene.late) learnCredential(scene, identity, network, quarantined);
}
