/** Fields of a channel's credential, read when they are needed and kept by nobody longer than the client that holds them. */
import { isKeywheelError } from '../errors.ts';
import { alertError } from './failure.ts';
import type { AlertDeps } from './port.ts';

interface Place {
  readonly store: string;
  readonly secret: string;
}

/** ERR_ALERT_LOGIN when the secret or the field is not there; the store's own error when it cannot be read. */
export async function textField(
  deps: Pick<AlertDeps, 'readSecret'>,
  place: Place,
  field: string,
  channel: string,
): Promise<string> {
  const value = (await fieldsOf(deps, place, channel))[field];
  if (typeof value === 'string' && value !== '') return value;
  throw alertError(channel, {
    kind: 'login',
    why: `its secret ${place.secret} has no field ${field}`,
    hint: `put the field ${field} into the secret ${place.secret} of the store ${place.store}`,
  });
}

async function fieldsOf(
  { readSecret }: Pick<AlertDeps, 'readSecret'>,
  place: Place,
  channel: string,
): Promise<Readonly<Record<string, unknown>>> {
  let found: Readonly<Record<string, unknown>> | undefined;
  try {
    found = await readSecret(place);
  } catch (error) {
    // A store's own errors tell more, and hold no material.
    if (isKeywheelError(error)) throw error;
    throw alertError(channel, { kind: 'unavailable', why: `its secret ${place.secret} cannot be read` });
  }
  if (found !== undefined) return found;
  throw alertError(channel, {
    kind: 'login',
    why: `there is no secret ${place.secret} in the store ${place.store}`,
    hint: `make it, or name another as the channel’s credential`,
  });
}
