/**
 * SCRAM-SHA-256 verifiers, computed here so that a password never reaches the server: `ALTER ROLE … PASSWORD 'cleartext'` would land in
 * its statement log, pg_stat_activity and pg_stat_statements. The format is PostgreSQL's: SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>.
 */
import { createHash, createHmac, pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';
import { KeywheelError } from '../../errors.ts';

const derive = promisify(pbkdf2);

/** The server's own default (SCRAM_SHA_256_DEFAULT_ITERATIONS), and the least that RFC 7677 allows. */
export const DEFAULT_ITERATIONS = 4096;
const SALT_BYTES = 16;
const KEY_BYTES = 32;

/**
 * The salt for one credential. It depends on the rotation and the slot only, so that applying the same material again sends the very
 * same statement: a new salt for an old password breaks pgbouncer's pass-through, whose userlist.txt holds the verifier. A salt is
 * public in SCRAM; it needs to be different for each credential, not secret.
 */
export function saltOf(rotationId: string, slot: string): Buffer {
  return createHash('sha256').update(`keywheel scram salt\0${rotationId}\0${slot}`).digest().subarray(0, SALT_BYTES);
}

/** The verifier of `password`. ASCII only: SASLprep, which servers and drivers do differently, leaves printable ASCII as it is. */
export async function scramVerifier(password: string, salt: Uint8Array, iterations = DEFAULT_ITERATIONS): Promise<string> {
  if (!/^[\x20-\x7e]+$/.test(password)) {
    throw new KeywheelError(
      'ERR_SECRET_INVALID',
      'password cannot be applied, it is empty or holds characters other than printable ASCII',
      {
        hint: 'let keywheel make the password, or choose one of ASCII letters, digits and punctuation',
        subject: 'password',
      },
    );
  }
  const salted = await derive(password, salt, iterations, KEY_BYTES, 'sha256');
  const clientKey = createHmac('sha256', salted).update('Client Key').digest();
  const storedKey = createHash('sha256').update(clientKey).digest();
  const serverKey = createHmac('sha256', salted).update('Server Key').digest();
  return render(iterations, salt, storedKey, serverKey);
}

/** A well-formed verifier for which nobody knows a password: its keys are random, not derived from anything. */
export function unknowableVerifier(bytes: (length: number) => Uint8Array, iterations = DEFAULT_ITERATIONS): string {
  return render(iterations, bytes(SALT_BYTES), bytes(KEY_BYTES), bytes(KEY_BYTES));
}

function render(iterations: number, salt: Uint8Array, storedKey: Uint8Array, serverKey: Uint8Array): string {
  const [s, stored, server] = [salt, storedKey, serverKey].map((part) => Buffer.from(part).toString('base64'));
  return `SCRAM-SHA-256$${iterations}:${s}$${stored}:${server}`;
}
