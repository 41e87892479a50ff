/** L: whether the audit records can be trusted: auditing that is turned off, cut or blinded, sources that fall silent, secrets in clear, wrong clocks. */
import { FLAG, hasFlag, type AuditEvent } from '../event.ts';
import type { Slot } from '../profiles/slot.ts';
import { sliceIfAny, sliceOf } from '../profiles/profile.ts';
import type { DetectorFamily, Finding, Scene } from '../scene.ts';
import type { Detector } from '../settings.ts';
import { dayOf, daysBefore, markDay } from './days.ts';
import { wordHash } from './known.ts';
import { FEED_SLOT, NOTES } from './logs-memory.ts';
import { learnSilence, observeSilence } from './logs-silence.ts';
import { dropLeast } from './privilege-memory.ts';
import { deed } from './privilege-single.ts';

type Say = (finding: Finding) => void;

/** For the codec of profiles. */
export const logsSlots: readonly Slot<unknown>[] = [FEED_SLOT];

const HOUR = 3_600_000;
const REGULAR_DAYS = 3;
const TRIED = 0.5;

/** Parts of operations, in lower case: what carries records, and what leaves some out. */
const CARRIERS = [
  'sink',
  'diagnosticsettings',
  'logprofiles',
  'subscription',
  'loggroup',
  'logstream',
  'deliverystream',
  'deletestream',
  'removetargets',
  'deleterule',
  'disablerule',
  'deletetopic',
  'eventhub',
  'deletebucket',
];
const EXEMPTIONS = ['setiampolicy', 'exclusion', 'exempt'];

const FAULTS = { clear: { flag: FLAG.clear, every: 24 * HOUR }, skewed: { flag: FLAG.skewed, every: HOUR } } as const;
type Fault = keyof typeof FAULTS;

/** Which of the three ways of not being seen; undefined when auditing stays as it is. */
function blinded(event: AuditEvent): 'L1' | 'L2' | 'L8' | undefined {
  if (!hasFlag(event, FLAG.auditOff)) return undefined;
  const action = event.action.toLowerCase();
  if (EXEMPTIONS.some((part) => action.includes(part))) return 'L8';
  return CARRIERS.some((part) => action.includes(part)) ? 'L2' : 'L1';
}

const EXPECTED = { L1: 'auditing stays on', L2: 'delivery stays on', L8: 'everybody is recorded' } as const;

/** No habit silences these: who turns auditing off is told of each time. */
function observeBlinded({ event, detectors }: Scene, say: Say): void {
  const detector = blinded(event);
  if (detector === undefined || !detectors[detector].enabled) return;
  const { spec, floor } = detectors[detector];
  const done = event.outcome === 'ok';
  say({
    detector,
    bits: spec.cap * (done ? 1 : TRIED),
    observed: deed(event),
    expected: EXPECTED[detector],
    entity: 'principal',
    ...(done && floor > 0 ? { floor } : undefined),
  });
}

const aboutOf = ({ source, account }: AuditEvent): string => `${source}/${account}`;
const noteOf = (event: AuditEvent, fault: Fault): number => wordHash(`${fault} ${aboutOf(event)}`);

/** A source that is set up so writes every record so: it is told of once in a while, and after some days without a floor. */
function observeFault({ event, detectors, tenant }: Scene, fault: Fault, say: Say): void {
  const id = fault === 'clear' ? 'L5' : 'L6';
  const { flag, every } = FAULTS[fault];
  if (!hasFlag(event, flag) || !detectors[id].enabled) return;
  const note = sliceIfAny(tenant, FEED_SLOT)?.notes.get(noteOf(event, fault));
  if (note !== undefined && Math.abs(event.time - note.last) < every) return;
  const regular = note !== undefined && daysBefore(note, dayOf(event.time)) >= REGULAR_DAYS;
  if (regular && fault === 'skewed') return;
  const { spec, floor } = detectors[id];
  say({
    detector: id,
    bits: spec.cap * (regular ? TRIED : 1),
    entity: 'tenant',
    about: aboutOf(event),
    observed: fault === 'clear' ? `secrets or tokens in clear in ${aboutOf(event)}` : `a time in the future in ${aboutOf(event)}`,
    expected: fault === 'clear' ? 'hashed values' : 'times of at most now',
    ...(floor > 0 && !regular ? { floor } : undefined),
  });
}

function learnFault({ event, tenant }: Scene, fault: Fault): void {
  const { flag, every } = FAULTS[fault];
  if (!hasFlag(event, flag)) return;
  const { notes } = sliceOf(tenant, FEED_SLOT);
  const key = noteOf(event, fault);
  const found = notes.get(key);
  if (found === undefined && notes.size >= NOTES) dropLeast(notes, ({ last }) => last);
  const note = found ?? { last: -Infinity, day: -1, mask: 0 };
  if (Math.abs(event.time - note.last) >= every) note.last = Math.max(note.last, event.time);
  markDay(note, dayOf(event.time));
  notes.set(key, note);
}

export const logsFamily: DetectorFamily = {
  family: 'L',

  observe(scene, say) {
    const { flags } = scene.event;
    if ((flags & FLAG.echo) !== 0) return;
    if ((flags & (FLAG.auditOff | FLAG.clear | FLAG.skewed)) !== 0) {
      observeBlinded(scene, say);
      observeFault(scene, 'clear', say);
      observeFault(scene, 'skewed', say);
    }
    // A wrong clock must not make the others look silent.
    if ((flags & FLAG.skewed) === 0) observeSilence(scene, say);
  },

  learn(scene) {
    const { flags } = scene.event;
    if ((flags & FLAG.echo) !== 0) return;
    learnFault(scene, 'clear');
    learnFault(scene, 'skewed');
    if ((flags & FLAG.skewed) === 0) learnSilence(scene);
  },
};

/** L4, of one source over a period: how many operations of which only the request was recorded. */
export function pairingFinding(
  detector: Detector,
  { requests, unpaired }: { readonly requests: number; readonly unpaired: number },
  about: string,
): Finding | undefined {
  return shareFinding(detector, unpaired, requests, about, ['requests without a response', 'a response to every request']);
}

/** L7, of one source over a period: how many of its records are not what they say. */
export function malformedFinding(
  detector: Detector,
  { records, malformed }: { readonly records: number; readonly malformed: number },
  about: string,
): Finding | undefined {
  return shareFinding(detector, malformed, records, about, ['records that cannot be read', 'records of a known form']);
}

type Words = readonly [observed: string, expected: string];

function shareFinding({ id, enabled, spec, params }: Detector, part: number, all: number, about: string, words: Words) {
  const least = params['ratio'] ?? 1;
  if (!enabled || all < (params['least'] ?? 1) || part / all < least) return undefined;
  return {
    detector: id,
    bits: Math.min(spec.cap, 2 + Math.log2(part / all / least) + Math.log2(all / (params['least'] ?? 1)) / 2),
    observed: `${part} of ${all} ${words[0]}`,
    expected: `${words[1]}, fewer than ${Math.round(least * 100)} % without`,
    entity: 'tenant' as const,
    about,
  } satisfies Finding;
}
