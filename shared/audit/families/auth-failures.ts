/** A1 to A4 and A7: logins that fail, from one network, of one account, of many, and dead tokens that are shown again. */
import type { AuditEvent } from '../event.ts';
import { sliceIfAny, sliceOf } from '../profiles/profile.ts';
import type { Finding, Scene } from '../scene.ts';
import { hash48 } from '../sketches/hash.ts';
import { insertTime, stepsOf, variation, walk } from '../sketches/walk.ts';
import {
  AUTH,
  ENDED,
  insert,
  MOST_ATTEMPTS,
  MOST_OKS,
  MOST_TRIES,
  NETWORK_AUTH,
  type Attempt,
  type Auth,
  type Try,
} from './auth-slices.ts';
import { knowsCredential } from './identity-slices.ts';
import { HABITS, wordHash } from './known.ts';

type Say = (finding: Finding) => void;

const MINUTE = 60_000;
/** Failures are forgotten after this; until then, successes are noted against them. */
const MEMORY = 60 * MINUTE;
/** A clock's gaps vary less than this: a retry loop. */
const CLOCK = 0.2;
const CLOCK_GAPS = 3;
const LATEST = 4;
/** Guessing is faster than a program that waits to try again. */
const RETRY = 5_000;
/** Bits by which distinct accounts that failed must outweigh those that logged in. */
const SPRAY_BITS = 5;

/** Not known. In Vault, a refused login is one: nobody was known before it. */
export const isFailure = ({ outcome, verb, source }: AuditEvent): boolean =>
  outcome === 'authfail' || (outcome === 'denied' && verb === 'login' && (source === 'vault' || source === 'openbao'));

const credentialOf = ({ principal }: AuditEvent): number =>
  principal.credential === undefined ? 0 : hash48(principal.credential);

/** Nobody is named, or nobody but the network that it came from: many may hide behind this principal. */
const isNameless = ({ principal, verb, net }: AuditEvent): boolean =>
  (principal.kind === 'unknown' && verb !== 'login') || (net.prefix !== undefined && principal.id.endsWith(net.prefix));

/**
 * A failure that tells nothing new: of a token that was good before, or the same again on a clock's beat. A login without a credential is such a loop
 * only where its principal has been let in before; elsewhere the beat is a guesser's.
 */
function isRepeat({ event, principal, network }: Scene, auth: Auth | undefined, credential: number): boolean {
  if (event.verb !== 'login' && credential !== 0 && knowsCredential(principal, credential)) return true;
  const same = alike(auth, event, credential);
  if (same.length === 0) return false;
  const nameless = event.verb !== 'login' && isNameless(event);
  if (nameless && credential !== 0) return true;
  // A loop that was seen as one, and begins again.
  if ((nameless || credential !== 0) && same.some(({ ended }) => ended === ENDED.repeat)) return true;
  // The last few: another loop may have ended a while ago.
  const times = [...same.slice(-LATEST).map(({ at }) => at), event.time];
  if (variation(times, CLOCK_GAPS) >= CLOCK) return false;
  if (credential !== 0 || nameless) return true;
  const gap = (event.time - (times[0] ?? 0)) / (times.length - 1);
  const known = sliceIfAny(principal, HABITS)?.prefixes;
  return gap >= RETRY && network !== undefined && known !== undefined && known.seen.has(network.hash);
}

const aimOf = ([secret]: AuditEvent['secrets']): number => (secret === undefined ? 0 : hash48(secret.key));

/** When the same was tried with the same credential before this event. */
function alike(auth: Auth | undefined, { action, time, secrets }: AuditEvent, credential: number): Attempt[] {
  if (auth === undefined) return [];
  const hash = wordHash(action);
  const secret = aimOf(secrets);
  const same = (one: Attempt): boolean =>
    one.ended <= ENDED.repeat && one.credential === credential && one.action === hash && one.secret === secret;
  return auth.attempts.filter((one) => same(one) && one.at <= time && one.at > time - MEMORY);
}

