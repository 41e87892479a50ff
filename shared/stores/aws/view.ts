/** What Secrets Manager says of a secret, and the port's state made of it. */
import type { DescribeSecretResponse, SecretListEntry } from '@aws-sdk/client-secrets-manager';
import type { Clock } from '../../deps.ts';
import { KeywheelError } from '../../errors.ts';
import type { Label, SecretState, VersionRef } from '../port.ts';
import type { Calls } from './calls.ts';
import type { Facts } from './facts.ts';
import type { Rehearsal } from './labels.ts';
import { isNamed, storeError } from './failures.ts';
import { discardedLabel, rotationIdOf } from './tokens.ts';

/** What the operations of one open store share. */
export interface Context {
  readonly calls: Calls;
  readonly facts: Facts;
  readonly clock: Clock;
  /** Milliseconds between looks at a version that was just written. */
  readonly lagPauses: readonly number[];
  /** Milliseconds between looks at replicas. */
  readonly replicaPauses: readonly number[];
  readonly replicaTimeout: number;
  readonly rotationToken: string | undefined;
  /** Present when effects are told and not made. */
  readonly rehearsal: Rehearsal | undefined;
}

export interface View {
  readonly name: string;
  /** Version ids with the labels they bear. Versions without a label are not here, though they may still be there. */
  readonly stages: ReadonlyMap<string, readonly string[]>;
  readonly current: string | undefined;
  readonly previous: string | undefined;
  /** Who bears AWSPENDING, also where that says nothing: on current, without a value, or discarded. */
  readonly pendingHolder: string | undefined;
  readonly rotationEnabled: boolean;
  readonly replicas: readonly { readonly region: string; readonly status: string }[];
  /** Milliseconds since the epoch. */
  readonly changedAt: number | undefined;
}

/** Undefined when there is no such secret. ERR_SECRET_NOT_FOUND when it is scheduled for deletion: then it may be restored, and is nobody's to change. */
export async function look({ calls, rehearsal }: Context, name: string): Promise<View | undefined> {
  let said: DescribeSecretResponse;
  try {
    said = await calls.read(`DescribeSecret ${name}`, (service) => service.describeSecret({ SecretId: name }));
  } catch (error) {
    if (isNamed(error, 'ResourceNotFoundException')) return undefined;
    throw storeError(error, name, `secret ${name} could not be described`);
  }
  if (said.DeletedDate !== undefined) {
    const when = said.DeletedDate.toISOString();
    throw new KeywheelError(
      'ERR_SECRET_NOT_FOUND',
      `secret ${name} cannot be used, because it is scheduled for deletion on ${when}`,
      {
        hint: `aws secretsmanager restore-secret --secret-id ${name} keeps it`,
        subject: name,
      },
    );
  }
  return viewOf(name, rehearsal?.apply(name, said.VersionIdsToStages ?? {}) ?? said.VersionIdsToStages, said);
}

export function viewOf(
  name: string,
  versions: Record<string, string[]> | undefined,
  said: Partial<DescribeSecretResponse & SecretListEntry>,
): View {
  const stages = new Map(Object.entries(versions ?? {}).filter(([, labels]) => labels.length > 0));
  const holder = (label: string) => [...stages].find(([, labels]) => labels.includes(label))?.[0];
  return {
    name,
    stages,
    current: holder('AWSCURRENT'),
    previous: holder('AWSPREVIOUS'),
    pendingHolder: holder('AWSPENDING'),
    rotationEnabled: said.RotationEnabled === true,
    replicas: (said.ReplicationStatus ?? []).map(({ Region = 'unknown', Status = 'unknown' }) => ({
      region: Region,
      status: Status,
    })),
    changedAt: said.LastChangedDate?.getTime(),
  };
}

export async function need(context: Context, name: string): Promise<View> {
  const view = await look(context, name);
  if (view !== undefined) return view;
  throw new KeywheelError('ERR_SECRET_NOT_FOUND', `secret ${name} is not in Secrets Manager`, {
    hint: `check the name, the region and the account, or write its first value with \`keywheel put ${name}\``,
    subject: name,
  });
}

/**
 * Versions never change, so the two that `current` and `previous` name tell every move and every edit: an edit makes a new version.
 * The same pair comes back only when `current` was moved there and back, and then it is again what it was.
 */
export const revisionOf = ({ current, previous }: View): string => `${current ?? 'none'}/${previous ?? 'none'}`;

/** AWSPENDING says something only on a version that is neither published nor discarded. Its value may still be missing. */
export function pendingOf({ stages, pendingHolder }: View): string | undefined {
  const labels = pendingHolder === undefined ? undefined : stages.get(pendingHolder);
  if (pendingHolder === undefined || labels === undefined || isSettled(pendingHolder, labels)) return undefined;
  return pendingHolder;
}

/** True of a version that was published or discarded: AWSPENDING on it is a left-over, as AWS's own templates leave it on current. */
export function isSettled(version: string, labels: readonly string[]): boolean {
  return labels.includes('AWSCURRENT') || labels.includes('AWSPREVIOUS') || labels.includes(discardedLabel(version));
}

export async function stateOf(context: Context, view: View): Promise<SecretState> {
  return { name: view.name, revision: revisionOf(view), labels: await labelsOf(context, view) };
}

export async function labelsOf(context: Context, view: View): Promise<SecretState['labels']> {
  const { current, previous } = view;
  const waiting = pendingOf(view);
  // RotateSecret puts AWSPENDING on a version that has no value until createSecret; that one is nothing yet.
  const pending = waiting !== undefined && (await context.facts.hasValue(view.name, waiting)) ? waiting : undefined;
  const named = Object.entries({ current, previous, pending }).filter((one): one is [Label, string] => one[1] !== undefined);
  await context.facts.learnDates(
    view.name,
    named.map(([, id]) => id),
  );
  return Object.fromEntries(named.map(([label, id]) => [label, refOf(context, view, id)]));
}

/** The version's date must be known by now. */
function refOf(context: Context, view: View, id: string): VersionRef {
  const rotationId = rotationIdOf(id, view.stages.get(id) ?? []);
  const createdAt = context.facts.createdAt(view.name, id) ?? view.changedAt ?? 0;
  return { id, createdAt, ...(rotationId === undefined ? {} : { rotationId }) };
}
