/** A secret's value as Secrets Manager keeps it: SecretString, one flat JSON object, as its console and AWS's own templates write it. */
import { KeywheelError } from '../../errors.ts';
import type { SecretValue } from '../port.ts';

const LARGEST_VALUE = 65_536; // https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
const HINT = 'a secret is flat: one JSON object of strings, numbers, booleans and nulls, at most 64 KiB';

/** ERR_SECRET_INVALID for SecretBinary and for text that is no flat JSON object. Never tells what is in it. */
export function decode(
  name: string,
  stored: { SecretString?: string | undefined; SecretBinary?: Uint8Array | undefined },
): SecretValue {
  if (stored.SecretString === undefined) {
    throw invalid(name, stored.SecretBinary === undefined ? 'it is empty' : 'it is binary (SecretBinary)', 'cannot be used');
  }
  let value: unknown;
  try {
    value = JSON.parse(stored.SecretString);
  } catch {
    throw invalid(name, 'it is no JSON', 'cannot be used'); // the engine's message would quote it
  }
  check(name, value, 'cannot be used');
  return value;
}

/** The text to store. ERR_SECRET_INVALID when it is not flat or takes more than 64 KiB. */
export function encode(name: string, value: SecretValue): string {
  check(name, value, 'cannot be stored');
  const text = JSON.stringify(value);
  const size = Buffer.byteLength(text);
  if (size > LARGEST_VALUE) throw invalid(name, `it takes ${size} bytes and at most ${LARGEST_VALUE} fit`, 'cannot be stored');
  return text;
}

function check(name: string, value: unknown, what: string): asserts value is SecretValue {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(name, 'it is no object of fields', what);
  for (const [field, content] of Object.entries(value)) {
    const plain = content === null || ['string', 'number', 'boolean'].includes(typeof content);
    if (!plain || (typeof content === 'number' && !Number.isFinite(content))) {
      throw invalid(name, `its field ${JSON.stringify(field)} is no string, finite number, boolean or null`, what);
    }
  }
}

function invalid(name: string, why: string, what: string): KeywheelError {
  return new KeywheelError('ERR_SECRET_INVALID', `value of ${name} ${what}, because ${why}`, { hint: HINT, subject: name });
}

/** ERR_CONFIG_INVALID for names that Secrets Manager does not take; an ARN is taken too, which secrets of another account need. */
export function checkName(name: string): void {
  if (/^[\w/+=.@!:-]{1,512}$/.test(name)) return;
  throw new KeywheelError(
    'ERR_CONFIG_INVALID',
    `secret name ${JSON.stringify(name.slice(0, 80))} cannot be used in Secrets Manager`,
    {
      hint: 'use letters, digits and /_+=.@-, at most 512',
      subject: name.slice(0, 80),
    },
  );
}
