/** D: secrets that nobody needs. Whoever touches one is told of, and whoever guesses at one. */
import { FLAG, hasFlag, type SecretRef } from '../event.ts';
import { sliceIfAny } from '../profiles/profile.ts';
import type { DetectorFamily, Finding, Scene } from '../scene.ts';
import { SECRET_WRITERS } from './privilege-memory.ts';
import { deed } from './privilege-single.ts';

type Say = (finding: Finding) => void;

/** Shorter names are one letter from too much. */
const SHORTEST = 5;
const FOLDER_BITS = 6;
const LONGEST = 256;

/** A cloud's own inventory looks at everything; listing what is below a path asks for no secret in it. */
function touches({ event, kind }: Scene): boolean {
  if (hasFlag(event, FLAG.byPath)) return false;
  return kind !== 'service' || (event.verb !== 'describe' && event.verb !== 'list');
}

/** A canary may be written as it is known, by its key, or, in a key-value store of Vault, by its path with or without the mount. */
function spellings({ key, name }: SecretRef): string[] {
  const mount = name.indexOf('/');
  if (!key.startsWith('vault:') && !key.startsWith('openbao:')) return [name, key];
  return [name, key, key.slice(key.lastIndexOf(':') + 1), `${name.slice(0, Math.max(0, mount))}/data${name.slice(mount)}`];
}

function observeTouch(scene: Scene, say: Say): boolean {
  const { event, settings, detectors } = scene;
  if (!detectors.D1.enabled || !touches(scene)) return false;
  const touched = event.secrets.find((secret) => settings.canaries(...spellings(secret)));
  if (touched === undefined) return false;
  const { spec, floor } = detectors.D1;
  const observed = `${deed(event)}: ${touched.name.slice(0, 100)} is a canary`;
  say({
    detector: 'D1',
    bits: spec.cap,
    floor,
    observed,
    expected: 'nobody touches it',
    entity: 'principal',
    about: touched.key,
  });
  return true;
}

/** Only what is not there, or was refused, is a guess; a name that was read before is no guess at another. */
function observeGuess(scene: Scene, say: Say): void {
  const { event, settings, detectors } = scene;
  const { enabled, spec, floor } = detectors.D2;
  if (!enabled || (event.outcome !== 'notfound' && event.outcome !== 'denied') || hasFlag(event, FLAG.byPath)) return;
  if (event.verb === 'list' || event.verb === 'whoami') return;
  for (const [at, { name, key }] of event.secrets.entries()) {
    const secret = scene.secrets[at];
    if (secret !== undefined && (sliceIfAny(secret, SECRET_WRITERS)?.reads ?? 0) > 0) continue;
    const close = settings.canaryNames.find(
      (canary) => canary.length >= SHORTEST && (isOneEdit(canary, name) || isOneEdit(canary, key)),
    );
    const near = close ?? settings.canaryNames.find((canary) => inFolder(canary, name));
    if (near === undefined) continue;
    const observed = `${deed(event)}: ${close === undefined ? 'beside a canary' : 'one letter from a canary'}`;
    const found = { detector: 'D2', observed, expected: 'nobody asks for such a name', entity: 'principal', about: key } as const;
    say(close === undefined ? { ...found, bits: FOLDER_BITS } : { ...found, bits: spec.cap, floor });
    return;
  }
}

/** The same folder, if it holds nothing but what the pattern says: one folder deep is where everybody's secrets are. */
function inFolder(canary: string, name: string): boolean {
  const star = canary.indexOf('*');
  const exact = star === -1 ? canary : canary.slice(0, star);
  const folder = exact.slice(0, exact.lastIndexOf('/') + 1);
  return folder.indexOf('/') < folder.length - 1 && folder.length > 1 && name.startsWith(folder);
}

/** One letter more, less, other, or two exchanged; not the same. Patterns with a star stand for no name. */
export function isOneEdit(canary: string, name: string): boolean {
  const [short, long] = canary.length <= name.length ? [canary, name] : [name, canary];
  if (canary.includes('*') || long.length > LONGEST || long.length - short.length > 1 || canary === name) return false;
  let at = 0;
  while (at < short.length && short[at] === long[at]) at += 1;
  if (short.length < long.length) return short.slice(at) === long.slice(at + 1);
  if (short.slice(at + 1) === long.slice(at + 1)) return true;
  return short[at] === long[at + 1] && short[at + 1] === long[at] && short.slice(at + 2) === long.slice(at + 2);
}

/** Keeps nothing: what is said of a canary does not depend on what was before. */
export const decoyFamily: DetectorFamily = {
  family: 'D',

  observe(scene, say) {
    const { event, settings } = scene;
    if (settings.canaryNames.length === 0 || event.secrets.length === 0 || scene.own) return;
    if (hasFlag(event, FLAG.echo | FLAG.system) || event.outcome === 'challenge') return;
    if (!observeTouch(scene, say)) observeGuess(scene, say);
  },

  learn() {},
};
