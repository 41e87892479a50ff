/** P11: a value that is written by who never wrote this secret. */
import { FLAG, hasFlag, type AuditEvent } from '../event.ts';
import { sliceIfAny, sliceOf, type Profile } from '../profiles/profile.ts';
import type { Finding, Scene } from '../scene.ts';
import { knowsSecret, wordHash } from './known.ts';
import { dayOf, daysBefore, markDay } from './days.ts';
import { REGULAR_DAYS } from './privilege-habits.ts';
import {
  ACTS,
  dropLeast,
  READS,
  SECRET_WRITERS,
  WRITERS,
  WRITTEN,
  type PrincipalActs,
  type SecretWriters,
  type Writer,
} from './privilege-memory.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;
/** Until then, who writes what is still being found out. */
const WARM = 7 * DAY;
const TAU = 10;
/** A peer of a known writer, as after a change from blue to green. */
const PEER = 0.4;
/** The store itself said that it rotates. */
const ROTATING = 0.3;
const MOST_KNOWN = 6;
const NEVER_WROTE = 8;
const UNKNOWN_WRITERS = 3;
const OWNER = 3;
/** From so many written secrets on, how often there was a new one tells how usual it is. */
const SEVERAL = 3;
const EACH_OWN = 0.15;

const writes = ({ verb, outcome, flags }: AuditEvent): boolean =>
  (verb === 'write' || verb === 'create' || verb === 'restore') && outcome === 'ok' && (flags & (FLAG.echo | FLAG.system)) === 0;

export function observeWrite(scene: Scene, say: (finding: Finding) => void): void {
  const { event, detectors, secrets } = scene;
  if (event.verb !== 'write' || !writes(event) || scene.own || !detectors.P11.enabled) return;
  let worst: { bits: number; at: number; expected: string } | undefined;
  for (const [at, secret] of secrets.entries()) {
    const slice = sliceIfAny(secret, SECRET_WRITERS);
    if (slice === undefined) continue;
    const bits = foreignBits(scene, secret, slice);
    if (bits === 0 || (worst !== undefined && bits <= worst.bits)) continue;
    const known = slice.writers.filter((writer) => isSure(writer, event.time)).length;
    const who = known === 1 ? '1 known writer' : `${known} known writers`;
    worst = { bits, at, expected: known === 0 ? `${slice.reads} reads and no writer on record` : who };
  }
  if (worst === undefined) return;
  const { bits, at, expected } = worst;
  const observed = `a new value of ${event.secrets[at]?.name.slice(0, 100) ?? 'a secret'} by who never wrote it`;
  say({ detector: 'P11', bits, observed, expected, entity: 'principal', about: secrets[at]?.key ?? '' });
}

const isSure = (writer: Writer, time: number): boolean => writer.sure || daysBefore(writer, dayOf(time)) >= REGULAR_DAYS;

function foreignBits({ event, principal, tenant, detectors, kind }: Scene, secret: Profile, slice: SecretWriters): number {
  if (slice.creator === principal.hash) return 0;
  const known = slice.writers.filter((writer) => isSure(writer, event.time));
  if (known.some(({ who }) => who === principal.hash)) return 0;
  if (known.length === 0) {
    if (slice.reads < (detectors.P11.params['reads'] ?? 5)) return 0;
    if (tenant.n === 0 || event.time - tenant.first < WARM) return 0;
  }
  const count = known.reduce((sum, each) => sum + each.count, 0);
  const bySecret = known.length === 0 ? UNKNOWN_WRITERS : Math.min(MOST_KNOWN, UNKNOWN_WRITERS + Math.log2(1 + count));
  let bits = bySecret + byPrincipal(principal, sliceIfAny(principal, ACTS));
  const group = event.principal.group;
  if (group !== undefined && known.some((writer) => writer.group === wordHash(group))) bits *= PEER;
  if (Math.abs(event.time - slice.rotating) < HOUR) bits *= ROTATING;
  // People keep by hand what they use; what only reads is no workload's to change.
  if (kind === 'human' && knowsSecret(principal, secret.key)) bits -= OWNER;
  return Math.max(0, bits);
}

/** Who writes ever new secrets, as what manages infrastructure does, surprises nobody with one more; who never wrote does. */
function byPrincipal(principal: Profile, slice: PrincipalActs | undefined): number {
  const own = slice?.written.size ?? 0;
  // One or two are its own, which it keeps; that tells little of other secrets.
  if (slice === undefined || own < SEVERAL) {
    return Math.min(NEVER_WROTE, Math.log2((principal.n + 1 + TAU) / 0.5)) * (1 - own * EACH_OWN);
  }
  let singles = 0;
  for (const count of slice.written.values()) if (count === 1) singles += 1;
  return Math.min(NEVER_WROTE, -Math.log2(Math.min(1, (singles + 0.5) / (slice.writes + 1 + TAU))));
}

/** Reads are counted, writers are remembered; a writer in quarantine must come back on three days. */
export function learnWrite(scene: Scene, quarantined: boolean): void {
  const { event, secrets, principal } = scene;
  if (event.verb === 'read') {
    if (event.outcome !== 'ok' || hasFlag(event, FLAG.echo)) return;
    for (const secret of secrets) {
      const slice = sliceOf(secret, SECRET_WRITERS);
      if (slice.reads < READS) slice.reads += 1;
    }
    return;
  }
  if (hasFlag(event, FLAG.system) && event.action.endsWith('RotationStarted')) {
    for (const secret of secrets) {
      const slice = sliceOf(secret, SECRET_WRITERS);
      slice.rotating = Math.max(slice.rotating, event.time);
    }
  }
  if (!writes(event)) return;
  for (const secret of secrets) {
    const slice = sliceOf(secret, SECRET_WRITERS);
    if (event.verb === 'create' && !quarantined && slice.created === 0) {
      slice.creator = principal.hash;
      slice.created = event.time;
    }
    rememberWriter(slice, principal.hash, event, quarantined && !scene.own);
    if (!quarantined) rememberWritten(sliceOf(principal, ACTS), secret.hash);
  }
}

function rememberWriter({ writers }: SecretWriters, who: number, { principal, time }: AuditEvent, quarantined: boolean): void {
  const found = writers.find((each) => each.who === who);
  const group = principal.group === undefined ? 0 : wordHash(principal.group);
  const writer = found ?? { who, group, count: 0, day: -1, mask: 0, sure: false };
  if (found === undefined) {
    if (writers.length >= WRITERS) {
      const [least] = [...writers].sort(
        (a, b) => Number(a.sure) - Number(b.sure) || a.day - b.day || a.count - b.count || a.who - b.who,
      );
      writers.splice(writers.indexOf(least as Writer), 1);
    }
    writers.push(writer);
    writers.sort((a, b) => a.who - b.who);
  }
  writer.count += 1;
  markDay(writer, dayOf(time));
  if (!quarantined) writer.sure = true;
}

function rememberWritten(slice: PrincipalActs, secret: number): void {
  slice.writes += 1;
  if (!slice.written.has(secret) && slice.written.size >= WRITTEN) {
    slice.writes -= dropLeast(slice.written, (count) => count) ?? 0;
  }
  slice.written.set(secret, (slice.written.get(secret) ?? 0) + 1);
}
