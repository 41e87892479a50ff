/** P4 and P17: somebody was let in, or a token was made for another, and then reads what it never read. P13: wrapped secrets. */
import { FLAG, hasFlag, type AuditEvent } from '../event.ts';
import { sliceIfAny, sliceOf } from '../profiles/profile.ts';
import type { Finding, Scene } from '../scene.ts';
import { knowsSecret, wordHash } from './known.ts';
import { ACT } from './privilege-acts.ts';
import { usualOf } from './privilege-habits.ts';
import { CHANGES, dropLeast, GRANTS, SECRET_WRITERS, UNWRAPS, type Change } from './privilege-memory.ts';
import { isNewcomer } from './reading.ts';

type Say = (finding: Finding) => void;

const MINUTE = 60_000;
const DAY = 86_400_000;
/** CloudTrail tells whole seconds, and orders nothing within one. */
const TIES = 2_000;
const P4_BITS = 8;
const P17_BITS = 7;
/** By who does such a thing now and then, or for a workload that is just being set up: what every release looks like. */
const USUAL = 0.5;
const PARTS = 8;
const TAU = 10;

/** Every read comes by here: most end at the first look at the newest change. */
export function observeFollowing(scene: Scene, say: Say): void {
  const { event, detectors, tenant } = scene;
  if (event.verb !== 'read' || event.outcome !== 'ok' || scene.late || scene.own) return;
  const changes = sliceIfAny(tenant, GRANTS)?.changes;
  const newest = changes?.at(-1);
  if (changes === undefined || newest === undefined) return;
  const minutes = Math.max(detectors.P4.params['minutes'] ?? 30, detectors.P17.params['minutes'] ?? 30);
  if (event.time - newest.time > minutes * MINUTE) return;
  const fresh = scene.secrets.filter((secret) => {
    const writers = sliceIfAny(secret, SECRET_WRITERS);
    return !knowsSecret(scene.principal, secret.key) && writers?.creator !== scene.principal.hash;
  });
  if (fresh.length === 0 && !hasFlag(event, FLAG.byPath | FLAG.catchAll)) return;
  const names = namesOf(event);
  const touched = new Set(scene.secrets.map(({ hash }) => hash));
  const best: { change: Change; bits: number }[] = [];
  for (const change of changes) {
    const detector = detectors[change.token ? 'P17' : 'P4'];
    const age = event.time - change.time;
    if (!detector.enabled || age < -TIES || age > (detector.params['minutes'] ?? 30) * MINUTE) continue;
    const itself = change.by === scene.principal.hash;
    const granted = change.grantee !== 0 && names.has(change.grantee);
    const opened = change.grantee === 0 && change.secret !== 0 && touched.has(change.secret);
    if (!itself && !granted && !opened) continue;
    let bits = change.token ? P17_BITS : P4_BITS;
    if (change.usual) bits *= USUAL;
    if (!itself && isNewcomer(scene.principal, event.time)) bits *= USUAL;
    best.push({ change, bits });
  }
  for (const token of [false, true]) {
    const [most] = best.filter(({ change }) => change.token === token).sort((a, b) => b.bits - a.bits);
    if (most !== undefined) say(finding(scene, most.change, most.bits));
  }
}

function finding({ event, principal }: Scene, { token, by, time }: Change, bits: number): Finding {
  const minutes = Math.max(0, Math.round((event.time - time) / MINUTE));
  const who = by === principal.hash ? 'its own' : "somebody's";
  const name = event.secrets[0]?.name.slice(0, 100) ?? event.action;
  return {
    detector: token ? 'P17' : 'P4',
    bits,
    observed: `first read of ${name} ${minutes} min after ${who} ${token ? 'token for it' : 'policy change'}`,
    expected: 'reads of what it could read before',
    entity: 'principal',
  };
}

/** What a grantee may be called in a policy: its id, the end of it, its name, or one of its groups. */
function namesOf({ principal: { id, name, group } }: AuditEvent): Set<number> {
  const tail = id.slice(Math.max(id.lastIndexOf('/'), id.lastIndexOf(':')) + 1);
  const groups = group === undefined ? [] : [group, ...group.split(/[\s,;|/]+/, PARTS)];
  return new Set([id, tail, name, ...groups].filter((text) => text !== '').map(wordHash));
}

/** A window: it moves in quarantine too. What is done regularly opens none, or every deployment would. */
export function learnChange(scene: Scene, acts: number): void {
  const { event, principal, secrets, tenant } = scene;
  const token = (acts & ACT.tokenFor) !== 0;
  const act = token ? ACT.tokenFor : ACT.policy;
  if ((acts & act) === 0 || event.outcome !== 'ok' || scene.own) return;
  const { regular, days } = usualOf(scene, act);
  if (regular) return;
  const { changes } = sliceOf(tenant, GRANTS);
  changes.push({
    time: event.time,
    token,
    by: principal.hash,
    usual: days > 0,
    grantee: event.grantee === undefined ? 0 : wordHash(event.grantee),
    secret: secrets[0]?.hash ?? 0,
  });
  changes.sort((a, b) => a.time - b.time || a.by - b.by || a.grantee - b.grantee || a.secret - b.secret);
  if (changes.length > CHANGES) changes.splice(0, changes.length - CHANGES);
}

/** A wrapping token opens once: a second try means that somebody else was first, or that a client is broken. */
export function observeUnwrap(scene: Scene, acts: number, say: Say): void {
  const { event, detectors, tenant } = scene;
  if (!hasFlag(event, FLAG.unwrap) || !detectors.P13.enabled) return;
  if ((acts & ACT.unwrapFailed) !== 0) {
    const { bits, regular, expected } = usualOf(scene, ACT.unwrapFailed);
    const observed = `${event.action}: refused, as when it was opened before`;
    say({ detector: 'P13', bits: regular ? bits : Math.min(5, bits), observed, expected, entity: 'principal' });
    return;
  }
  const unwraps = sliceIfAny(tenant, GRANTS)?.unwraps;
  const { prefix } = event.net;
  if (unwraps === undefined || prefix === undefined || unwraps.has(wordHash(prefix)) || event.time - tenant.first < DAY) return;
  let n = 0;
  let singles = 0;
  for (const count of unwraps.values()) {
    n += count;
    if (count === 1) singles += 1;
  }
  say({
    detector: 'P13',
    entity: 'principal',
    bits: -Math.log2(Math.min(1, (singles + 0.5) / (n + 1 + TAU))),
    observed: `a wrapped secret opened from ${prefix}`,
    expected: `${unwraps.size} known ${unwraps.size === 1 ? 'range' : 'ranges'} in ${n} times`,
  });
}

export function learnUnwrap({ event, tenant }: Scene, quarantined: boolean): void {
  const { prefix } = event.net;
  if (quarantined || !hasFlag(event, FLAG.unwrap) || event.outcome !== 'ok' || prefix === undefined) return;
  const { unwraps } = sliceOf(tenant, GRANTS);
  const key = wordHash(prefix);
  if (!unwraps.has(key) && unwraps.size >= UNWRAPS) dropLeast(unwraps, (count) => count);
  unwraps.set(key, (unwraps.get(key) ?? 0) + 1);
}
