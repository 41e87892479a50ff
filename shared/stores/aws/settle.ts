/** Waiting, for moments only, until Secrets Manager shows what was just done: here, and in the regions it replicates to. */
import { setTimeout as delay } from 'node:timers/promises';
import { KeywheelError } from '../../errors.ts';
import { need, type Context, type View } from './view.ts';

/** Looks until `shows` is true. ERR_STORE_UNAVAILABLE, retryable, when it is not in the time that reads usually lag. */
export async function seen(context: Context, name: string, shows: (view: View) => boolean): Promise<View> {
  for (const pause of [...context.lagPauses, undefined]) {
    const view = await need(context, name);
    if (shows(view)) return view;
    if (pause !== undefined) await delay(pause);
  }
  throw new KeywheelError('ERR_STORE_UNAVAILABLE', `secret ${name} was published, and Secrets Manager does not show it yet`, {
    hint: 'it is looked at again',
    retryable: true,
    subject: name,
  });
}

/**
 * The view once every replica is InSync. ERR_STORE_FAILED when one has failed; ERR_STORE_UNAVAILABLE, retryable, when one is not InSync yet.
 * A rehearsal does not wait. https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ReplicationStatusType.html
 */
export async function inSync(context: Context, from: View): Promise<View> {
  let view = from;
  for (const pause of [...context.replicaPauses, undefined]) {
    const behind = context.rehearsal === undefined ? view.replicas.filter(({ status }) => status !== 'InSync') : [];
    if (behind.length === 0) return view;
    const failed = behind.filter(({ status }) => status === 'Failed');
    if (failed.length > 0) throw replicasFailed(view.name, failed);
    if (pause === undefined) throw replicasBehind(context, view, behind);
    await delay(pause);
    view = await need(context, view.name);
  }
  return view;
}

const regions = (replicas: View['replicas']): string => replicas.map(({ region }) => region).join(', ');

function replicasFailed(name: string, failed: View['replicas']): KeywheelError {
  return new KeywheelError(
    'ERR_STORE_FAILED',
    `secret ${name} is not the same everywhere, because replication to ${regions(failed)} failed`,
    {
      hint: `see ReplicationStatus of aws secretsmanager describe-secret --secret-id ${name}; replicate it again or remove the region`,
      subject: name,
    },
  );
}

function replicasBehind({ clock, replicaTimeout }: Context, { name, changedAt }: View, behind: View['replicas']): KeywheelError {
  const late = changedAt !== undefined && clock.now() - changedAt > replicaTimeout;
  const hint = late
    ? `it takes longer than replicaTimeout; see ReplicationStatus of aws secretsmanager describe-secret --secret-id ${name}`
    : 'Secrets Manager is copying it; it is looked at again';
  return new KeywheelError(
    'ERR_STORE_UNAVAILABLE',
    `secret ${name} is not the same everywhere yet: ${regions(behind)} is not InSync`,
    {
      hint,
      retryable: true,
      subject: name,
    },
  );
}
