/** Publishing: AWSCURRENT is moved by compare-and-set, then what says nothing any more is removed. A repetition finishes what a crash left. */
import type { KeywheelError } from '../../errors.ts';
import type { Revision, SecretState } from '../port.ts';
import { conflict } from './failures.ts';
import { moveLabel } from './labels.ts';
import { inSync, seen } from './settle.ts';
import { asideLabel, discardedLabel, isVersionId, rotationLabel } from './tokens.ts';
import { isSettled, need, revisionOf, stateOf, type Context, type View } from './view.ts';

/**
 * Returns when every replica is InSync too: until then consumers of a replica read the old version, and grace must not begin. Before that it
 * throws ERR_STORE_UNAVAILABLE, retryable, and the same call again looks again; ERR_STORE_FAILED when a replica has failed.
 */
export async function publish(context: Context, name: string, version: string, expected: Revision): Promise<SecretState> {
  const before = await need(context, name);
  let view = before;
  if (before.current !== version) {
    refuseMoved(before, expected);
    await refuseMissing(context, before, version);
    // A replica that is told of two moves at once may stand still for good, so each label waits for the one before it.
    await inSync(context, before);
    const refusal = await moveLabel(context, name, { label: 'AWSCURRENT', from: before.current, to: version });
    view = await seen(context, name, (now) => now.current !== before.current || refusal !== undefined);
    if (view.current !== version) throw lost(view, expected, refusal, version);
  }
  for (const left of await leftOvers(context, before, view, version)) {
    await inSync(context, view);
    if (left.aside) await moveLabel(context, name, { label: asideLabel(left.from), to: left.from });
    const refusal = await moveLabel(context, name, left);
    view = await need(context, name);
    // Refused because it is gone from there is as good as removed.
    if (refusal !== undefined && view.stages.get(left.from)?.includes(left.label) === true) throw refusal;
  }
  return stateOf(context, await inSync(context, view));
}

export function refuseMoved(view: View, expected: Revision): void {
  if (revisionOf(view) === expected) return;
  const why = `current moved from revision ${expected} to ${revisionOf(view)}`;
  throw conflict(view.name, why, 'look at what changed it; the change was kept');
}

async function refuseMissing({ facts, lagPauses }: Context, { name, stages }: View, version: string): Promise<void> {
  const discarded = stages.get(version)?.includes(discardedLabel(version)) === true;
  if (!discarded && isVersionId(version)) {
    if (await facts.hasValue(name, version)) return;
    if ((await facts.get(name, { VersionId: version }, lagPauses)) !== undefined) return;
  }
  throw conflict(name, `version ${version} is not in the store any more`, 'start a new rotation');
}

function lost(view: View, expected: Revision, refusal: KeywheelError | undefined, version: string): KeywheelError {
  if (revisionOf(view) === expected && refusal !== undefined) return refusal;
  const why = `current moved to ${view.current ?? 'no version'} while ${version} was being published`;
  return conflict(view.name, why, 'look at what changed it; the change was kept');
}

interface LeftOver {
  readonly label: string;
  readonly from: string;
  /** It was pending, gives way, and may be staged again. */
  readonly aside: boolean;
}

async function leftOvers(context: Context, before: View, view: View, version: string): Promise<LeftOver[]> {
  const found: LeftOver[] = [];
  const { pendingHolder: holder, stages } = view;
  if (holder !== undefined) {
    if (isSettled(holder, stages.get(holder) ?? [])) found.push({ label: 'AWSPENDING', from: holder, aside: false });
    // On a later delivery it is a later rotation's and stays, as does one that RotateSecret has only announced.
    else if (before.current !== version && holder === before.pendingHolder && (await context.facts.hasValue(view.name, holder)))
      found.push({ label: 'AWSPENDING', from: holder, aside: true });
  }
  if (stages.get(version)?.includes(asideLabel(version)) === true)
    found.push({ label: asideLabel(version), from: version, aside: false });
  for (const [id, labels] of stages) {
    // It fell out of previous: without a label the vendor may delete it.
    if (labels.length === 1 && labels[0] === rotationLabel(id)) found.push({ label: rotationLabel(id), from: id, aside: false });
  }
  return found;
}
