export { isEvent, type AuditEvent, type Parsed, type SecretRef } from './event.ts';
export { LIMITS, readRecords, unwrapPayload, type Problem, type Reference, type Unwrapped } from './envelope/index.ts';
export { alertOf, type Alert, type EventMark, type Incident } from './incidents/index.ts';
export { systemScorer } from './open.ts';
export { createParser, type NamedSource, type Parser } from './parse.ts';
export {
  announce,
  createPipeline,
  openExpected,
  openMemoryProfiles,
  openStateProfiles,
  type Announcement,
  type BatchResult,
  type Pipeline,
  type Scorer,
  type Tally,
} from './pipeline/index.ts';
export { openReport, type ReportSummary } from './report/index.ts';
export type { Scored } from './scored.ts';
export { bandOf, leastOf, settingsOf, type AuditSettings, type Band } from './settings.ts';
