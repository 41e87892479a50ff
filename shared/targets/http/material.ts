/** What a key looks like in a secret. Pure. */
import type { HttpTargetConfig } from '../../config/index.ts';
import { KeywheelError } from '../../errors.ts';
import type { SecretValue } from '../../stores/index.ts';
import type { Slot } from '../port.ts';

const invalid = (message: string, field: string, hint: string): KeywheelError =>
  new KeywheelError('ERR_SECRET_INVALID', message, { hint, subject: field });

/** One principal is pinned, so every value that is whole is of that one. */
export function slotOf(config: HttpTargetConfig, value: SecretValue): Slot {
  for (const field of Object.keys(config.create.value)) {
    const found = value[field];
    if (typeof found !== 'string' || found === '') {
      throw invalid(`${field} is missing from the secret’s value, or is not text`, field, 'write it with: keywheel put');
    }
  }
  if (keyOf(value) === undefined) {
    const hint = 'write the id that the vendor’s list shows for this key: without it the key could never be revoked';
    throw invalid('keyId is missing from the secret’s value', 'keyId', hint);
  }
  return config.principal;
}

export function keyOf(value: SecretValue): string | undefined {
  const id = value['keyId'];
  if (typeof id === 'number') return String(id);
  return typeof id === 'string' && id !== '' ? id : undefined;
}
