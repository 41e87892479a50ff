/** What an access key looks like in a secret. Pure. */
import type { AwsIamKeyTargetConfig } from '../../config/index.ts';
import { KeywheelError } from '../../errors.ts';
import type { SecretValue } from '../../stores/index.ts';
import type { Slot } from '../port.ts';

export interface KeyPair {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const invalid = (message: string, field: string): KeywheelError =>
  new KeywheelError('ERR_SECRET_INVALID', message, {
    hint: 'the secret’s JSON needs accessKeyId and secretAccessKey; username may name the IAM user',
    subject: field,
  });

export function pairOf(value: SecretValue): KeyPair {
  const text = (field: string): string => {
    const found = value[field];
    if (typeof found === 'string' && found !== '') return found;
    throw invalid(`${field} is missing from the secret’s value, or is not text`, field);
  };
  return { accessKeyId: text('accessKeyId'), secretAccessKey: text('secretAccessKey') };
}

/** One user is pinned. A value that names another one is not for this target. */
export function slotOf(config: AwsIamKeyTargetConfig, value: SecretValue): Slot {
  for (const field of ['username', 'userName']) {
    if (value[field] !== undefined && value[field] !== config.userName) {
      throw invalid(`${field} names another IAM user than ${config.userName}, which is pinned for this secret`, field);
    }
  }
  pairOf(value);
  return config.userName;
}

/** The id is what signs requests, so it is in every value; `keyId` beside it is only a convenience for readers. */
export function keyOf(value: SecretValue): string | undefined {
  const id = value['accessKeyId'];
  return typeof id === 'string' && id !== '' ? id : undefined;
}
