/** P1: tokens that live longer than those of their group, or than anybody's should. */
import { FLAG, hasFlag, type AuditEvent } from '../event.ts';
import { sliceIfAny, sliceOf } from '../profiles/profile.ts';
import type { Finding, Scene } from '../scene.ts';
import { ACT } from './privilege-acts.ts';
import { usualOf, type Usual } from './privilege-habits.ts';
import { dropLeast, GRANTS, GROUPS, type Lifetimes } from './privilege-memory.ts';
import { wordHash } from './known.ts';

const DAY = 86_400;
const HOUR = 3600;
/** The longest session that AWS gives to a role: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
const HALF_DAY = 12 * HOUR;
/** So many tokens of a group tell what it usually gets. */
const ENOUGH = 10;
const MEMORY = 50;
const ENDLESS_USUAL = 3;
const LEAST = 9.5;
const MOST = 10;
const RELATIVE = 6;
/** Made on purpose for somebody; a login only takes what its role gives. */
const MADE_ENDLESS = 8;
/** Where the group has had one about as long. */
const USUAL_LONG = 3;

const makes = ({ verb }: AuditEvent): boolean => verb === 'token' || verb === 'login';

/** Tokens that are only carried are looked at when they are long for anybody. */
export const hasLifetime = (event: AuditEvent): boolean =>
  event.ttl !== undefined && event.outcome === 'ok' && (makes(event) || event.ttl > 30 * DAY);

/** Peers are expected to get alike, but a login and a token made for a job need not be alike. */
const groupOf = ({ principal, verb }: AuditEvent): number => wordHash(`${verb} ${principal.group ?? principal.id}`);

/** `acts` with the bit of a token that is long for anybody. */
export const longAct = ({ event, detectors }: Scene): number =>
  hasLifetime(event) && (event.ttl ?? 0) > (detectors.P1.params['seconds'] ?? 0) ? ACT.longToken : 0;

export function observeLifetime(scene: Scene, acts: number, say: (finding: Finding) => void): void {
  const { event, detectors, tenant } = scene;
  const { enabled, params, floor } = detectors.P1;
  if (!enabled || event.outcome !== 'ok') return;
  const group = sliceIfAny(tenant, GRANTS)?.lifetimes.get(groupOf(event));
  if ((acts & ACT.endless) !== 0 && (group?.endless ?? 0) < ENDLESS_USUAL) {
    const { regular, bits, expected } = usualOf(scene, ACT.endless);
    const observed = `${event.action}: a token without an end`;
    const most = event.verb === 'token' ? MADE_ENDLESS : RELATIVE;
    if (!regular) say({ detector: 'P1', bits: Math.min(most, bits), observed, expected, entity: 'principal' });
  }
  if (!hasLifetime(event)) return;
  const ttl = event.ttl ?? 0;
  const relative = makes(event) && group !== undefined ? relativeBits(group, ttl, params['times'] ?? 4) : 0;
  const long = (acts & ACT.longToken) !== 0;
  if (relative === 0 && !long) return;
  const usual = usualOf(scene, ACT.longToken);
  const absolute = long ? absoluteBits(usual, group, ttl, params['seconds'] ?? 1) : 0;
  const year = long && makes(event) && !usual.regular && ttl > (params['year'] ?? Infinity);
  say({
    detector: 'P1',
    entity: 'principal',
    observed: `a token of ${lasting(ttl)}`,
    bits: Math.max(relative, makes(event) ? absolute : absolute * 0.7),
    expected: relative > 0 && group !== undefined ? `at most ${lasting(2 ** group.most)} for its group` : atMost(params),
    ...(year && floor > 0 ? { floor } : undefined),
  });
}

/** Long for anybody: what it surprises, and more the longer it is. */
function absoluteBits({ regular, bits }: Usual, group: Lifetimes | undefined, ttl: number, seconds: number): number {
  if (regular) return bits;
  const known = group !== undefined && group.n >= ENOUGH && group.most >= Math.log2(ttl) - 1;
  return known ? USUAL_LONG : Math.max(bits, Math.min(MOST, LEAST + Math.log2(ttl / seconds) / 8));
}

const atMost = (params: Readonly<Record<string, number>>): string => `at most ${lasting(params['seconds'] ?? 0)}`;

/** Half a day is what people choose between, and surprises less. */
function relativeBits({ n, most }: Lifetimes, ttl: number, times: number): number {
  const over = Math.log2(ttl) - most - Math.log2(times);
  if (n < ENOUGH || !(over > 0)) return 0;
  return (RELATIVE + Math.min(4, over)) * (ttl <= HALF_DAY ? 0.5 : 1);
}

function lasting(seconds: number): string {
  if (seconds >= 2 * DAY) return `${Math.round(seconds / DAY)} days`;
  if (seconds >= 2 * HOUR) return `${Math.round(seconds / HOUR)} hours`;
  return `${Math.round(seconds / 60)} minutes`;
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000;

export function learnLifetime({ event, tenant }: Scene, quarantined: boolean): void {
  const endless = hasFlag(event, FLAG.endless);
  if (quarantined || !makes(event) || event.outcome !== 'ok' || (event.ttl === undefined && !endless)) return;
  const { lifetimes } = sliceOf(tenant, GRANTS);
  const key = groupOf(event);
  let group = lifetimes.get(key);
  if (group === undefined) {
    if (lifetimes.size >= GROUPS) dropLeast(lifetimes, ({ n, endless: count }) => n + count);
    group = { n: 0, mean: 0, most: 0, endless: 0 };
    lifetimes.set(key, group);
  }
  if (endless) group.endless += 1;
  if (event.ttl === undefined || event.ttl <= 0) return;
  const length = Math.log2(event.ttl);
  group.n += 1;
  group.mean = rounded(group.mean + (length - group.mean) / Math.min(group.n, MEMORY));
  // The longest fades towards the mean, so that one long token is not the measure for ever.
  group.most = rounded(group.n === 1 ? length : Math.max(length, group.most - (group.most - group.mean) / 200));
}
