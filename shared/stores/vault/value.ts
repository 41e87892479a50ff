/** Values as KV version 2 keeps them: a JSON object that the server takes apart and writes anew. */
import { KeywheelError } from '../../errors.ts';
import { checkValue } from '../check.ts';
import type { SecretValue } from '../port.ts';
import type { Fields } from './kv.ts';

/** ERR_SECRET_INVALID for what the port does not allow, and for text that the server would silently change. */
export function checkKvValue(name: string, value: SecretValue): void {
  checkValue(name, value);
  for (const [field, content] of Object.entries(value)) {
    if (field.isWellFormed() && (typeof content !== 'string' || content.isWellFormed())) continue;
    const which = JSON.stringify(field.toWellFormed());
    throw invalid(name, `its field ${which} is not well-formed Unicode, and vault would replace what is not`);
  }
}

/** ERR_SECRET_INVALID when a version that somebody else wrote is not flat. */
export function toValue(name: string, fields: Fields): SecretValue {
  for (const [field, content] of Object.entries(fields)) {
    if (content === null || ['string', 'number', 'boolean'].includes(typeof content)) continue;
    throw invalid(name, `its field ${JSON.stringify(field)} is not a string, number, boolean or null`);
  }
  return fields as SecretValue;
}

function invalid(name: string, why: string): KeywheelError {
  return new KeywheelError('ERR_SECRET_INVALID', `value of ${name} cannot be used, because ${why}`, {
    hint: 'a secret is flat: one JSON object of strings, numbers, booleans and nulls, at most 64 KiB',
    subject: name,
  });
}
