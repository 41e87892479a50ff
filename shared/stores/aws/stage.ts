/** Staging: one PutSecretValue under a token that the rotation names. */
import { KeywheelError } from '../../errors.ts';
import type { SecretValue, VersionRef } from '../port.ts';
import { conflict, isNamed, storeError } from './failures.ts';
import { moveLabel } from './labels.ts';
import { asideLabel, discardedLabel, isForeignToken, rotationLabel, tokenOf } from './tokens.ts';
import { encode } from './value.ts';
import { isSettled, need, pendingOf, type Context, type View } from './view.ts';

export async function stage(context: Context, name: string, value: SecretValue, rotationId: string): Promise<VersionRef> {
  const token = tokenOf(rotationId);
  const text = encode(name, value);
  const view = await need(context, name);
  const labels = view.stages.get(token) ?? [];
  if (labels.includes(discardedLabel(token))) {
    throw conflict(name, `version ${token} of rotation ${rotationId} was discarded`, 'start a new rotation');
  }
  if (await context.facts.hasValue(name, token)) {
    // Pending: the usual retry. Published, or history by now: it is done with, and stays the same version.
    if (labels.includes(asideLabel(token))) await bringBack(context, view, token);
    return refTo(context, name, token, rotationId);
  }
  refuseEmpty(view);
  await refuseOther(context, view, token);
  await put(context, { name, token, text, rotationId });
  if (context.rehearsal !== undefined) return refTo(context, name, token, rotationId);
  const staged = await context.facts.get(name, { VersionId: token }, context.lagPauses);
  if (staged === undefined) {
    throw new KeywheelError('ERR_STORE_UNAVAILABLE', `version ${token} of ${name} was written and cannot be read yet`, {
      hint: 'Secrets Manager shows a new version a moment later; it is tried again',
      retryable: true,
      subject: name,
    });
  }
  await refuseTaken(context, name, token);
  return refTo(context, name, token, rotationId);
}

function refTo({ facts, clock }: Context, name: string, id: string, rotationId: string): VersionRef {
  return { id, createdAt: facts.createdAt(name, id) ?? Math.trunc(clock.now()), rotationId };
}

/**
 * The first version of a secret gets AWSCURRENT whatever it is put as, and would be published by being staged:
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
 */
function refuseEmpty({ name, current }: View): void {
  if (current !== undefined) return;
  throw new KeywheelError('ERR_SECRET_NOT_FOUND', `secret ${name} has no current value, beside which one could be pending`, {
    hint: `write its first value with \`keywheel put ${name}\``,
    subject: name,
  });
}

/** PutSecretValue moves AWSPENDING from whoever bears it, so it must be nobody's. */
async function refuseOther(context: Context, view: View, token: string): Promise<void> {
  const other = pendingOf(view);
  // Without a value it is only announced: RotateSecret does so before createSecret, and an abandoned one leaves it.
  if (other === undefined || other === token || !(await context.facts.hasValue(view.name, other))) return;
  throw conflict(view.name, `version ${other} is pending`, 'let the rotation that staged it finish, or abandon it');
}

async function put(
  { calls, rotationToken, rehearsal, facts, clock }: Context,
  { name, token, text, rotationId }: { name: string; token: string; text: string; rotationId: string },
): Promise<void> {
  const request = {
    SecretId: name,
    ClientRequestToken: token,
    SecretString: text,
    VersionStages: ['AWSPENDING', ...(isForeignToken(token) ? [rotationLabel(token)] : [])],
    ...(rotationToken === undefined ? {} : { RotationToken: rotationToken }),
  };
  try {
    await calls.effect(
      `PutSecretValue ${name} version ${token} as AWSPENDING (rotation ${rotationId})`,
      (service) => service.putSecretValue(request),
      () => {
        for (const label of request.VersionStages) rehearsal?.note(name, { label, to: token });
        facts.suppose(name, token, clock.now());
        return {};
      },
    );
  } catch (error) {
    // Somebody else was first with this token and another value: the first value wins.
    if (isNamed(error, 'ResourceExistsException')) return;
    throw storeError(error, name, `secret ${name} was not changed for certain`);
  }
}

/** Two rotations that stage at the same moment both find nothing pending; the label is then with the later one. */
async function refuseTaken(context: Context, name: string, token: string): Promise<void> {
  const view = await need(context, name);
  const holder = pendingOf(view);
  if (holder === undefined || holder === token || isSettled(token, view.stages.get(token) ?? [])) return;
  if (!(await context.facts.hasValue(name, holder))) return;
  throw conflict(
    name,
    `version ${holder} became pending at the same moment`,
    'let the rotation that staged it finish, or abandon it',
  );
}

/** It was pending when another version was published, and is so again. */
async function bringBack(context: Context, view: View, token: string): Promise<void> {
  const { name, pendingHolder } = view;
  await refuseOther(context, view, token);
  if (pendingHolder !== token) await moveLabel(context, name, { label: 'AWSPENDING', from: pendingHolder, to: token });
  await moveLabel(context, name, { label: asideLabel(token), from: token });
}
