/** S: many secrets, in whatever time, by whatever call. */
import { FLAG, hasFlag } from '../event.ts';
import { sliceIfAny, sliceOf } from '../profiles/profile.ts';
import type { Finding, Scene } from '../scene.ts';
import type { Known } from '../sketches/known.ts';
import { HABITS, READERSHIP, wordHash } from './known.ts';
import { isWarm, type Reading } from './reading.ts';
import { bucketOf, SWEEP, usualSize, type Sweep } from './sweep-slice.ts';
import { TENANT } from './tenant.ts';

type Say = (finding: Finding) => void;

const MINUTE = 60_000;
const DAY = 86_400_000;
const MOST_RECENT = 512;
const MOST_NOVEL = 96;
/** Until the tenant is known, only a sweep that no start-up makes. */
const COLD_FACTOR = 4;
/** From this many secrets a principal counts as one that reads widely. */
const WIDE = 24;

/** Distinct secrets and new ones among them since `since`, with those of this event. */
function tally(slice: Sweep | undefined, scene: Scene, reading: Reading, since: number): { distinct: number; novel: number } {
  let distinct = 0;
  let novel = 0;
  if (slice !== undefined) {
    for (const { time, novel: fresh } of slice.recent.values()) {
      if (time < since) continue;
      distinct += 1;
      if (fresh) novel += 1;
    }
    for (let at = 0; at < slice.unnamed.length; at += 2) {
      if ((slice.unnamed[at] ?? 0) < since) continue;
      distinct += slice.unnamed[at + 1] ?? 0;
      novel += slice.unnamed[at + 1] ?? 0;
    }
  }
  for (const secret of scene.secrets) {
    const found = slice?.recent.get(secret.hash);
    if (found !== undefined && found.time >= since) continue;
    distinct += 1;
    if (reading.novel.includes(secret)) novel += 1;
  }
  return { distinct: distinct + reading.unnamed, novel: novel + reading.unnamed };
}

export function observeSweep(scene: Scene, reading: Reading, say: Say): void {
  const { event, principal } = scene;
  if (scene.own || hasFlag(event, FLAG.echo | FLAG.system)) return;
  const slice = sliceIfAny(principal, SWEEP);
  if (event.verb === 'read' && event.outcome === 'notfound') observeGuesses(scene, slice, say);
  if (!reading.reads) return;
  if (hasFlag(event, FLAG.catchAll)) observeCatchAll(scene, reading, say);
  const worth = reading.novel.length > 0 || reading.unnamed > 0;
  observeMinutes(scene, reading, slice, worth, say);
  if (worth) {
    observeDays(scene, reading, slice, say);
    observeAfterList(scene, reading, slice, say);
    observeOrder(scene, slice, say);
  }
  observePlaces(scene, slice, say);
  observeVersions(scene, slice, say);
}

function observeMinutes(scene: Scene, reading: Reading, slice: Sweep | undefined, worth: boolean, say: Say): void {
  const { detectors, event } = scene;
  const { params, enabled, floor } = detectors.S1;
  const least = (params['distinct'] ?? 8) * (isWarm(scene) ? 1 : COLD_FACTOR);
  const size = (slice?.recent.size ?? 0) + scene.secrets.length + reading.unnamed;
  if (!enabled || size < 4 || size < least / 2) return;
  const usual = slice === undefined ? undefined : usualSize(slice.sizes);
  const most = (params['times'] ?? 3) * (usual ?? 1);
  // Most readers of many read what they always read: there is nothing to count.
  if (!worth && (usual === undefined || size < Math.max(least, most))) return;
  const { distinct, novel } = tally(slice, scene, reading, event.time - (params['minutes'] ?? 10) * MINUTE);
  const inMinutes = `${distinct} secrets in ${params['minutes'] ?? 10} minutes, ${novel} of them new`;
  const expected = usual === undefined ? 'no more than 7' : `up to ${Math.round(usual)}, 95 % of the time`;
  if (novel >= least && worth) {
    const explained = reading.newcomer && explainedByPeer(scene, slice);
    const bits = (explained ? 3 : 10) + Math.min(5, Math.log2(novel / least) * 3);
    say({ detector: 'S1', bits, observed: inMinutes, expected, entity: 'principal', ...(explained ? {} : { floor }) });
  } else if (distinct >= least && distinct >= most && usual !== undefined) {
    // All of them known: a console page, a restart, or a thief who takes what the principal may have anyway.
    const bits = 6 + Math.min(8, 3 * Math.log2(distinct / most) + novel);
    say({ detector: 'S1', bits, observed: inMinutes, expected, entity: 'principal' });
  } else if (novel >= least / 2 && worth) {
    // In one call there is no start-up that reads one after another.
    const start = reading.newcomer && !hasFlag(event, FLAG.batch);
    const bits = Math.min(9, 2 * (novel - least / 2 + 1)) * (start ? 0.5 : 1);
    say({ detector: 'S1', bits, observed: inMinutes, expected, entity: 'principal' });
  }
}

