/** I1: one credential in two networks. */
import type { AuditEvent } from '../event.ts';
import { sliceIfAny, sliceOf, type Profile } from '../profiles/profile.ts';
import type { Finding, Scene } from '../scene.ts';
import { hash48 } from '../sketches/hash.ts';
import { knewBefore, remember, type Known } from '../sketches/known.ts';
import {
  MOST_CREDENTIALS,
  MOST_PAIRS,
  MOST_SEATS,
  MOST_TENANT_PAIRS,
  pairOf,
  STAY,
  TENANT_IDENTITY,
  type Credential,
  type Identity,
  type Pair,
  type Seat,
} from './identity-slices.ts';
import { HABITS, wordHash } from './known.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** From so many events and a day on, a principal's ways are its own. */
export const SETTLED = 20;
/** A pair of networks is learned only when the incident that it may open is over. */
const PAIR_RIPE = HOUR;

/** What is presented: a key, a token; else the session. 0: nothing is told. */
export function credentialOf({ principal }: AuditEvent): number {
  const presented = principal.credential ?? principal.session;
  return presented === undefined ? 0 : hash48(presented);
}

export const isSettled = ({ n, first }: Profile, time: number): boolean => n >= SETTLED && time - first >= DAY;
export const isMachine = ({ kind }: Scene): boolean => kind === 'workload' || kind === 'service';

/** Each network of a stable set is kept for so many days, on average, and one at least. */
const DAYS_EACH = 3;

/** A few networks that it keeps coming back to; not those of a pool, from which it gets another each day. `here` does not count. */
export function isStable({ days }: Profile, known: Known | undefined, here: number): boolean {
  if (known === undefined || known.dropped > 0) return false;
  let others = 0;
  for (const [net, { first, last }] of known.seen) {
    if (net === here) continue;
    others += 1;
    if (last - first < DAY) return false;
  }
  return others > 0 && others * DAYS_EACH <= days;
}

/** Cheap: whether any credential was anywhere else within the time that counts. */
export function mayBeElsewhere(
  { credentials }: Identity,
  net: number,
  time: number,
  { minutes = 10 }: Readonly<Record<string, number>>,
): boolean {
  for (const { seats } of credentials) {
    for (const seat of seats) if (seat.net !== net && Math.abs(time - seat.last) < Math.max(STAY, minutes * MINUTE)) return true;
  }
  return false;
}

/** The stay in another, disjoint network that this event's own stay alternates with. One switch, as of a VPN, is none. */
function alternates({ event, network }: Scene, { seats }: Credential, window: number): Seat | undefined {
  const { time } = event;
  const here = seats.find(({ net }) => net === network?.hash);
  const same = here !== undefined && time - here.last <= STAY;
  const first = same ? Math.min(here.first, time) : time;
  const last = same ? Math.max(here.last, time) : time;
  const wide = wordHash(event.net.wide ?? '');
  return seats.find(
    (one) =>
      one.net !== network?.hash &&
      one.wide !== wide &&
      one.last > first &&
      last > one.first &&
      time - one.last <= window &&
      one.first - time <= window &&
      // One machine speaks IPv4 and IPv6, as it finds the way: RFC 8305.
      (one.six === isSix(event) || one.client !== wordHash(event.client)),
  );
}

const isSix = ({ net }: AuditEvent): boolean => net.prefix?.includes(':') ?? false;

const isLearned = ({ first, last }: Pair, time: number, days: number): boolean =>
  time - first > PAIR_RIPE && time - last < days * DAY;

