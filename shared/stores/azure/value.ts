/** Values as Key Vault keeps them: one JSON object in the secret's text. */
import { KeywheelError } from '../../errors.ts';
import type { SecretValue } from '../port.ts';

/** Key Vault's limit, less than the port's 64 KiB: https://learn.microsoft.com/azure/key-vault/secrets/about-secrets */
const LARGEST = 25_600;

/** ERR_SECRET_INVALID unless the value is flat, JSON-representable and fits. Names fields, never what they hold. */
export function encodeValue(name: string, value: SecretValue): string {
  const refuse = (why: string): KeywheelError => invalid(`value of ${name} cannot be stored, because ${why}`, name);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse('it is not an object of fields');
  const odd = oddField(value);
  if (odd !== undefined) throw refuse(`its field ${JSON.stringify(odd)} is not a string, finite number, boolean or null`);
  const text = JSON.stringify(value);
  const size = Buffer.byteLength(text);
  if (size > LARGEST) throw refuse(`it takes ${size} bytes and a Key Vault secret holds ${LARGEST}`);
  return text;
}

/** ERR_SECRET_INVALID when the text is no flat JSON object, as with secrets that other tools keep. Never quotes it. */
export function decodeValue(name: string, text: string): SecretValue {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The engine's message would quote the text.
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && oddField(value) === undefined) {
    return value as SecretValue;
  }
  throw invalid(`value of ${name} cannot be read, because it is not one flat JSON object`, name);
}

function oddField(value: object): string | undefined {
  return Object.entries(value).find(
    ([, content]) =>
      !(content === null || ['string', 'number', 'boolean'].includes(typeof content)) ||
      (typeof content === 'number' && !Number.isFinite(content)),
  )?.[0];
}

function invalid(message: string, name: string): KeywheelError {
  return new KeywheelError('ERR_SECRET_INVALID', message, {
    hint: 'in Key Vault a secret is one JSON object of strings, numbers, booleans and nulls, at most 25 KB',
    subject: name,
  });
}
