/**
 * Discarding. Secrets Manager deletes no version at a request, so a label says that it is discarded, AWSPENDING is removed, and it is not
 * read by us again. Its value stays, encrypted, for who may read versions by id; the newest few keep the label, so that a rotation
 * which is delivered again is refused, and the others the vendor deletes some time after 24 hours.
 */
import { conflict } from './failures.ts';
import { moveLabel } from './labels.ts';
import { asideLabel, discardedLabel, rotationLabel } from './tokens.ts';
import { look, need, type Context, type View } from './view.ts';

/** Rotations are delivered again for hours, and seldom abandoned; all labels of a secret share a quota of 20. */
const KEPT = 5;

export async function discard(context: Context, name: string, version: string): Promise<void> {
  const view = await look(context, name);
  const labels = view?.stages.get(version);
  if (view === undefined || labels === undefined) return; // gone, or history that was current once
  refusePublished(view, version);
  const mark = discardedLabel(version);
  const rest = ['AWSPENDING', asideLabel(version)].filter((label) => labels.includes(label));
  if (rest.length === 0) return;
  if (!labels.includes(mark)) {
    const refusal = await moveLabel(context, name, { label: mark, to: version });
    const now = await need(context, name);
    if (now.current === version || now.previous === version) {
      // Published in between: then it is not ours to discard.
      await moveLabel(context, name, { label: mark, from: version });
      refusePublished(now, version);
    }
    if (refusal !== undefined && now.stages.get(version)?.includes(mark) !== true) throw refusal;
  }
  const marker = rotationLabel(version);
  for (const label of labels.includes(marker) ? [...rest, marker] : rest) {
    await moveLabel(context, name, { label, from: version });
  }
  await prune(context, view, version);
}

function refusePublished({ name, current, previous }: View, version: string): void {
  if (version !== current && version !== previous) return;
  const label = version === current ? 'current' : 'previous';
  throw conflict(name, `version ${version} is ${label} and cannot be discarded`, 'publish another version first');
}

async function prune(context: Context, { name, stages }: View, newest: string): Promise<void> {
  const others = [...stages].filter(([id, labels]) => id !== newest && labels.includes(discardedLabel(id))).map(([id]) => id);
  if (others.length < KEPT) return;
  await context.facts.learnDates(name, others);
  const age = (id: string): number => context.facts.createdAt(name, id) ?? 0;
  const oldest = others.toSorted((a, b) => age(a) - age(b)).slice(0, others.length - KEPT + 1);
  for (const id of oldest) await moveLabel(context, name, { label: discardedLabel(id), from: id });
}
