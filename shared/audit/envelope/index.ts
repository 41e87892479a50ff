export { LIMITS, type Limits, type Problem } from './limits.ts';
export { unwrapPayload, type Unwrapped } from './payload.ts';
export { readRecords } from './read.ts';
export type { Reference } from './references.ts';
export { sniff } from './sniff.ts';
