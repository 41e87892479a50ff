/** Vault's operations in the words of all stores. Pure. */
import type { Verb } from '../../event.ts';

/** What it is to look at something, to change it, and to delete it. */
export type Verbs = readonly [look: Verb, change: Verb, remove: Verb];

export const isChange = (operation: string): boolean =>
  operation === 'update' || operation === 'create' || operation === 'patch' || operation === 'recover';

export function verbOf(operation: string, [look, change, remove]: Verbs): Verb {
  if (operation === 'read') return look;
  if (operation === 'delete') return remove;
  if (operation === 'list' || operation === 'scan') return 'list';
  return isChange(operation) ? change : 'other';
}
