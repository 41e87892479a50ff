export { announce, openExpected, type Announcement } from '../../expected/index.ts';
export type { BatchResult, Pipeline, Scorer, Tally } from './port.ts';
export type { ProfileStore } from './profiles.ts';
export { openMemoryProfiles } from './memory-profiles.ts';
export { createPipeline, type PipelineDeps } from './pipeline.ts';
export { openStateProfiles } from './state-profiles.ts';
