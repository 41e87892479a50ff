/** A secret's value as the bytes of a version: plain JSON, as consumers of any language read it. */
import { KeywheelError } from '../../errors.ts';
import { checkValue } from '../check.ts';
import type { SecretValue } from '../port.ts';

/** ERR_SECRET_INVALID for what does not fit: a version holds 64 KiB (https://docs.cloud.google.com/secret-manager/quotas). */
export function encodePayload(name: string, value: SecretValue): Buffer {
  checkValue(name, value);
  return Buffer.from(JSON.stringify(value));
}

/** ERR_SECRET_INVALID unless it is one flat JSON object. */
export function decodePayload(name: string, version: string, data: Buffer): SecretValue {
  try {
    const value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data)) as unknown;
    if (isFlat(value)) return value;
  } catch {
    // What the parser says may quote the value.
  }
  throw new KeywheelError('ERR_SECRET_INVALID', `version ${version} of secret ${name} is not one flat JSON object`, {
    hint: 'write its fields as one JSON object of strings, numbers, booleans and nulls, for example {"username":…,"password":…}',
    subject: name,
  });
}

function isFlat(value: unknown): value is SecretValue {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((field) => field === null || ['string', 'number', 'boolean'].includes(typeof field));
}

/** CRC-32C, with which Secret Manager checks what it receives: https://docs.cloud.google.com/secret-manager/docs/data-integrity */
export function crc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = (crc >>> 8) ^ (TABLE[(crc ^ byte) & 0xff] ?? 0);
  return (crc ^ 0xffffffff) >>> 0;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let entry = index;
  for (let bit = 0; bit < 8; bit += 1) entry = (entry >>> 1) ^ (entry & 1 ? 0x82f63b78 : 0);
  return entry;
});
