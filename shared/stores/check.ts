/** What a store of ours takes: names and ids that print safely, and values that the port allows. */
import { KeywheelError } from '../errors.ts';
import type { SecretValue } from './port.ts';

const LONGEST_NAME = 256; // as keywheel.yaml allows for a secret
const LONGEST_ID = 512; // a revision holds a version id, which holds a rotation id
const LARGEST_VALUE = 65_536;

/** ERR_CONFIG_INVALID for names and ids that would break a line of output or collide once they are written as UTF-8. */
export function checkName(what: 'secret name' | 'rotation id' | 'version id' | 'revision', text: string): void {
  const longest = what === 'secret name' || what === 'rotation id' ? LONGEST_NAME : LONGEST_ID;
  if (text === '' || text.length > longest || !text.isWellFormed() || /[\p{Cc}\p{Zl}\p{Zp}]/u.test(text)) {
    throw new KeywheelError('ERR_CONFIG_INVALID', `${what} ${JSON.stringify(text.slice(0, 80))} cannot be used`, {
      hint: `use 1 to ${longest} characters, none of them a control character or line break`,
    });
  }
}

/** ERR_SECRET_INVALID unless the value is flat, JSON-representable and at most 64 KiB encoded. Names fields, never what they hold. */
export function checkValue(name: string, value: SecretValue): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(name, 'it is not an object of fields');
  for (const [field, content] of Object.entries(value)) {
    const plain = content === null || ['string', 'number', 'boolean'].includes(typeof content);
    if (!plain || (typeof content === 'number' && !Number.isFinite(content))) {
      throw invalid(name, `its field ${JSON.stringify(field)} is not a string, finite number, boolean or null`);
    }
  }
  const size = Buffer.byteLength(JSON.stringify(value));
  if (size > LARGEST_VALUE) throw invalid(name, `it takes ${size} bytes and at most ${LARGEST_VALUE} fit`);
}

function invalid(name: string, why: string): KeywheelError {
  return new KeywheelError('ERR_SECRET_INVALID', `value of ${name} cannot be stored, because ${why}`, {
    hint: 'a secret is flat: one JSON object of strings, numbers, booleans and nulls, at most 64 KiB',
    subject: name,
  });
}
