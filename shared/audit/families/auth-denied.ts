/** A5, A6 and A10: denied on secrets that were never one's own, on many of them, and on roles. */
import type { AuditEvent } from '../event.ts';
import { sliceIfAny, sliceOf } from '../profiles/profile.ts';
import type { Finding, Scene } from '../scene.ts';
import { variation } from '../sketches/walk.ts';
import { AUTH, ENDED, insert, MOST_ATTEMPTS, type Attempt, type Auth } from './auth-slices.ts';
import { dayOf, daysBefore, markDay } from './days.ts';
import { HABITS, wordHash } from './known.ts';

type Say = (finding: Finding) => void;

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const CLOCK = 0.2;
const CLOCK_GAPS = 3;
/** Denied on so many earlier days: a scanner, or a program that nobody mends. */
const HABIT_DAYS = 3;
const HABIT = 0.5;
/** So many secrets of one call are remembered. */
const MOST_OF_ONE = 8;

const isRole = ({ verb }: AuditEvent): boolean => verb === 'login' || verb === 'token';

export function observeDenied(scene: Scene, say: Say): void {
  const auth = sliceIfAny(scene.principal, AUTH);
  if (isRole(scene.event)) {
    if (scene.detectors.A10.enabled && auth !== undefined) observeRoles(scene, auth, say);
    return;
  }
  const { event, principal, detectors } = scene;
  const foreign = foreignOf(scene);
  if (foreign.length === 0) return;
  const habit = auth !== undefined && daysBefore(auth.denied, dayOf(event.time)) >= HABIT_DAYS ? HABIT : 1;
  const young = principal.n === 0 || event.time - principal.first < DAY;
  if (detectors.A5.enabled) {
    const { denied = 3, minutes = 10, each = 4 } = detectors.A5.params;
    const before = window(scene, auth, minutes);
    const count = before.length + foreign.length;
    const enough = count >= denied || (scene.tier === 'crown' && !young);
    if (enough && !isLoop(before, event, foreign)) {
      const [name] = event.secrets;
      say({
        detector: 'A5',
        bits: each * count * habit,
        observed: `${count} denied within ${minutes} minutes on what it never read${name === undefined ? '' : `, the last on ${name.name}`}`,
        expected: scene.tier === 'crown' ? 'none on a crown jewel' : `fewer than ${denied}`,
        entity: 'principal',
      });
    }
  }
  if (detectors.A6.enabled) {
    const { secrets = 5, minutes = 10 } = detectors.A6.params;
    const distinct = new Set(foreign);
    for (const { secret } of window(scene, auth, minutes)) distinct.add(secret);
    // On its first day a principal may still wait for its policy.
    if (distinct.size < (young ? 2 * secrets : secrets)) return;
    const looks = event.verb === 'describe' || event.verb === 'list';
    say({
      detector: 'A6',
      bits: (6 + 2 * Math.log2(distinct.size / secrets)) * habit,
      ...(habit === 1 && !looks && { floor: detectors.A6.floor }),
      observed: `denied on ${distinct.size} secrets within ${minutes} minutes`,
      expected: `fewer than ${secrets}`,
      entity: 'principal',
    });
  }
}

/** Hashes of the event's secrets that its principal never read. */
function foreignOf({ secrets, principal }: Scene): number[] {
  const known = sliceIfAny(principal, HABITS)?.secrets;
  return secrets.slice(0, MOST_OF_ONE).flatMap(({ hash }) => (known?.seen.has(hash) === true ? [] : [hash]));
}

/** Denials in the minutes before and around this event, of secrets that it has still not read. */
function window({ event, principal }: Scene, auth: Auth | undefined, minutes: number): Attempt[] {
  if (auth === undefined) return [];
  const known = sliceIfAny(principal, HABITS)?.secrets;
  return auth.attempts.filter(
    ({ ended, at, secret }) =>
      ended === ENDED.denied && Math.abs(event.time - at) < minutes * MINUTE && known?.seen.has(secret) !== true,
  );
}

/** The same again and again on a clock's beat: a program that does not give up. */
function isLoop(before: readonly Attempt[], { action, time }: AuditEvent, foreign: readonly number[]): boolean {
  const [secret] = foreign;
  const hash = wordHash(action);
  if (foreign.length !== 1 || before.some((one) => one.secret !== secret || one.action !== hash)) return false;
  return variation([...before.map(({ at }) => at), time], CLOCK_GAPS) < CLOCK;
}

function observeRoles({ event, detectors }: Scene, auth: Auth, say: Say): void {
  const { count = 8, minutes = 10 } = detectors.A10.params;
  const before = auth.attempts.filter(({ ended, at }) => ended === ENDED.role && Math.abs(event.time - at) < minutes * MINUTE);
  const denied = before.length + 1;
  if (denied < count) return;
  const hash = wordHash(event.action);
  const loop =
    before.every(({ action }) => action === hash) && variation([...before.map(({ at }) => at), event.time], CLOCK_GAPS) < CLOCK;
  if (loop && daysBefore(auth.roles, dayOf(event.time)) > 0) return;
  say({
    detector: 'A10',
    bits: (7 + Math.log2(denied / count)) * (daysBefore(auth.roles, dayOf(event.time)) >= HABIT_DAYS ? HABIT / 2 : 1),
    observed: `${denied} times denied within ${minutes} minutes, the last at ${event.action}`,
    expected: `fewer than ${count}`,
    entity: 'principal',
  });
}

export function learnDenied(scene: Scene): void {
  const { event, principal } = scene;
  const action = wordHash(event.action);
  const note = (ended: number, secret: number): void => {
    insert(sliceOf(principal, AUTH).attempts, { at: event.time, ended, secret, credential: 0, action }, MOST_ATTEMPTS);
  };
  if (isRole(event)) {
    note(ENDED.role, 0);
    markDay(sliceOf(principal, AUTH).roles, dayOf(event.time));
    return;
  }
  const foreign = foreignOf(scene);
  if (foreign.length === 0) return;
  for (const secret of foreign) note(ENDED.denied, secret);
  markDay(sliceOf(principal, AUTH).denied, dayOf(event.time));
}
