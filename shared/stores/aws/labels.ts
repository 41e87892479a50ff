/** Moving staging labels, for real or in a rehearsal. */
import type { KeywheelError } from '../../errors.ts';
import { isMismatch, storeError } from './failures.ts';
import type { Context } from './view.ts';

export interface Move {
  readonly label: string;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/**
 * UpdateSecretVersionStage. With `from` the label moves only if it is there, which is the service's compare-and-set. What the service refuses is
 * returned: whoever moves looks at the secret again, which tells why. Other failures are thrown, and the label may have moved.
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html
 */
export async function moveLabel({ calls, rehearsal }: Context, name: string, move: Move): Promise<KeywheelError | undefined> {
  const { label, from, to } = move;
  const way = `${from === undefined ? '' : ` from ${from}`}${to === undefined ? '' : ` to ${to}`}`;
  const request = {
    SecretId: name,
    VersionStage: label,
    ...(from === undefined ? {} : { RemoveFromVersionId: from }),
    ...(to === undefined ? {} : { MoveToVersionId: to }),
  };
  try {
    await calls.effect(
      `UpdateSecretVersionStage ${name} ${label}${way}`,
      (service) => service.updateSecretVersionStage(request),
      () => {
        rehearsal?.note(name, move);
        return {};
      },
    );
    return undefined;
  } catch (error) {
    const told = storeError(error, name, `label ${label} of ${name} was not moved for certain`);
    if (isMismatch(error)) return told;
    throw told;
  }
}

type Stages = Readonly<Record<string, readonly string[]>>;

/** The moves that a rehearsal has told, so that what it looks at next is as it would be. */
export interface Rehearsal {
  note(name: string, move: Move): void;
  apply(name: string, stages: Stages): Record<string, string[]>;
}

export function openRehearsal(): Rehearsal {
  const moves = new Map<string, Move[]>();
  return {
    note: (name, move) => void moves.set(name, [...(moves.get(name) ?? []), move]),
    apply: (name, stages) => (moves.get(name) ?? []).reduce(moved, copyOf(stages)),
  };
}

const copyOf = (stages: Stages): Record<string, string[]> =>
  Object.fromEntries(Object.entries(stages).map(([version, labels]) => [version, [...labels]]));

/** A label is on one version at a time, and AWSPREVIOUS follows AWSCURRENT to where that was. */
function moved(stages: Record<string, string[]>, { label, to }: Move): Record<string, string[]> {
  const next = copyOf(stages);
  const take = (one: string): string | undefined => {
    const holder = Object.keys(next).find((version) => next[version]?.includes(one));
    if (holder !== undefined) next[holder] = (next[holder] ?? []).filter((each) => each !== one);
    return holder;
  };
  const give = (one: string, version: string): void => void (next[version] = [...(next[version] ?? []), one]);
  const was = take(label);
  if (to !== undefined) give(label, to);
  if (label === 'AWSCURRENT' && was !== undefined) {
    take('AWSPREVIOUS');
    give('AWSPREVIOUS', was);
  }
  return next;
}
