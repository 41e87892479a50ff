/** The scorer as every host runs it: all families. */
import { authFamily, authSlots } from './families/auth.ts';
import { decoyFamily } from './families/decoy.ts';
import { identityFamily, identitySlots } from './families/identity.ts';
import { logsFamily, logsSlots } from './families/logs.ts';
import { privilegeFamily, privilegeSlots } from './families/privilege.ts';
import { readingSlots, readsFamily } from './families/reads.ts';
import { timeFamily, timeSlots } from './families/time.ts';
import type { Scorer } from './pipeline/index.ts';
import { createScorer } from './scorer.ts';

/** What single acts say comes first: it is cheapest to see. */
export const systemScorer = (): Scorer =>
  createScorer(
    [decoyFamily, logsFamily, privilegeFamily, readsFamily, authFamily, timeFamily, identityFamily],
    [...readingSlots, ...authSlots, ...timeSlots, ...identitySlots, ...privilegeSlots, ...logsSlots],
  );