export function observeFailure(scene: Scene, say: Say): void {
  const { event, principal, detectors } = scene;
  const auth = sliceIfAny(principal, AUTH);
  const credential = credentialOf(event);
  if (credential !== 0 && detectors.A7.enabled) observeDead(scene, auth, credential, say);
  if (isRepeat(scene, auth, credential)) return;
  if (detectors.A2.enabled && !isNameless(event)) {
    const steps = stepsOf(detectors.A2.params);
    const fails = auth?.attempts.filter(({ ended }) => ended === ENDED.failed).map(({ at }) => at) ?? [];
    insertTime(fails, event.time, MOST_ATTEMPTS + 1);
    const bits = walk(fails, auth?.oks ?? [], event.time, steps);
    if (bits >= steps.alarm) {
      say({
        detector: 'A2',
        bits,
        observed: failures(since(fails, event.time - MEMORY), event),
        expected: 'successes in between',
        entity: 'principal',
      });
    }
  }
  observeSource(scene, say);
}

const since = (times: readonly number[], from: number): number => times.filter((at) => at > from).length;
const failures = (count: number, { action }: AuditEvent): string => `${count} failures within an hour, the last of ${action}`;

function observeSource({ event, principal, network, detectors }: Scene, say: Say): void {
  if (network === undefined) return;
  const tries = sliceIfAny(network, NETWORK_AUTH) ?? NETWORK_AUTH.fresh();
  const who = principal.hash;
  if (detectors.A1.enabled) {
    const steps = stepsOf(detectors.A1.params);
    const timesOf = (list: readonly Try[], takes: (one: Try) => boolean): number[] => list.filter(takes).map(({ at }) => at);
    const walked = (takes: (one: Try) => boolean): { fails: number[]; bits: number } => {
      const fails = timesOf(tries.fails, takes);
      insertTime(fails, event.time, MOST_TRIES + 1);
      return { fails, bits: walk(fails, timesOf(tries.oks, takes), event.time, steps) };
    };
    // Behind one address many may stand: all together, against all that succeed; and each alone, against its own successes.
    let worst = walked(() => true);
    if (worst.bits < steps.alarm && !isNameless(event)) worst = walked((one) => one.who === who);
    if (worst.bits >= steps.alarm) {
      const { floor } = detectors.A1;
      say({
        detector: 'A1',
        bits: worst.bits,
        floor,
        observed: `${failures(since(worst.fails, event.time - MEMORY), event)}, from ${network.key}`,
        expected: 'successes in between',
        entity: 'network',
      });
    }
  }
  if (detectors.A3.enabled) {
    const { principals = 5, minutes = 10 } = detectors.A3.params;
    const { failed, succeeded } = accounts(tries.fails, tries.oks, who, event.time, minutes * MINUTE);
    const { up, down } = stepsOf(detectors.A1.params);
    const bits = failed * up - succeeded * down;
    if (failed < principals || bits < SPRAY_BITS) return;
    say({
      detector: 'A3',
      bits,
      floor: detectors.A3.floor,
      observed: `${failed} accounts failed from ${network.key} within ${minutes} minutes, ${succeeded} got in`,
      expected: `fewer than ${principals}`,
      entity: 'network',
    });
  }
}

/** Distinct principals that failed and did not get in since, and those that got in, with `who` failing at `time`. */
function accounts(
  fails: readonly Try[],
  oks: readonly Try[],
  who: number,
  time: number,
  window: number,
): { failed: number; succeeded: number } {
  // A full list of successes reaches back only so far; failures from before cannot be weighed against them.
  const from = Math.max(time - window, oks.length >= MOST_TRIES ? (oks[0]?.at ?? 0) : 0);
  const last = new Map<number, number>([[who, time]]);
  for (const one of fails) if (one.at >= from && one.at <= time) last.set(one.who, Math.max(one.at, last.get(one.who) ?? 0));
  const succeeded = new Set<number>();
  for (const one of oks) {
    if (one.at < from || one.at > time) continue;
    const failedAt = last.get(one.who);
    if (failedAt === undefined ? one.mark === 1 : one.at >= failedAt && one.who !== who) succeeded.add(one.who);
  }
  let failed = 0;
  for (const one of last.keys()) if (!succeeded.has(one)) failed += 1;
  return { failed, succeeded: succeeded.size };
}

