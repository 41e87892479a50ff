/**
 * Names of secrets in Key Vault. They are 1 to 127 of 0-9, A-Z, a-z and `-`, and compared without case:
 * https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates#object-identifiers
 *
 * A name that Key Vault takes is used as it is, so that what people made is found (`SqlPassword`, `Db--Password`); two such names that
 * differ only in case are one secret there. Any other name is `kwx--`, then its letters a-z and digits as they are, and every other
 * character as `-HEX-` of its code point: `app/db` is `kwx--app-2f-db`. That is reversible, and safe under comparison without case.
 */
import { KeywheelError } from '../../errors.ts';

const LONGEST = 127;
const LONGEST_GIVEN = 256; // as keywheel.yaml allows
const MARK = 'kwx--';
const TAKEN = /^[0-9A-Za-z-]+$/;
const ENCODED = /^kwx--(?:[0-9a-z]|-[1-9a-f][0-9a-f]*-)+$/;

/** The two secrets of Key Vault that hold one of ours. */
export interface VaultNames {
  readonly main: string;
  /** Holds pending; consumers are not granted it. */
  readonly companion: string;
}

/** Pure; does not look at length. */
export function vaultName(name: string): string {
  if (TAKEN.test(name) && !name.toLowerCase().startsWith(MARK)) return name;
  const encoded = Array.from(name, (one) => (/[0-9a-z]/.test(one) ? one : `-${(one.codePointAt(0) ?? 0).toString(16)}-`));
  return `${MARK}${encoded.join('')}`;
}

/** The name that `vaultName` makes into `stored`; undefined when there is none. */
export function givenName(stored: string): string | undefined {
  if (!stored.toLowerCase().startsWith(MARK)) return stored;
  const lower = stored.toLowerCase();
  if (!ENCODED.test(lower)) return undefined;
  const points: string[] = [];
  for (const [, hex, plain] of lower.slice(MARK.length).matchAll(/-([0-9a-f]+)-|([0-9a-z])/g)) {
    if (hex !== undefined && Number.parseInt(hex, 16) > 0x10_ff_ff) return undefined;
    points.push(hex === undefined ? (plain ?? '') : String.fromCodePoint(Number.parseInt(hex, 16)));
  }
  const name = points.join('');
  return vaultName(name) === lower ? name : undefined;
}

/** ERR_CONFIG_INVALID for what cannot be the end of a name in Key Vault. */
export function checkSuffix(suffix: string): void {
  if (TAKEN.test(suffix) && suffix.length <= 60) return;
  throw new KeywheelError('ERR_CONFIG_INVALID', `pendingSuffix ${JSON.stringify(suffix)} cannot end a name in Key Vault`, {
    hint: 'use up to 60 letters, digits and hyphens, for example --pending',
  });
}

/** ERR_CONFIG_INVALID for a name that Key Vault cannot hold, or that a companion would have. */
export function vaultNames(name: string, suffix: string): VaultNames {
  if (name === '' || name.length > LONGEST_GIVEN || !name.isWellFormed() || /[\p{Cc}\p{Zl}\p{Zp}]/u.test(name)) {
    throw unusable(name, 'it is empty, too long or has a control character', 'use printable characters');
  }
  const main = vaultName(name);
  if (isCompanion(main, suffix)) {
    throw unusable(name, `names that end with ${suffix} are for pending versions`, 'use another name or another pendingSuffix');
  }
  const companion = `${main}${suffix}`;
  if (companion.length > LONGEST) {
    const why = `${companion} has ${companion.length} characters and Key Vault takes ${LONGEST}`;
    throw unusable(name, why, 'use a shorter name, of letters, digits and hyphens');
  }
  return { main, companion };
}

export function isCompanion(stored: string, suffix: string): boolean {
  return stored.toLowerCase().endsWith(suffix.toLowerCase());
}

function unusable(name: string, why: string, hint: string): KeywheelError {
  return new KeywheelError('ERR_CONFIG_INVALID', `secret name ${JSON.stringify(name.slice(0, 80))} cannot be used, ${why}`, {
    hint,
  });
}
