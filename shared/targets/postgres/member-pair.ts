/**
 * A pair in which one account is a member of the other: what AWS's multi-user template leaves (`CREATE ROLE app_clone LOGIN; GRANT app TO
 * app_clone`, at creation and never again). The base account owns the objects and holds the grants; the member inherits them.
 * Pinned by an `ownerRole` that is one of the accounts. Names say nothing: an account may be called anything_clone.
 */
import type { PostgresTargetConfig } from '../../config/index.ts';
import type { Slot } from '../port.ts';

export interface MemberPair {
  readonly base: Slot;
  readonly member: Slot;
}

/** Undefined for one account, and for two that act as a third role. */
export function memberPairOf({
  accounts,
  ownerRole,
}: Pick<PostgresTargetConfig, 'accounts' | 'ownerRole'>): MemberPair | undefined {
  const [first, second] = accounts;
  if (first === undefined || second === undefined) return undefined;
  if (ownerRole === first) return { base: first, member: second };
  return ownerRole === second ? { base: second, member: first } : undefined;
}
