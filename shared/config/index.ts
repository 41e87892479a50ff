export type * from './schema.ts';
export { formatDuration, parseDuration } from './duration.ts';
