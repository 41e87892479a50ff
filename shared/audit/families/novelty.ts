/** N: what a principal, a secret or the tenant was never seen with. */
import { FLAG, hasFlag } from '../event.ts';
import { sliceIfAny, sliceOf, type Profile } from '../profiles/profile.ts';
import { rangesOf } from '../ranges.ts';
import type { Finding, Scene } from '../scene.ts';
import { bitsOfChange, bitsOfNew, freshKnown, remember, type Known } from '../sketches/known.ts';
import { HABITS, isNew, LIMIT, READERS_LIMIT, READERSHIP, relation, wordHash, type Relation } from './known.ts';
import { isWarm, type Reading } from './reading.ts';
import { TENANT } from './tenant.ts';

type Say = (finding: Finding) => void;

const DAY = 86_400_000;
/** What peers did lately surprises less when one more does it. */
const PEERS = 0.4;
const RECENT = 30 * DAY;
/** One new secret is what every release brings; more of them are the sweep detectors' matter. */
const ONE_SECRET = 6;
const QUARANTINE = DAY;
/** What stays the same for so long is one observation. */
const EPISODE = DAY / 4;

const times = (n: number): string => `${n} ${n === 1 ? 'event' : 'events'} without`;

export function observeNovelty(scene: Scene, reading: Reading, say: Say): void {
  if (!isWarm(scene) || scene.own || hasFlag(scene.event, FLAG.echo | FLAG.system)) return;
  observeSecrets(scene, reading, say);
  const { event, principal, detectors } = scene;
  if (event.outcome !== 'ok') return;
  if (reading.newcomer && principal.n === 0 && detectors.N7.enabled) {
    say({
      detector: 'N7',
      bits: 2,
      observed: 'first event of this principal',
      expected: 'known principals',
      entity: 'principal',
    });
  }
  const { habits } = reading;
  if (habits === undefined) return;
  observeNetwork(scene, reading, say);
  const one = (detector: 'N2' | 'N5' | 'N6' | 'N9', name: Relation, value: string, weight: number): void => {
    const known = habits[name];
    if (known === undefined || !detectors[detector].enabled || !isNew(known, wordHash(value), event.time)) return;
    const bits = bitsOfChange(known, 10) * weight;
    if (bits >= 2) say({ detector, bits, observed: value, expected: `${times(known.n)} it`, entity: 'principal' });
  };
  one('N5', 'clients', event.client, 0.6);
  if (reading.newcomer) return;
  one('N2', 'places', event.account, 0.5);
  one('N6', 'verbs', event.verb, 0.4);
  if (event.region !== undefined) one('N9', 'regions', event.region, 0.5);
}

function observeSecrets(scene: Scene, { reads, novel, shape, newShape, habits, newcomer }: Reading, say: Say): void {
  if (!reads) return;
  const { event, principal, detectors, tenant } = scene;
  if (newShape && !newcomer && detectors.N10.enabled) {
    const old = hasFlag(event, FLAG.history);
    say({
      detector: 'N10',
      bits: old ? 3 : 4,
      observed: `${event.action}${old ? ' of an old version' : ''}`,
      expected: `${times(habits?.secrets?.n ?? 0)} such a call`,
      entity: 'principal',
    });
  }
  if (shape !== 0 && newShape && hasFlag(event, FLAG.history) && detectors.N11.enabled) {
    say({ detector: 'N11', bits: 2, observed: 'an old version', expected: 'the current version', entity: 'principal' });
  }
  const [first] = novel;
  if (first === undefined) return;
  const known = habits?.secrets ?? freshKnown();
  const readership = sliceIfAny(first, READERSHIP);
  const group = event.principal.group;
  const peers = group !== undefined && readership !== undefined && !isNew(readership.groups, wordHash(group), event.time);
  const name = event.secrets[scene.secrets.indexOf(first)]?.name ?? first.key;
  if (detectors.N1.enabled) {
    const bits = Math.min(ONE_SECRET, bitsOfNew(known, detectors.N1.params['tau'] ?? 10)) * (peers ? PEERS : 1);
    const more = novel.length > 1 ? ` and ${novel.length - 1} more` : '';
    say({
      detector: 'N1',
      bits,
      observed: `first read of ${name}${more}`,
      expected: `${known.n} reads of ${known.seen.size} other secrets`,
      entity: 'principal',
    });
  }
  if (readership !== undefined && detectors.N3.enabled && readership.reads >= (detectors.N3.params['reads'] ?? 20)) {
    const bits = Math.min(newcomer ? 5 : 6.5, bitsOfNew(readership.readers, 10) * 0.7) * (peers ? PEERS : 1);
    const expected = `${readership.readers.seen.size} known readers in ${readership.reads} reads`;
    say({ detector: 'N3', bits, observed: `a new reader of ${name}`, expected, entity: 'principal', about: first.key });
  }
  if (detectors.N8.enabled) observeDormant(scene, first, name, tenant, say);
  void principal;
}

