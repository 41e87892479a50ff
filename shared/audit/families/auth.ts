/** A: logins and credentials that are refused, and credentials that are made. */
import { FLAG, hasFlag } from '../event.ts';
import { sliceIfAny, sliceOf } from '../profiles/profile.ts';
import type { Slot } from '../profiles/slot.ts';
import type { DetectorFamily, Finding, Scene } from '../scene.ts';
import { insertTime } from '../sketches/walk.ts';
import { learnDenied, observeDenied } from './auth-denied.ts';
import { isFailure, learnFailure, learnSuccess, observeFailure, observeSuccess } from './auth-failures.ts';
import { AUTH, MOST_MADE, NETWORK_AUTH } from './auth-slices.ts';
import { dayOf } from './days.ts';

type Say = (finding: Finding) => void;

const MINUTE = 60_000;
const NOISE = FLAG.echo | FLAG.system;

export const authSlots: readonly Slot<unknown>[] = [AUTH, NETWORK_AUTH];

export const authFamily: DetectorFamily = {
  family: 'A',
  observe(scene, say) {
    const { event, detectors } = scene;
    if (scene.late || (event.flags & NOISE) !== 0) return;
    if (event.outcome === 'ok') {
      if (event.verb === 'token' && detectors.A9.enabled) observeMaking(scene, say);
      if (hasFlag(event, FLAG.noMfa) && detectors.A8.enabled) observeSingle(scene, say);
      const auth = sliceIfAny(scene.principal, AUTH);
      if (auth !== undefined && auth.attempts.length > 0 && detectors.A4.enabled) observeSuccess(scene, auth, say);
    } else if (isFailure(event)) observeFailure(scene, say);
    else if (event.outcome === 'denied') observeDenied(scene, say);
  },
  learn(scene, quarantined) {
    const { event } = scene;
    if ((event.flags & (NOISE | FLAG.skewed)) !== 0) return;
    if (event.outcome === 'ok') {
      if (!quarantined && isSensitive(scene)) learnSingle(scene);
      if (scene.late) return;
      if (event.verb === 'token') learnMaking(scene, quarantined);
      learnSuccess(scene, sliceIfAny(scene.principal, AUTH));
    } else if (scene.late) return;
    else if (isFailure(event)) learnFailure(scene);
    else if (event.outcome === 'denied') learnDenied(scene);
  },
};

/** A second factor is asked of people and of root, where it matters. */
const isSensitive = ({ kind, tier, event }: Scene): boolean =>
  (kind === 'root' && event.verb !== 'whoami') || (kind === 'human' && tier === 'crown');

function observeSingle(scene: Scene, say: Say): void {
  if (!isSensitive(scene)) return;
  const { event, kind, principal, settings } = scene;
  if (settings.breakGlass(event.principal.id, event.principal.name)) return;
  const auth = sliceIfAny(principal, AUTH);
  const { sensitive = 0, single = 0 } = auth ?? {};
  // Federated people never show a second factor to the store: who always came without is no news.
  const bits = kind === 'root' ? 4 : -Math.log2((single + 0.5) / (sensitive + 1));
  if (bits < 1) return;
  say({
    detector: 'A8',
    bits,
    observed: `${event.action} without a second factor`,
    expected: kind === 'root' ? 'root with a second factor' : `${sensitive - single} of ${sensitive} such acts with one`,
    entity: 'principal',
  });
}

function learnSingle({ event, principal }: Scene): void {
  const auth = sliceOf(principal, AUTH);
  if (auth.sensitive >= 1_000) {
    auth.sensitive >>= 1;
    auth.single >>= 1;
  }
  auth.sensitive += 1;
  if (hasFlag(event, FLAG.noMfa)) auth.single += 1;
}

/** How many were made in the window around `time`, with one at `time`. */
const madeAt = (made: readonly number[], time: number, window: number): number =>
  made.reduce((sum, at) => (Math.abs(time - at) < window ? sum + 1 : sum), 1);

function observeMaking({ event, principal, detectors }: Scene, say: Say): void {
  const auth = sliceIfAny(principal, AUTH);
  if (auth === undefined) return;
  const { count = 5, minutes = 10 } = detectors.A9.params;
  const made = madeAt(auth.made, event.time, minutes * MINUTE);
  const usual = dayOf(event.time) > auth.day ? Math.max(auth.most, auth.today) : auth.most;
  if (made < Math.max(count, 2 * usual)) return;
  say({
    detector: 'A9',
    bits: 4 + 2 * Math.log2(made / Math.max(1, usual)),
    observed: `${made} credentials made within ${minutes} minutes`,
    expected: usual === 0 ? `fewer than ${count}` : `at most ${usual} at once so far`,
    entity: 'principal',
  });
}

function learnMaking({ event, principal, detectors }: Scene, quarantined: boolean): void {
  const auth = sliceOf(principal, AUTH);
  const { minutes = 10 } = detectors.A9.params;
  const made = madeAt(auth.made, event.time, minutes * MINUTE);
  insertTime(auth.made, event.time, MOST_MADE);
  if (quarantined) return;
  const day = dayOf(event.time);
  if (day > auth.day) {
    auth.most = Math.max(Math.floor(auth.most * 0.9), auth.today);
    auth.today = 0;
    auth.day = day;
  }
  if (day === auth.day) auth.today = Math.max(auth.today, made);
}