/**
 * A new workload that reads what one other, narrow workload reads, from where the tenant is at home: the second colour of a deployment.
 */
function explainedByPeer(scene: Scene, slice: Sweep | undefined): boolean {
  const { event, network, tenant, kind } = scene;
  if (kind === 'human' || kind === 'root' || (slice?.peers?.length ?? 0) === 0) return false;
  if (network === undefined) return event.net.kind !== 'public';
  const networks = sliceIfAny(tenant, TENANT)?.networks;
  return (networks?.seen.get(network.hash)?.first ?? Infinity) < event.time - DAY;
}

function observeDays(scene: Scene, reading: Reading, slice: Sweep | undefined, say: Say): void {
  if (!isWarm(scene)) return;
  const { event, detectors, principal } = scene;
  const now = newSince(slice, event.time, DAY) + reading.novel.length;
  const week = newSince(slice, event.time, 7 * DAY) + reading.novel.length;
  // What this principal is used to: new secrets a day since it is known, this day left out.
  const age = Math.max(1, (event.time - principal.first) / DAY);
  const restless = Math.min(6, (sliceIfAny(principal, HABITS)?.secrets?.seen.size ?? 0) / age / 4);
  const names = (n: number, what: string): string => `${n} new secrets in ${what}`;
  const expected = 'one or two, as with a release';
  const few = detectors.S2.params['novel'] ?? 5;
  if (detectors.S2.enabled && now >= few) {
    const bits = (now - few + 1) * 1.5 - restless - (reading.newcomer ? 3 : 0);
    if (bits >= 1) say({ detector: 'S2', bits, observed: names(now, '24 hours'), expected, entity: 'principal' });
  }
  const least = detectors.S3.params['novel'] ?? 10;
  if (detectors.S3.enabled && week >= least - 4) {
    const bits = (week - least + 5) * 1.2 - restless - (reading.newcomer ? 3 : 0);
    if (bits >= 1) say({ detector: 'S3', bits, observed: names(week, '7 days'), expected, entity: 'principal' });
  }
}

const TOLD = 6 * 3_600_000;

/** New secrets in the time before `time`, without those of a sweep that was told and is over. */
function newSince(slice: Sweep | undefined, time: number, span: number): number {
  if (slice === undefined) return 0;
  const over = slice.told !== 0 && time - slice.told > TOLD;
  return countSince(slice.novel, Math.max(time - span, over ? slice.told + 1 : 0));
}

function countSince(pairs: readonly number[], since: number): number {
  let count = 0;
  for (let at = 1; at < pairs.length; at += 2) if ((pairs[at] ?? 0) >= since) count += 1;
  return count;
}

function observeAfterList({ event, detectors }: Scene, reading: Reading, slice: Sweep | undefined, say: Say): void {
  const { enabled, params } = detectors.S4;
  if (!enabled || slice === undefined || slice.listed === 0 || reading.novel.length === 0) return;
  const minutes = (event.time - slice.listed) / MINUTE;
  if (minutes < 0 || minutes > (params['minutes'] ?? 30) || slice.listDays > 2) return;
  const observed = `a new secret read ${Math.round(minutes)} minutes after listing`;
  say({ detector: 'S4', bits: 5, observed, expected: `listed on ${slice.listDays} days before`, entity: 'principal' });
}

function observeOrder(scene: Scene, slice: Sweep | undefined, say: Say): void {
  const { event, detectors } = scene;
  const { enabled, params } = detectors.S9;
  const name = event.secrets[0]?.name ?? '';
  const run = slice === undefined || !goesOn(slice, name, event.time) ? 0 : slice.inOrder + 1;
  if (!enabled || !isWarm(scene) || run < (params['paths'] ?? 6)) return;
  say({
    detector: 'S9',
    bits: 3,
    observed: `${run} new secrets in the order of their names`,
    expected: 'no order',
    entity: 'principal',
  });
}

