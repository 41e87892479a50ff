/** P7: what is destroyed. One whole secret is enough; versions and recoverable deletions count by the hour. */
import { FLAG, hasFlag } from '../event.ts';
import { sliceIfAny, sliceOf } from '../profiles/profile.ts';
import type { Finding, Scene } from '../scene.ts';
import { ACT, endsKey } from './privilege-acts.ts';
import { usualOf } from './privilege-habits.ts';
import { ACTS, DESTROYS, SECRET_WRITERS } from './privilege-memory.ts';
import { deed } from './privilege-single.ts';

const DESTROYING = ACT.destroy | ACT.destroyVersion | ACT.remove | ACT.disableKey;

const DAY = 86_400_000;
const MINUTE = 60_000;
/** Deletions that can be taken back surprise only in such numbers. */
const DELETIONS = 5;
const SINGLE_VERSION = 0.5;

/** Those of the event's secrets that are not this principal's own to tidy up. */
function foreign({ event, principal, secrets }: Scene, acts: number): number[] {
  const others: number[] = [];
  for (const secret of secrets) {
    const writers = sliceIfAny(secret, SECRET_WRITERS);
    const wrote = writers?.creator === principal.hash || writers?.writers.some(({ who }) => who === principal.hash) === true;
    // A whole secret without a way back is nobody's housekeeping, unless it was made for the day.
    const brief = writers?.creator === principal.hash && event.time - writers.created < DAY;
    if (wrote && (brief || !(hasFlag(event, FLAG.force) || endsKey(event)))) continue;
    others.push(secret.hash);
  }
  // Keys and vaults may be named by nothing that is kept.
  return secrets.length === 0 && (acts & ACT.destroy) !== 0 ? [0] : others;
}

/** Distinct ones of the last hour, with these; without a name, each counts. */
function recent({ event, principal, detectors }: Scene, now: readonly number[]): number {
  const since = event.time - (detectors.P7.params['minutes'] ?? 60) * MINUTE;
  const distinct = new Set(now);
  let unnamed = 0;
  for (const { time, secret } of sliceIfAny(principal, ACTS)?.destroys ?? []) {
    if (time <= since || time > event.time) continue;
    if (secret === 0) unnamed += 1;
    else distinct.add(secret);
  }
  return distinct.size + unnamed;
}

export function observeDestroy(scene: Scene, acts: number, say: (finding: Finding) => void): void {
  const { event, detectors } = scene;
  const { enabled, floor, params } = detectors.P7;
  if (!enabled || scene.own || (acts & DESTROYING) === 0) return;
  const others = foreign(scene, acts);
  if (others.length === 0 && (acts & ACT.disableKey) === 0) return;
  const usual = usualOf(scene, acts & DESTROYING & -(acts & DESTROYING));
  const done = event.outcome === 'ok';
  const count = scene.late ? others.length : recent(scene, others);
  const many = count >= (params['count'] ?? 3);
  const whole = (acts & ACT.destroy) !== 0;
  let bits = usual.bits + (usual.regular ? 0 : Math.log2(Math.max(1, count)));
  if ((acts & ACT.disableKey) !== 0) bits *= SINGLE_VERSION;
  else if (!whole && !many) bits *= SINGLE_VERSION;
  // Deletions can be taken back: they are told of only as a burst.
  if ((acts & ACT.remove) !== 0 && count < DELETIONS) return;
  const least = many ? (params['many'] ?? 85) : floor;
  const due = done && !usual.regular && (whole || ((acts & ACT.destroyVersion) !== 0 && many));
  say({
    detector: 'P7',
    bits: done ? bits : bits / 2,
    entity: 'principal',
    expected: usual.expected,
    observed: count > 1 ? `${deed(event)}: ${count} in an hour` : deed(event),
    ...(due ? { floor: least } : undefined),
  });
}

/** A window, which moves in quarantine too. Only what worked, and only what was not the principal's own. */
export function learnDestroy(scene: Scene, acts: number): void {
  const { event, principal } = scene;
  if ((acts & DESTROYING) === 0 || event.outcome !== 'ok' || scene.own) return;
  const others = foreign(scene, acts);
  if (others.length === 0) return;
  const { destroys } = sliceOf(principal, ACTS);
  for (const secret of others.slice(0, DESTROYS)) destroys.push({ time: event.time, secret });
  destroys.sort((a, b) => a.time - b.time || a.secret - b.secret);
  if (destroys.length > DESTROYS) destroys.splice(0, destroys.length - DESTROYS);
}
