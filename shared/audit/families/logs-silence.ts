/** L3: a source of which there always were records has none, while others go on. */
import type { AuditEvent } from '../event.ts';
import { sliceIfAny, sliceOf } from '../profiles/profile.ts';
import type { Finding, Scene } from '../scene.ts';
import type { AuditSettings } from '../settings.ts';
import { dayOf, daysBefore, markDay } from './days.ts';
import { FEEDS, FEED_SLOT, type Feed, type Pause } from './logs-memory.ts';
import { isWorking } from './logs-hours.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
/** A source that was seen on fewer days or less often has no rhythm to break. */
const DAYS = 3;
const EVENTS = 200;
/** Until it went through a weekend, nights tell nothing of how long it rests. */
const WEEK = 7 * DAY;
/** A pause is half forgotten after two weeks. */
const HALF_LIFE = 14 * DAY;

const pauseNow = ({ length, at }: Pause, now: number): number => length * 2 ** (-Math.max(0, now - at) / HALF_LIFE);

/** A pause within one working day; nights, weekends and holidays are rest. */
const isWork = (from: number, to: number, settings: AuditSettings): boolean =>
  to - from < DAY / 2 && isWorking(from, settings) && isWorking(to, settings);

const leastOf = ({ detectors }: Scene): number => (detectors.L3.params['minutes'] ?? 60) * MINUTE;

/** How long it is silent already, when that is too long; else 0. */
function silence(feed: Feed, scene: Scene): number {
  const { event, settings, detectors } = scene;
  const { params } = detectors.L3;
  const quiet = event.time - feed.last;
  if (quiet <= leastOf(scene) || feed.n < EVENTS) return 0;
  if (daysBefore(feed, dayOf(feed.last) + 1) < DAYS) return 0;
  const work = isWork(feed.last, event.time, settings);
  if (!work && feed.last - feed.first < WEEK) return 0;
  const usual = Math.max(pauseNow(feed.work, event.time), work ? 0 : pauseNow(feed.rest, event.time));
  return quiet > (params['times'] ?? 3) * usual ? quiet : 0;
}

export function observeSilence(scene: Scene, say: (finding: Finding) => void): void {
  const { event, detectors } = scene;
  const feeds = sliceIfAny(scene.tenant, FEED_SLOT)?.feeds;
  if (feeds === undefined || !detectors.L3.enabled || scene.late) return;
  // Most events end here: nobody else has been quiet for an hour.
  const since = event.time - leastOf(scene);
  for (const feed of feeds) {
    if (feed.last >= since || feed.said || isOf(feed, event)) continue;
    const quiet = silence(feed, scene);
    if (quiet === 0) continue;
    const usual = Math.max(pauseNow(feed.work, event.time), pauseNow(feed.rest, event.time));
    say({
      detector: 'L3',
      bits: detectors.L3.spec.cap,
      floor: detectors.L3.floor,
      entity: 'tenant',
      observed: `no records of ${feed.source} ${feed.account} for ${lasting(quiet)}`,
      expected: `pauses of at most ${lasting(usual)}`,
      about: `${feed.source}/${feed.account}`,
    });
  }
}

const isOf = (feed: Feed, { source, account }: AuditEvent): boolean => feed.account === account && feed.source === source;

const lasting = (ms: number): string =>
  ms < 120 * MINUTE ? `${Math.max(1, Math.round(ms / MINUTE))} minutes` : `${Math.round(ms / MINUTE / 60)} hours`;

export function learnSilence(scene: Scene): void {
  const { event, tenant, settings } = scene;
  const { feeds } = sliceOf(tenant, FEED_SLOT);
  let own: Feed | undefined;
  const since = event.time - leastOf(scene);
  for (const feed of feeds) {
    if (isOf(feed, event)) own = feed;
    else if (feed.last < since && !feed.said && !scene.late && silence(feed, scene) > 0) feed.said = true;
  }
  if (own === undefined) {
    if (feeds.length >= FEEDS) drop(feeds);
    feeds.push(freshFeed(event));
    return;
  }
  own.n += 1;
  own.first = Math.min(own.first, event.time);
  const day = dayOf(event.time);
  if (day !== own.day) markDay(own, day);
  const pause = event.time - own.last;
  if (pause <= 0) return;
  if (pause > Math.min(pauseNow(own.work, event.time), pauseNow(own.rest, event.time))) {
    const kind = isWork(own.last, event.time, settings) ? own.work : own.rest;
    if (pause > pauseNow(kind, event.time)) {
      kind.length = pause;
      kind.at = event.time;
    }
  }
  own.last = event.time;
  own.said = false;
}

function freshFeed({ source, account, time }: AuditEvent): Feed {
  return {
    source,
    account,
    first: time,
    last: time,
    n: 1,
    day: dayOf(time),
    mask: 1,
    said: false,
    work: { length: 0, at: time },
    rest: { length: 0, at: time },
  };
}

/** The least known of the longest silent: what was told of, then what was seen least. */
function drop(feeds: Feed[]): void {
  const [least] = [...feeds].sort((a, b) => Number(b.said) - Number(a.said) || a.n - b.n || a.last - b.last);
  if (least !== undefined) feeds.splice(feeds.indexOf(least), 1);
}
