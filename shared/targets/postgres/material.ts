/** What a secret's value may say, and what Keywheel writes into it. */
import { KeywheelError } from '../../errors.ts';
import type { PostgresTargetConfig } from '../../config/index.ts';
import type { SecretValue } from '../../stores/index.ts';
import type { Slot } from '../port.ts';
import type { Endpoint } from './connect.ts';

// Letters and digits only: safe in a URI, a DSN, a shell word and a .pgpass line, and the same before and after SASLprep.
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const PASSWORD_LENGTH = 40;
// Bytes from here on would make the first characters of the alphabet more likely than the rest.
const FAIR = 256 - (256 % ALPHABET.length);

/** 40 characters of [A-Za-z0-9], each equally likely: 238 bits. */
export function makePassword(random: (length: number) => Uint8Array): string {
  let password = '';
  while (password.length < PASSWORD_LENGTH) {
    for (const byte of random(PASSWORD_LENGTH + 8)) {
      if (byte < FAIR && password.length < PASSWORD_LENGTH) password += ALPHABET.charAt(byte % ALPHABET.length);
    }
  }
  return password;
}

const invalid = (field: string, why: string, hint: string): KeywheelError =>
  new KeywheelError('ERR_SECRET_INVALID', `field ${JSON.stringify(field)} of the secret ${why}`, { hint, subject: field });

/** The pinned account that the value's `username` is. */
export function slotOf(config: PostgresTargetConfig, value: SecretValue): Slot {
  const { username } = value;
  const hint = `write one of ${config.accounts.join(', ')} into username, or pin the account in keywheel.yaml`;
  if (typeof username !== 'string' || username === '') throw invalid('username', 'is missing or is not text', hint);
  // Never derived from what the secret says: whoever may write the secret could make the admin reset any other account.
  if (!config.accounts.includes(username)) throw invalid('username', 'names an account that is not pinned for it', hint);
  return username;
}

export function passwordOf(value: SecretValue): string {
  const { password } = value;
  if (typeof password === 'string' && password !== '') return password;
  throw invalid('password', 'is missing or is not text', 'write the password of the account into the secret');
}

/** `current` for another slot with a new password. Every other field is kept, and is refused where it could not stay true. */
export function compose(
  config: PostgresTargetConfig,
  endpoints: readonly Endpoint[],
  slot: Slot,
  current: SecretValue,
  random: (length: number) => Uint8Array,
): SecretValue {
  checkPinned(config, endpoints, current);
  checkCopies(current);
  return { ...current, username: slot, password: makePassword(random) };
}

/** A secret's writer cannot redirect us, or the consumers of the next version, to another server. */
export function checkPinned(config: PostgresTargetConfig, endpoints: readonly Endpoint[], value: SecretValue): void {
  const servers = [{ host: config.host, port: config.port }, ...endpoints];
  const same = (left: string, right: string): boolean =>
    left.toLowerCase().replace(/\.$/, '') === right.toLowerCase().replace(/\.$/, '');
  const hint = 'make the secret and keywheel.yaml name the same server; the secret alone cannot move it';
  const { host, port } = value;
  const hosts = host === undefined ? servers : servers.filter((server) => same(server.host, String(host)));
  if (hosts.length === 0) throw invalid('host', 'names another server than the configuration', hint);
  if (port !== undefined && !hosts.some((server) => String(server.port) === String(port))) {
    throw invalid('port', 'names another port than the configuration', hint);
  }
  for (const field of ['dbname', 'database']) {
    if (value[field] !== undefined && value[field] !== config.database) {
      throw invalid(field, 'names another database than the configuration', hint);
    }
  }
  if (value['engine'] !== undefined && !/^(aurora-)?(postgres|postgresql)$/.test(String(value['engine']))) {
    throw invalid('engine', 'is not postgres, which the configuration says', hint);
  }
}

/** A connection string that repeats the password would go stale at the first rotation, and its readers would be locked out at its end. */
function checkCopies(value: SecretValue): void {
  const { password } = value;
  if (typeof password !== 'string' || password === '') return;
  const forms = [password, encodeURIComponent(password)].flatMap((text) => [
    `:${text}@`,
    `password=${text}`,
    `password='${text}'`,
  ]);
  for (const [field, text] of Object.entries(value)) {
    if (field === 'password' || typeof text !== 'string') continue;
    if (forms.some((form) => text.includes(form))) {
      throw invalid(
        field,
        'repeats the password inside a connection string',
        'remove the field and let consumers build it from the others',
      );
    }
  }
}
