/** P2, P3, P5, P6, P8, P9, P10, P12, P14, P15, P16: acts of which one is enough. */
import type { DetectorId } from '../../detectors/index.ts';
import { sliceIfAny, sliceOf } from '../profiles/profile.ts';
import type { Finding, Scene } from '../scene.ts';
import { FLAG, hasFlag, type AuditEvent } from '../event.ts';
import { ACT } from './privilege-acts.ts';
import { dayOf } from './days.ts';
import { usualOf, type Usual } from './privilege-habits.ts';
import { dropLeast, GRANTS, GUESTS } from './privilege-memory.ts';
import { wordHash } from './known.ts';

type Say = (finding: Finding) => void;

interface Rule {
  readonly act: number;
  readonly detector: DetectorId;
  /** Added to what the act itself surprises. */
  readonly extra?: number;
  /** A rotation of ours does it too. */
  readonly ours?: true;
}

const RULES: readonly Rule[] = [
  { act: ACT.wayIn, detector: 'P5' },
  { act: ACT.exportable, detector: 'P6', extra: 2 },
  { act: ACT.backup, detector: 'P8', extra: 2 },
  { act: ACT.rotationOff, detector: 'P9', ours: true },
  { act: ACT.replicate, detector: 'P10' },
  { act: ACT.override, detector: 'P12' },
  { act: ACT.raw, detector: 'P14', extra: 3 },
  { act: ACT.alias, detector: 'P15' },
  { act: ACT.foreignKey, detector: 'P16', extra: 3 },
];
const SINGLE = RULES.reduce((acts, { act }) => acts | act, 0);

/** What was only tried. */
const TRIED = 0.5;
/** User agents can be forged: automation's word counts for little. */
const AUTOMATION = 0.7;
const LONGEST = 100;

/** An operation and what it was done to, for people. */
export function deed({ action, secrets, outcome }: AuditEvent): string {
  const [first] = secrets;
  const more = secrets.length > 1 ? ` and ${secrets.length - 1} more` : '';
  const to = first === undefined || action.includes(first.name) ? '' : ` of ${first.name.slice(0, LONGEST)}${more}`;
  return `${action}${to}${outcome === 'ok' ? '' : ` (${outcome})`}`;
}

/** Who asks for raw storage and is not refused may have it: that there is nothing under a name is no obstacle. */
const worked = ({ outcome }: AuditEvent, detector: DetectorId): boolean =>
  outcome === 'ok' || (detector === 'P14' && (outcome === 'notfound' || outcome === 'error'));

/** The floor only for what worked and is no habit. */
const floorOf = ({ event, detectors }: Scene, detector: DetectorId, { regular }: Usual): { floor: number } | undefined =>
  worked(event, detector) && !regular && detectors[detector].floor > 0 ? { floor: detectors[detector].floor } : undefined;

export function observeSingle(scene: Scene, acts: number, say: Say): void {
  const { event, detectors } = scene;
  if ((acts & (ACT.root | ACT.makesRoot)) !== 0) observeRoot(scene, acts, say);
  if ((acts & (ACT.public | ACT.broad | ACT.external)) !== 0) observeOpened(scene, acts, say);
  if ((acts & ACT.rotationFailed) !== 0) observeFailedRotation(scene, say);
  if ((acts & SINGLE) === 0) return;
  for (const { act, detector, extra = 0, ours } of RULES) {
    if ((acts & act) === 0 || !detectors[detector].enabled || (ours === true && scene.own)) continue;
    const usual = usualOf(scene, act);
    const bits = (usual.bits + (usual.regular ? 0 : extra)) * (worked(event, detector) ? 1 : TRIED);
    const observed = deed(event);
    say({ detector, bits, observed, expected: usual.expected, entity: 'principal', ...floorOf(scene, detector, usual) });
  }
}

/** Root that is used daily, as where nothing else was set up, is told of for three days; root that is made, always. */
function observeRoot(scene: Scene, acts: number, say: Say): void {
  const { event, principal, settings, detectors } = scene;
  const { enabled, floor, spec } = detectors.P2;
  if (!enabled || event.outcome === 'authfail' || event.outcome === 'challenge') return;
  if ((acts & ACT.makesRoot) !== 0) {
    const made = event.outcome === 'ok';
    const bits = spec.cap * (made ? 1 : TRIED);
    const expected = 'no new root credentials';
    say({ detector: 'P2', bits, observed: deed(event), expected, entity: 'principal', ...(made ? { floor } : undefined) });
    return;
  }
  if (settings.breakGlass(principal.key, event.principal.name)) return;
  const usual = usualOf(scene, ACT.root);
  const observed = `root: ${deed(event)}`;
  say({
    detector: 'P2',
    bits: usual.regular ? usual.bits : Math.max(usual.bits, 6),
    observed,
    entity: 'principal',
    expected: usual.regular ? usual.expected : `no use of root; ${usual.expected}`,
    ...(usual.regular ? undefined : { floor }),
  });
}

function observeOpened(scene: Scene, acts: number, say: Say): void {
  const { event, detectors } = scene;
  const { enabled, params, spec } = detectors.P3;
  if (!enabled) return;
  const weight = (event.outcome === 'ok' ? 1 : TRIED) * (hasFlag(event, FLAG.automation) ? AUTOMATION : 1);
  const to = event.grantee === undefined ? '' : ` for ${event.grantee.slice(0, LONGEST)}`;
  const observed = `${deed(event)}${to}`;
  if ((acts & ACT.public) !== 0) {
    const floor = event.outcome === 'ok' ? { floor: params['public'] ?? 85 } : undefined;
    const expected = 'never open to everybody';
    say({ detector: 'P3', bits: spec.cap * weight, observed: `${observed}: everybody`, expected, entity: 'principal', ...floor });
    return;
  }
  const broad = (acts & ACT.broad) !== 0;
  if (!broad && isGuest(scene)) return;
  const usual = usualOf(scene, broad ? ACT.broad : ACT.external);
  say({
    detector: 'P3',
    bits: (usual.bits + (usual.regular ? 0 : 2)) * weight,
    observed: `${observed}: ${broad ? 'everything' : 'somebody of another account'}`,
    expected: usual.expected,
    entity: 'principal',
    ...floorOf(scene, 'P3', usual),
  });
}

/** Let in on an earlier day already. */
function isGuest({ event, tenant }: Scene): boolean {
  if (event.grantee === undefined) return false;
  const since = sliceIfAny(tenant, GRANTS)?.guests.get(wordHash(event.grantee));
  return since !== undefined && since < dayOf(event.time);
}

/** The store's own word that a rotation failed: the secret's trouble, and nobody's deed. */
function observeFailedRotation(scene: Scene, say: Say): void {
  const { event, detectors } = scene;
  if (!detectors.P9.enabled || scene.own) return;
  const [secret] = event.secrets;
  const about = secret === undefined ? undefined : { about: secret.key };
  const observed = deed(event);
  const entity = secret === undefined ? 'principal' : 'secret';
  say({ detector: 'P9', bits: 3, observed, expected: 'rotations that succeed', entity, ...about });
}

export function learnGuests({ event, tenant }: Scene, acts: number): void {
  if ((acts & ACT.external) === 0 || event.grantee === undefined || event.outcome !== 'ok') return;
  const { guests } = sliceOf(tenant, GRANTS);
  const guest = wordHash(event.grantee);
  const day = dayOf(event.time);
  const since = guests.get(guest);
  if (since === undefined && guests.size >= GUESTS) dropLeast(guests, (first) => first);
  guests.set(guest, Math.min(since ?? day, day));
}