const goesOn = (slice: Sweep, name: string, time: number): boolean =>
  name > slice.lastName && time - slice.orderTime < 10 * MINUTE;

function observeGuesses({ event, detectors }: Scene, slice: Sweep | undefined, say: Say): void {
  const { enabled, params } = detectors.S6;
  const inWindow = slice !== undefined && slice.missWindow === windowOf(event.time, params['minutes'] ?? 10);
  const misses = (inWindow ? slice.misses : 0) + 1;
  const tries = (inWindow ? slice.tries : 0) + 1;
  if (!enabled || misses < (params['misses'] ?? 6) || misses / tries <= (params['ratio'] ?? 0.3)) return;
  const observed = `${misses} of ${tries} reads named secrets that do not exist`;
  say({ detector: 'S6', bits: Math.min(11, 5 + (misses - 6) / 2), observed, expected: 'less than a third', entity: 'principal' });
}

function observeCatchAll(scene: Scene, reading: Reading, say: Say): void {
  const { event, detectors } = scene;
  const path = hasFlag(event, FLAG.byPath) && !hasFlag(event, FLAG.batch);
  const detector = path ? 'S8' : 'S7';
  if (!detectors[detector].enabled) return;
  // A backup does so every night: known for two days and more, it is only noted.
  const habit = reading.habits?.shapes?.seen.get(reading.shape);
  const usual = habit !== undefined && habit.count >= 2 && event.time - habit.first > DAY;
  if (usual) return;
  const { floor } = detectors[detector];
  say({
    detector,
    bits: 6,
    floor,
    observed: `${event.action} of everything`,
    expected: 'named secrets or one path',
    entity: 'principal',
  });
}

function observePlaces({ event, detectors }: Scene, slice: Sweep | undefined, say: Say): void {
  const { enabled, params } = detectors.S5;
  if (!enabled || slice === undefined || slice.places.length < 2 * ((params['places'] ?? 4) - 1)) return;
  const count = countSince(slice.places, event.time - (params['minutes'] ?? 60) * MINUTE);
  if (count < (params['places'] ?? 4)) return;
  say({
    detector: 'S5',
    bits: Math.min(8, 2 * (count - 1)),
    observed: `first reads in ${count} accounts, vaults or regions within an hour`,
    expected: 'one at a time',
    entity: 'principal',
  });
}

function observeVersions({ event, detectors }: Scene, slice: Sweep | undefined, say: Say): void {
  const { enabled, params } = detectors.S10;
  if (!enabled || slice === undefined || slice.versions.length < 2 * ((params['versions'] ?? 4) - 1)) return;
  const count = countSince(slice.versions.slice(1), event.time - (params['minutes'] ?? 10) * MINUTE);
  if (count < (params['versions'] ?? 4)) return;
  say({
    detector: 'S10',
    bits: 4,
    observed: `${count} versions of one secret`,
    expected: 'the current one',
    entity: 'principal',
  });
}

const windowOf = (time: number, minutes: number): number => Math.floor(time / (minutes * MINUTE));

