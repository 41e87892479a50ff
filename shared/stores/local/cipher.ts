/** How values and rows of a local store are kept: AES-256-GCM for values, HMAC-SHA256 over everything else that a row says. */
import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';
import type { SecretValue } from '../port.ts';

const NONCE_BYTES = 12; // NIST SP 800-38D 8.2.2: 96 random bits, good for 2^32 values under one key
const TAG_BYTES = 16;

/** `nonce ‖ ciphertext ‖ tag`. `name` and `version` are bound as additional data: a value moved to another row does not open. */
export function encrypt(key: Uint8Array, nonce: Uint8Array, name: string, version: string, value: SecretValue): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(aad(name, version));
  const body = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, body, cipher.getAuthTag()]);
}

/** Undefined when the bytes are not what `encrypt` gave for this name and version under this key. */
export function decrypt(key: Uint8Array, name: string, version: string, bytes: Uint8Array): SecretValue | undefined {
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(aad(name, version));
  decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
  try {
    const body = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, bytes.length - TAG_BYTES)), decipher.final()]);
    return JSON.parse(body.toString('utf8')) as SecretValue;
  } catch {
    return undefined; // the driver's error says nothing more, and a parser's would quote the value
  }
}

export { NONCE_BYTES };

export function sealOf(key: Uint8Array, fields: readonly unknown[]): Uint8Array {
  return createHmac('sha256', key).update(JSON.stringify(fields)).digest();
}

export function sameBytes(a: Uint8Array, b: unknown): boolean {
  return b instanceof Uint8Array && a.length === b.length && timingSafeEqual(a, b);
}

function aad(name: string, version: string): Uint8Array {
  return Buffer.from(JSON.stringify(['keywheel/local/1', name, version]));
}
