/**
 * Secrets Manager's rotation contract as a driver of the engine. The service calls createSecret, setSecret, testSecret and finishSecret with one token;
 * any of them may come twice, late, or after a timer has already gone further.
 * https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets-lambda-function-overview.html
 */
import { KeywheelError, type ErrorCode } from '../errors.ts';
import {
  journalKey,
  PHASES,
  type AdvanceResult,
  type Phase,
  type RotationRecord,
  type SecretJournal,
} from '../rotation/index.ts';
import { supportsServiceRotation, type ServiceRotation } from '../stores/index.ts';
import type { Host } from './host.ts';
import { secretOfArn } from './names.ts';
import { withSecret, type OneSecret } from './one.ts';

export type RotationStep = 'createSecret' | 'setSecret' | 'testSecret' | 'finishSecret';
export const ROTATION_STEPS: readonly RotationStep[] = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'];

export interface RotationStepEvent {
  readonly step: RotationStep;
  /** The ARN, or the name, of the secret. */
  readonly secretId: string;
  /** Names the pending version, and with it the rotation. */
  readonly token: string;
  /** Cross-account rotation: proves to PutSecretValue whose rotation it is. */
  readonly rotationToken?: string | undefined;
}

/** How far each step goes. finishSecret goes on as far as it can: publishing, and on a repeated delivery what is still outstanding. */
const UNTIL: Readonly<Record<RotationStep, Phase | undefined>> = {
  createSecret: 'staged',
  setSecret: 'applied',
  testSecret: 'verified',
  finishSecret: undefined,
};

/** The phase after which a step has done what its name says. */
const DONE_AT: Readonly<Record<RotationStep, Phase>> = {
  createSecret: 'staged',
  setSecret: 'applied',
  testSecret: 'verified',
  finishSecret: 'published',
};

/**
 * Does one step. It returns when the step is done, and throws a KeywheelError otherwise, which makes the service try again: ERR_EVENT_INVALID for what no
 * retry mends, ERR_ROTATION_DISABLED, ERR_ROTATION_HELD, or the code of what failed.
 */
export async function rotationStep(event: RotationStepEvent, host: Host): Promise<void> {
  const name = secretOfArn(host.config, event.secretId);
  await withSecret(host, name, { rotationToken: event.rotationToken }, async (one) => {
    const service = await serviceSays(one, event);
    const journal = (await one.ports.state.get<SecretJournal>(journalKey(name)))?.value;
    const record = journal?.rotation;
    const ours = record?.rotationId === event.token ? record : undefined;
    if (ours === undefined && service.stages?.includes('AWSCURRENT') === true) {
      // Published long ago, or the version that a person made: nothing of this rotation is outstanding.
      host.log.info('rotation step is done already', { secret: name, step: event.step, rotationId: event.token });
      return;
    }
    if (ours === undefined && event.step === 'testSecret') return testOnly(one, event, service);
    const request = {
      start: event.step === 'createSecret',
      rotationId: event.token,
      reason: 'asked for by Secrets Manager',
      // The service has waited already before it tries again.
      resume: true,
    };
    const until = UNTIL[event.step];
    const result = await one.advance({ ...request, ...(until === undefined ? {} : { until }) });
    settle(name, event, result);
  });
}

/** What AWS's own templates check first: rotation is on, and the token names a version that is pending or current. */
async function serviceSays({ name, ports }: OneSecret, { token, step }: RotationStepEvent): Promise<ServiceRotation> {
  if (!supportsServiceRotation(ports.store)) {
    throw refuse(
      name,
      `${name} is in a ${ports.store.kind} store, which starts no rotations by itself`,
      'set its store to one of kind aws',
    );
  }
  const service = await ports.store.serviceRotation(name, token);
  if (service === undefined) throw new KeywheelError('ERR_SECRET_NOT_FOUND', `${name} is not in its store`, { subject: name });
  if (!service.enabled) {
    throw new KeywheelError(
      'ERR_ROTATION_DISABLED',
      `rotation of ${name} is not enabled in Secrets Manager; nothing was changed`,
      {
        hint: 'enable it on the secret, or rotate it by the schedule of keywheel.yaml alone',
        subject: name,
      },
    );
  }
  if (service.stages === undefined) {
    throw refuse(
      name,
      `${step} of ${name} names a version that the secret does not have`,
      'only Secrets Manager may call this function; let it start the rotation',
    );
  }
  if (!service.stages.includes('AWSCURRENT') && !service.stages.includes('AWSPENDING')) {
    throw refuse(
      name,
      `${step} of ${name} names a version that is neither pending nor current: that rotation was ended`,
      'start a new rotation: aws secretsmanager rotate-secret --secret-id NAME',
    );
  }
  return service;
}