export function learnSweep(scene: Scene, reading: Reading, quarantined: boolean): void {
  const { event, principal, detectors } = scene;
  if (scene.own || hasFlag(event, FLAG.echo | FLAG.system)) return;
  const lists = event.verb === 'list' && event.outcome === 'ok';
  const missed = event.verb === 'read' && event.outcome === 'notfound';
  if (!lists && !missed && !reading.reads) return;
  const slice = sliceOf(principal, SWEEP);
  const { time } = event;
  if (lists) learnList(slice, time);
  if (missed || reading.reads) learnTry(slice, windowOf(time, detectors.S6.params['minutes'] ?? 10), missed);
  if (!reading.reads) return;
  const window = windowOf(time, 10);
  if (window > slice.window) {
    if (slice.window !== -1 && slice.most > 0) {
      const bucket = bucketOf(slice.most);
      slice.sizes[bucket] = (slice.sizes[bucket] ?? 0) + 1;
    }
    slice.window = window;
    slice.most = 0;
    prune(slice, time - 10 * MINUTE);
  }
  for (const secret of scene.secrets) {
    const found = slice.recent.get(secret.hash);
    const novel = reading.novel.includes(secret);
    if (found !== undefined) {
      found.time = Math.max(found.time, time);
      found.novel ||= novel;
    } else if (slice.recent.size < MOST_RECENT) slice.recent.set(secret.hash, { time, novel });
    if (novel && isWarm(scene)) learnNovel(scene, slice, secret.hash, secret);
  }
  const day = newSince(slice, time, DAY) >= (detectors.S2.params['novel'] ?? 5) + 3;
  if (reading.novel.length > 0 && (day || newSince(slice, time, 7 * DAY) >= (detectors.S3.params['novel'] ?? 10))) {
    slice.told = Math.max(slice.told, time);
  }
  if (reading.unnamed > 0 && slice.unnamed.length < 32) slice.unnamed.push(time, reading.unnamed);
  // A sweep is not to become what is usual.
  if (!quarantined) slice.most = Math.max(slice.most, slice.recent.size);
  learnPlace(scene, slice, reading);
  learnVersion(scene, slice);
  if (reading.novel.length > 0) {
    const name = (event.secrets[0]?.name ?? '').slice(0, 100);
    slice.inOrder = goesOn(slice, name, time) ? slice.inOrder + 1 : 0;
    slice.orderTime = time;
    slice.lastName = name;
  }
}

function learnNovel(scene: Scene, slice: Sweep, hash: number, secret: Scene['secrets'][number]): void {
  const { time } = scene.event;
  for (let at = 0; at < slice.novel.length; at += 2) if (slice.novel[at] === hash) return;
  if (slice.novel.length >= 2 * MOST_NOVEL) slice.novel.splice(0, 2);
  slice.novel.push(hash, time);
  const readers = sliceIfAny(secret, READERSHIP)?.readers.seen;
  const wide = sliceIfAny(scene.tenant, TENANT)?.wide;
  const others = [...(readers?.keys() ?? [])].filter(
    (reader) => reader !== scene.principal.hash && (wide?.get(reader) ?? 0) < 2 * WIDE,
  );
  slice.peers = slice.peers === undefined ? others.slice(0, 24) : slice.peers.filter((reader) => others.includes(reader));
  const known = sliceIfAny(scene.principal, HABITS)?.secrets?.seen.size ?? 0;
  const tenant = sliceIfAny(scene.tenant, TENANT);
  if (known >= WIDE && tenant !== undefined && tenant.wide.size < 256) tenant.wide.set(scene.principal.hash, known);
}

function learnList(slice: Sweep, time: number): void {
  const day = Math.floor(time / DAY);
  if (day > slice.listDay) {
    slice.listDays += slice.listed === 0 ? 0 : 1;
    slice.listDay = day;
  }
  slice.listed = Math.max(slice.listed, time);
}

function learnTry(slice: Sweep, window: number, missed: boolean): void {
  if (window > slice.missWindow) {
    slice.missWindow = window;
    slice.misses = 0;
    slice.tries = 0;
  }
  slice.tries += 1;
  if (missed) slice.misses += 1;
}

function learnPlace({ event }: Scene, slice: Sweep, { habits }: Reading): void {
  note(slice, wordHash(event.account), habits?.places, event.time);
  if (event.region !== undefined) note(slice, wordHash(event.region), habits?.regions, event.time);
}

function note(slice: Sweep, value: number, known: Known | undefined, time: number): void {
  if (known?.seen.has(value) === true || slice.places.includes(value)) return;
  if (slice.places.length >= 32) slice.places.splice(0, 2);
  slice.places.push(value, time);
}

function learnVersion({ event, secrets }: Scene, slice: Sweep): void {
  const [secret] = secrets;
  const version = event.secrets[0]?.version;
  if (secret === undefined || version === undefined || secrets.length > 1) return;
  if (slice.versions[0] !== secret.hash) slice.versions = [secret.hash];
  const hash = wordHash(version);
  if (slice.versions.includes(hash) || slice.versions.length > 32) return;
  slice.versions.push(hash, event.time);
}

function prune(slice: Sweep, before: number): void {
  for (const [hash, { time }] of slice.recent) if (time < before) slice.recent.delete(hash);
  while (slice.unnamed.length > 0 && (slice.unnamed[0] ?? 0) < before) slice.unnamed.splice(0, 2);
}
