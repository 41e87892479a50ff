export { openUsage } from './query.ts';