/** RotateImmediately=false: only testSecret comes, for a pending version that the service made. It is looked at and nothing is changed. */
async function testOnly({ name, ports }: OneSecret, { token }: RotationStepEvent, service: ServiceRotation): Promise<void> {
  const pending = service.stages?.includes('AWSPENDING') === true ? await ports.store.read(name, { version: token }) : undefined;
  if (pending === undefined) {
    throw refuse(
      name,
      `testSecret of ${name} came before createSecret: the pending version has no value`,
      'let Secrets Manager start the rotation again',
    );
  }
  ports.target.slotOf(pending.value);
  for (const endpoint of ports.target.endpoints) {
    const probe = await ports.target.probe(pending.value, endpoint);
    if (probe.outcome === 'accepted') continue;
    throw new KeywheelError(FAILURE_OF[probe.outcome], `pending of ${name} at ${endpoint}: ${probe.outcome}: ${probe.detail}`, {
      hint: 'nothing was changed; keywheel doctor shows what the rotation would need',
      retryable: probe.outcome !== 'refused',
      subject: name,
    });
  }
}

const FAILURE_OF = {
  refused: 'ERR_TARGET_REFUSED',
  unreachable: 'ERR_TARGET_UNREACHABLE',
  tls: 'ERR_TARGET_TLS',
  forbidden: 'ERR_TARGET_FORBIDDEN',
  throttled: 'ERR_TARGET_THROTTLED',
} as const satisfies Record<string, ErrorCode>;

/** Returns when the step is done; throws why it is not. */
function settle(name: string, { step, token }: RotationStepEvent, result: AdvanceResult | undefined): void {
  if (result === undefined) {
    throw new KeywheelError('ERR_TIMEOUT', `${step} of ${name} ran out of the function's time between two steps`, {
      hint: 'the journal holds what was done; the next call goes on. Raise the timeout of the function if it comes again',
      retryable: true,
      subject: name,
    });
  }
  const { rotation, status, error } = result;
  if (status === 'disabled') {
    throw new KeywheelError('ERR_ROTATION_DISABLED', `${name}: enabled is false in keywheel.yaml; nothing was changed`, {
      subject: name,
    });
  }
  if (rotation !== undefined && rotation.rotationId !== token) throw occupied(name, rotation);
  if (rotation?.outcome === 'abandoned') {
    throw refuse(
      name,
      `the rotation of ${name} was given up and current was not changed by it: ${rotation.abandon?.reason ?? 'no reason was recorded'}`,
      'start a new rotation when that is mended: aws secretsmanager rotate-secret --secret-id NAME',
    );
  }
  if (rotation !== undefined && reached(rotation, DONE_AT[step])) return;
  if (status === 'busy') {
    throw new KeywheelError('ERR_LEASE_LOST', `another worker is rotating ${name} now`, { retryable: true, subject: name });
  }
  const why = rotation?.hold ?? error ?? rotation?.failure;
  if (why !== undefined) {
    const code = why.code.startsWith('ERR_') ? (why.code as ErrorCode) : 'ERR_ROTATION_HELD';
    throw new KeywheelError(code, `${step} of ${name}: ${why.message}`, {
      retryable: true,
      subject: name,
      ...(why.hint === undefined ? {} : { hint: why.hint }),
    });
  }
  if (rotation === undefined) {
    const when = result.resumeAt === undefined ? '' : ` before ${new Date(result.resumeAt).toISOString()}`;
    const what =
      step === 'createSecret' ? `the rotation of ${name} may not start${when}` : `${step} of ${name} came before createSecret`;
    throw new KeywheelError('ERR_ROTATION_HELD', what, { retryable: true, subject: name });
  }
  throw new KeywheelError('ERR_ROTATION_HELD', `${step} of ${name} is not done: the rotation waits after ${rotation.phase}`, {
    hint: `it goes on at ${new Date(rotation.nextAt).toISOString()}`,
    retryable: true,
    subject: name,
  });
}

function occupied(name: string, { rotationId, phase, nextAt, hold }: RotationRecord): KeywheelError {
  const why = hold === undefined ? `it goes on at ${new Date(nextAt).toISOString()}` : `it is held: ${hold.message}`;
  return new KeywheelError('ERR_ROTATION_CONFLICT', `rotation ${rotationId} of ${name} is not finished (${phase} is complete)`, {
    hint: `${why}; Secrets Manager tries again by itself`,
    retryable: true,
    subject: name,
  });
}

function refuse(name: string, message: string, hint: string): KeywheelError {
  return new KeywheelError('ERR_EVENT_INVALID', message, { hint, subject: name });
}

const reached = (rotation: RotationRecord, phase: Phase): boolean => PHASES.indexOf(rotation.phase) >= PHASES.indexOf(phase);