export function observeTwo(scene: Scene, identity: Identity, say: (finding: Finding) => void): void {
  const { event, principal, network, tenant, detectors } = scene;
  if (network === undefined || !isSettled(principal, event.time)) return;
  const hash = credentialOf(event);
  const credential = hash === 0 ? undefined : identity.credentials.find((one) => one.hash === hash);
  if (credential === undefined || isPool(credential)) return;
  const { minutes = 10, days = 30 } = detectors.I1.params;
  const other = alternates(scene, credential, minutes * MINUTE);
  if (other === undefined || (isOld(principal, network.hash, event.time) && isOld(principal, other.net, event.time))) return;
  const pair = pairOf(network.hash, other.net);
  if (identity.pairs.some((one) => one.pair === pair && isLearned(one, event.time, days))) return;
  const shared = sliceIfAny(tenant, TENANT_IDENTITY)?.pairs.seen.get(pair);
  if (shared !== undefined && shared.count > 1 && event.time - shared.last < days * DAY) return;
  const otherClient = other.client !== wordHash(event.client);
  // Functions and telephones get another network each day: only another client tells them from a thief's.
  const here = isOld(principal, network.hash, event.time) ? other.net : network.hash;
  if (!otherClient && !isStable(principal, sliceIfAny(principal, HABITS)?.prefixes, here)) return;
  const machine = isMachine(scene) && event.principal.session !== undefined;
  // Who often comes from two places is not surprising when it does so again.
  const often = identity.pairs.filter((one) => isLearned(one, event.time, days)).length;
  const bits = (scene.kind === 'human' && !otherClient ? 6 : 8) + (otherClient ? 3 : 0) + (machine ? 3 : 0) - 3 * often;
  if (bits < 1) return;
  say({
    detector: 'I1',
    bits,
    observed: `one credential back and forth between ${network.key} and another range within ${minutes} minutes${otherClient ? ', with another client' : ''}`,
    expected: 'one network at a time',
    entity: 'principal',
  });
}

/** It came from there before yesterday: two such places are both its own. */
const isOld = (principal: Profile, net: number, time: number): boolean =>
  knewBefore(sliceIfAny(principal, HABITS)?.prefixes, net, time - DAY);

/** Seen from so many disjoint networks, it is a pool's or a phone's. */
const isPool = ({ seats }: Credential): boolean =>
  seats.length >= MOST_SEATS && new Set(seats.map(({ wide }) => wide)).size >= MOST_SEATS;

export function learnCredential(scene: Scene, identity: Identity, network: Profile, quarantined: boolean): void {
  const hash = credentialOf(scene.event);
  if (hash === 0) return;
  const credential = credentialIn(identity, hash);
  if (!quarantined && credential.seats.length > 0) {
    const other = alternates(scene, credential, (scene.detectors.I1.params['minutes'] ?? 10) * MINUTE);
    if (other !== undefined) learnPair(scene, identity, pairOf(network.hash, other.net));
  }
  sit(credential, scene.event, network.hash);
}

function learnPair({ event, tenant, principal }: Scene, { pairs }: Identity, pair: number): void {
  const { time } = event;
  const found = pairs.find((one) => one.pair === pair);
  if (found !== undefined) {
    found.first = Math.min(found.first, time);
    found.last = Math.max(found.last, time);
    return;
  }
  pairs.push({ pair, first: time, last: time });
  if (pairs.length > MOST_PAIRS) {
    const oldest = pairs.reduce((least, one) => (one.last < least.last ? one : least));
    pairs.splice(pairs.indexOf(oldest), 1);
  }
  // Once of each principal, and only of those whose ways are known: two thieves' newcomers teach nothing.
  if (isSettled(principal, time)) remember(sliceOf(tenant, TENANT_IDENTITY).pairs, pair, time, MOST_TENANT_PAIRS);
}

const lastOf = ({ seats }: Credential): number => seats.reduce((most, { last }) => Math.max(most, last), 0);

function credentialIn({ credentials }: Identity, hash: number): Credential {
  for (const one of credentials) if (one.hash === hash) return one;
  const made: Credential = { hash, seats: [] };
  if (credentials.length >= MOST_CREDENTIALS) {
    const oldest = credentials.reduce((least, one) => (lastOf(one) < lastOf(least) ? one : least));
    credentials[credentials.indexOf(oldest)] = made;
  } else credentials.push(made);
  return made;
}

function sit({ seats }: Credential, event: AuditEvent, net: number): void {
  const { time } = event;
  for (const seat of seats) {
    if (seat.net !== net) continue;
    if (time > seat.last + STAY) seat.first = time;
    else if (time >= seat.first - STAY) seat.first = Math.min(seat.first, time);
    if (time >= seat.last) {
      seat.last = time;
      seat.client = wordHash(event.client);
    }
    return;
  }
  if (seats.length >= MOST_SEATS) {
    const oldest = seats.reduce((least, one) => (one.last < least.last ? one : least));
    seats.splice(seats.indexOf(oldest), 1);
  }
  const wide = wordHash(event.net.wide ?? '');
  seats.push({ net, wide, client: wordHash(event.client), six: isSix(event), first: time, last: time });
}
