/** How one incident opens and grows. Pure; its arguments are its own to change. */
import { combine, type Context, type Reason } from '../combine.ts';
import type { AuditEvent } from '../event.ts';
import type { EntityKind } from '../profiles/profile.ts';
import type { Scored } from '../scored.ts';
import { byWeight } from '../scorer.ts';
import { hash48 } from '../sketches/hash.ts';
import { bandOf } from '../settings.ts';
import { clean } from './clean.ts';
import { idOf } from './notice.ts';
import type { EventMark } from './port.ts';
import type { Open } from './slot.ts';

const NAMES = 50;
const SAMPLES = 10;
const LEAST = 64;
/** People hear again when it is worse by this, */
const WORSE = 15;
/** when a family says at least so many bits that said nothing before, */
const FAMILY_BITS = 3;
/** or when it has twice the secrets, and not only a few. */
const MANY = 8;
const LONGEST_NAME = 200;

const TIERS = { low: 0, ordinary: 1, crown: 2 } as const;

export const markOfEvent = ({ ref, time }: AuditEvent): EventMark => ({ id: clean(ref, LONGEST_NAME), time });

export function opened(event: AuditEvent, context: Context, tenant: string, kind: EntityKind, key: string): Open {
  const mark = markOfEvent(event);
  return {
    id: idOf(`${tenant}\n${kind}\n${key}\n${event.id}`),
    hot: 0,
    first: mark,
    last: mark,
    alert: null,
    principal: { id: event.principal.id, name: clean(event.principal.name, LONGEST_NAME), kind: event.principal.kind },
    names: [],
    least: [],
    events: 0,
    denied: 0,
    reasons: [],
    heard: undefined,
    context,
    source: event.source,
    account: event.account,
    network: event.net.prefix,
    samples: [],
    score: 0,
    rev: 1,
    sent: 0,
    told: { score: 0, families: '', secrets: 0 },
    held: undefined,
    ack: undefined,
  };
}

/** Takes an event in. `heard`: the reasons that no suppression takes, where one does. */
export function grow(open: Open, { event, context }: Scored, reasons: readonly Reason[], heard: readonly Reason[]): void {
  const mark = markOfEvent(event);
  open.events += 1;
  if (event.outcome === 'denied' || event.outcome === 'authfail') open.denied += 1;
  if (mark.time < open.first.time) open.first = mark;
  if (mark.time >= open.last.time) open.last = mark;
  if (open.samples.length < SAMPLES && mark.id !== '' && !open.samples.includes(mark.id)) open.samples.push(mark.id);
  for (const { key, name } of event.secrets) {
    noteSecret(open.least, hash48(key));
    const shown = clean(name, LONGEST_NAME);
    if (open.names.length < NAMES && !open.names.includes(shown)) open.names.push(shown);
  }
  open.network ??= event.net.prefix;
  open.context = {
    tier: TIERS[context.tier] > TIERS[open.context.tier] ? context.tier : open.context.tier,
    kind: open.context.kind === 'root' ? 'root' : context.kind,
    deniedOnly: open.context.deniedOnly && context.deniedOnly,
  };
  if (heard.length < reasons.length) open.heard ??= [...open.reasons];
  open.reasons = merged(open.reasons, reasons);
  if (open.heard !== undefined) open.heard = merged(open.heard, heard);
  open.score = combine(open.reasons, open.context).score;
}

/** What it scores by what no suppression takes. */
export const heardScore = (open: Open): number =>
  open.heard === undefined ? open.score : open.heard.length === 0 ? 0 : combine(open.heard, open.context).score;

/** True when people should hear of it again; what they know is then as it is now. */
export function worse(open: Open): boolean {
  const { told } = open;
  const score = heardScore(open);
  const secrets = secretCount(open);
  const families = familiesOf(open.heard ?? open.reasons);
  const again =
    score >= told.score + WORSE ||
    (bandOf(score) !== bandOf(told.score) && score > told.score) ||
    (secrets >= MANY && secrets >= 2 * told.secrets) ||
    [...families].some((family) => !told.families.includes(family));
  if (again) know(open);
  return again;
}

export function know(open: Open): void {
  open.told = {
    score: heardScore(open),
    families: [...new Set([...open.told.families.split(''), ...familiesOf(open.heard ?? open.reasons)])].toSorted().join(''),
    secrets: secretCount(open),
  };
}

const familiesOf = (reasons: readonly Reason[]): Set<string> =>
  new Set(reasons.filter(({ bits }) => bits >= FAMILY_BITS).map(({ family }) => family));

/** Exact below 64; beyond, by the 64th least hash, within about an eighth. */
export const secretCount = ({ least }: Pick<Open, 'least'>): number =>
  least.length < LEAST ? least.length : Math.round(((LEAST - 1) * 2 ** 48) / (least.at(-1) ?? 1));

function noteSecret(least: number[], hash: number): void {
  if (least.length === LEAST && hash >= (least.at(-1) ?? 0)) return;
  const at = least.findIndex((each) => each >= hash);
  if (at !== -1 && least[at] === hash) return;
  least.splice(at === -1 ? least.length : at, 0, hash);
  if (least.length > LEAST) least.pop();
}

/** The best of each detector, the strongest first. */
function merged(known: readonly Reason[], more: readonly Reason[]): Reason[] {
  const best = new Map(known.map((reason) => [reason.detector, reason]));
  for (const reason of more) {
    const before = best.get(reason.detector);
    if (before === undefined || byWeight(reason, before) < 0) best.set(reason.detector, tidy(reason));
  }
  return [...best.values()].toSorted(byWeight);
}

const LONGEST_SAID = 300;
/** Bits to a thousandth: what is written is what is read. */
const tidy = (reason: Reason): Reason => ({
  ...reason,
  bits: Math.round(reason.bits * 1000) / 1000,
  observed: clean(reason.observed, LONGEST_SAID),
  expected: clean(reason.expected, LONGEST_SAID),
});