function observeDead({ event, detectors }: Scene, auth: Auth | undefined, credential: number, say: Say): void {
  const { uses = 3, minutes = 10 } = detectors.A7.params;
  const times = alike(auth, event, credential).flatMap(({ at }) => (at > event.time - minutes * MINUTE ? [at] : []));
  times.push(event.time);
  if (times.length < uses || variation(times, CLOCK_GAPS) < CLOCK) return;
  say({
    detector: 'A7',
    bits: 2 * times.length,
    observed: `the same dead credential ${times.length} times within ${minutes} minutes`,
    expected: `fewer than ${uses}, or a clock's beat`,
    entity: 'principal',
  });
}

/** A success after failures, on the event that succeeds. */
export function observeSuccess({ event, detectors }: Scene, auth: Auth, say: Say): void {
  const { fails = 4, minutes = 15 } = detectors.A4.params;
  const credential = credentialOf(event);
  const failed = auth.attempts.filter(
    (one) =>
      one.ended === ENDED.failed &&
      one.at <= event.time &&
      one.at > event.time - minutes * MINUTE &&
      (credential === 0 || one.credential !== credential),
  );
  const last = failed.at(-1)?.at;
  if (last === undefined || failed.length < fails || auth.oks.some((at) => at > last && at < event.time)) return;
  say({
    detector: 'A4',
    bits: 6,
    observed: `success after ${failed.length} failures within ${minutes} minutes`,
    expected: `fewer than ${fails} failures`,
    entity: 'principal',
  });
}

export function learnFailure(scene: Scene): void {
  const { event, principal, network } = scene;
  const auth = sliceOf(principal, AUTH);
  const credential = credentialOf(event);
  const repeat = isRepeat(scene, auth, credential);
  const ended = repeat ? ENDED.repeat : ENDED.failed;
  insert(
    auth.attempts,
    { at: event.time, ended, secret: aimOf(event.secrets), credential, action: wordHash(event.action) },
    MOST_ATTEMPTS,
  );
  if (repeat || network === undefined) return;
  const tries = sliceOf(network, NETWORK_AUTH);
  insert(tries.fails, { at: event.time, who: principal.hash, mark: isNameless(event) ? 1 : 0 }, MOST_TRIES);
}

/** Only where something failed lately: everywhere else a success is no news. */
export function learnSuccess(scene: Scene, auth: Auth | undefined): void {
  const { event, principal, network } = scene;
  const { time } = event;
  const last = auth?.attempts.at(-1);
  if (auth !== undefined && last !== undefined && Math.abs(time - last.at) < MEMORY) {
    if (!auth.oks.some((at) => Math.floor(at / MINUTE) === Math.floor(time / MINUTE))) insertTime(auth.oks, time, MOST_OKS);
  }
  const tries = network === undefined ? undefined : sliceIfAny(network, NETWORK_AUTH);
  const failed = tries?.fails.at(-1);
  if (tries === undefined || failed === undefined || Math.abs(time - failed.at) >= MEMORY) return;
  const mark = event.verb === 'login' ? 1 : 0;
  const who = principal.hash;
  const same = tries.oks.findIndex((one) => one.who === who && Math.floor(one.at / MINUTE) === Math.floor(time / MINUTE));
  const found = tries.oks[same];
  if (found === undefined) insert(tries.oks, { at: time, who, mark }, MOST_TRIES);
  else if (mark > found.mark) tries.oks[same] = { ...found, mark };
}
