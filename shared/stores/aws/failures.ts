/** What a failed call of Secrets Manager means. https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html */
import { awsFailure } from '../../aws.ts';
import { KeywheelError } from '../../errors.ts';

/** `what` begins the sentence: `secret app/db could not be read`. Nothing of the service's own text is told, it may repeat what was sent. */
export function storeError(error: unknown, name: string, what: string): KeywheelError {
  if (error instanceof KeywheelError) return error;
  const failure = awsFailure(error);
  const say = (code: KeywheelError['code'], why: string, hint: string, retryable = false): KeywheelError =>
    new KeywheelError(code, `${what}, because ${why}: ${failure.text}`, { hint, retryable, subject: name });
  switch (failure.kind) {
    case 'login':
      return say(
        'ERR_STORE_LOGIN',
        'AWS does not accept our credentials',
        'renew the credentials of the default chain: profile, role or environment',
      );
    case 'forbidden':
      return say(
        'ERR_STORE_FORBIDDEN',
        'AWS does not allow it',
        'grant the action on this secret, and on its KMS key where it has one of its own',
      );
    case 'throttled':
      return say('ERR_STORE_THROTTLED', 'Secrets Manager throttles us', 'it is tried again', true);
    case 'unavailable':
      return say(
        'ERR_STORE_UNAVAILABLE',
        'Secrets Manager gave no answer that tells',
        'it is tried again; check the network and the region',
        true,
      );
    case 'region':
      return say('ERR_CONFIG_INVALID', 'no region is known', 'set region on the store in keywheel.yaml, or AWS_REGION');
    case 'other':
      return byName(failure.name, say);
  }
}

function byName(name: string, say: (code: KeywheelError['code'], why: string, hint: string) => KeywheelError): KeywheelError {
  switch (name) {
    case 'ResourceNotFoundException':
      return say('ERR_SECRET_NOT_FOUND', 'there is no such secret', 'check its name, the region and the account');
    case 'DecryptionFailure':
    case 'EncryptionFailure':
      return say(
        'ERR_STORE_KEY',
        'its KMS key cannot be used',
        'check that the key exists, is enabled, and that its policy names us',
      );
    case 'LimitExceededException':
      return say(
        'ERR_STORE_FULL',
        'a quota of Secrets Manager is reached',
        'a secret holds about 100 versions and 20 labels; wait a day or remove labels',
      );
    case 'InvalidRequestException':
      return say(
        'ERR_STORE_FAILED',
        'the secret is in a state that does not allow it',
        'it may be marked for deletion, be a replica, or be managed by another service: aws secretsmanager describe-secret tells',
      );
    default:
      return say('ERR_STORE_FAILED', 'Secrets Manager refused', 'aws secretsmanager describe-secret tells what it is');
  }
}

/** True of the answers that may mean that a version or label was not where the request supposed it; then the world is looked at again. */
export function isMismatch(error: unknown): boolean {
  return ['InvalidParameterException', 'InvalidRequestException', 'ResourceNotFoundException'].includes(awsFailure(error).name);
}

export const isNamed = (error: unknown, name: string): boolean => awsFailure(error).name === name;

export function conflict(name: string, why: string, hint: string): KeywheelError {
  return new KeywheelError('ERR_STORE_CONFLICT', `secret ${name} was not changed, because ${why}`, { hint, subject: name });
}