/** Nobody read it for long: since it is remembered, or as long as this tenant is. */
function observeDormant({ event, detectors }: Scene, secret: Profile, name: string, tenant: Profile, say: Say): void {
  const days = detectors.N8.params['days'] ?? 90;
  const readership = sliceIfAny(secret, READERSHIP);
  const since = readership?.lastRead ?? 0;
  const quiet = (event.time - (since === 0 ? tenant.first : since)) / DAY;
  if (since === 0 && (readership?.created ?? 0) !== 0) return;
  if (quiet < 5) return;
  const bits = quiet >= days ? 5 : since === 0 ? 2 : Math.min(4, quiet / 15);
  if (bits < 1.5) return;
  const expected = since === 0 ? `no read in the ${Math.floor(quiet)} days on record` : `last read ${Math.floor(quiet)} days ago`;
  say({ detector: 'N8', bits, observed: `a read of ${name}`, expected, entity: 'principal', about: secret.key });
}

function observeNetwork(scene: Scene, { habits, newcomer }: Reading, say: Say): void {
  const { event, network, detectors, settings } = scene;
  const { prefix, wide, kind } = event.net;
  if (network === undefined || prefix === undefined || wide === undefined || !detectors.N4.enabled || newcomer) return;
  if (kind !== 'public' && kind !== 'private') return;
  if (rangesOf(settings.trustedNetworks)(event.net.ip)) return;
  const known = habits?.prefixes;
  if (known === undefined || !isNew(known, network.hash, event.time)) return;
  let bits = bitsOfChange(known, 10);
  if (isNew(habits?.wides, wordHash(wide), event.time)) bits += 2;
  const tenant = sliceIfAny(scene.tenant, TENANT);
  const others = tenant !== undefined && !isNew(tenant.networks, network.hash, event.time - DAY / 24);
  const recent = others && event.time - network.last < RECENT;
  // Inside, machines move as their scheduler likes.
  bits *= recent ? PEERS : 1;
  if (kind === 'private') bits *= 0.5;
  if (!recent && tenant !== undefined && kind === 'public') bits += Math.min(3, bitsOfChange(tenant.networks, 10) / 2);
  if (bits < 2) return;
  const expected = `${known.seen.size} known ${known.seen.size === 1 ? 'range' : 'ranges'} in ${known.n} events`;
  say({ detector: 'N4', bits, observed: `${prefix}${recent ? ', known to others' : ''}`, expected, entity: 'principal' });
}

/** What was quarantined is taken for known only a day later, if it still goes on then. */
export function learnNovelty(scene: Scene, reading: Reading, quarantined: boolean): void {
  const { event, principal, network } = scene;
  if (hasFlag(event, FLAG.echo | FLAG.system)) return;
  const { time } = event;
  learnSecrets(scene, reading, quarantined);
  if (event.outcome !== 'ok') return;
  const habits = sliceOf(principal, HABITS);
  const at = quarantined ? time + QUARANTINE : time;
  const learn = (name: Relation, value: number): void => {
    const known = relation(habits, name);
    if (quarantined && known.seen.has(value)) return;
    remember(known, value, at, LIMIT[name], EPISODE);
  };
  learn('clients', wordHash(event.client));
  learn('places', wordHash(event.account));
  learn('verbs', wordHash(event.verb));
  if (event.region !== undefined) learn('regions', wordHash(event.region));
  if (reading.shape !== 0) learn('shapes', reading.shape);
  if (network !== undefined) {
    learn('prefixes', network.hash);
    if (event.net.wide !== undefined) learn('wides', wordHash(event.net.wide));
    const tenant = sliceOf(scene.tenant, TENANT);
    if (!quarantined || !tenant.networks.seen.has(network.hash)) remember(tenant.networks, network.hash, at, 512, EPISODE);
  }
}

function learnSecrets(scene: Scene, reading: Reading, quarantined: boolean): void {
  const { event, principal } = scene;
  const { time } = event;
  const at = quarantined ? time + QUARANTINE : time;
  const makes = event.outcome === 'ok' && (event.verb === 'create' || event.verb === 'write') && !quarantined;
  if (!makes && !reading.reads) return;
  const known: Known | undefined = reading.reads ? relation(sliceOf(principal, HABITS), 'secrets') : undefined;
  for (const secret of scene.secrets) {
    const readership = sliceOf(secret, READERSHIP);
    if (makes) {
      if (event.verb === 'create' && readership.created === 0) readership.created = time;
      readership.writer = principal.hash;
    }
    if (known === undefined) continue;
    if (!quarantined || !known.seen.has(secret.hash)) remember(known, secret.hash, at, LIMIT.secrets);
    if (!quarantined || !readership.readers.seen.has(principal.hash)) {
      remember(readership.readers, principal.hash, at, READERS_LIMIT);
    }
    const group = event.principal.group;
    if (group !== undefined && !quarantined) remember(readership.groups, wordHash(group), at, 16);
    readership.reads += 1;
    readership.lastRead = Math.max(readership.lastRead, time);
  }
}
