/** What tests of the families of single acts ask of findings and of what was read before. */
import { HABITS, LIMIT, relation } from '../../shared/audit/families/known.ts';
import { sliceOf, type Profile } from '../../shared/audit/profiles/profile.ts';
import type { Finding } from '../../shared/audit/scene.ts';
import { remember } from '../../shared/audit/sketches/known.ts';
import { detectorsOf, found, MONDAY } from './scenes.ts';

/** The finding of one detector; without it, the test fails and names those that are there. */
export function said(findings: readonly Finding[] = [], id: Finding['detector']): Finding {
  const one = found(findings, id);
  if (one === undefined) throw new Error(`${id} was not said, but ${detectorsOf(findings).join(', ') || 'nothing'}`);
  return one;
}

/** As the novelty family remembers a read. */
export const reads = (principal: Profile, secret: Profile): void =>
  remember(relation(sliceOf(principal, HABITS), 'secrets'), secret.hash, MONDAY, LIMIT.secrets);
