export type * from './schema.ts';
export { formatDuration } from './duration.ts';
export { adminPasswordSource, type AdminSource } from './admin.ts';
export { parseTemplate } from './http-template.ts';
export { configJsonSchema } from './json-schema.ts';
export { configPath, loadConfig, secretOf, type Environment, type LoadedConfig } from './load.ts';
export { nearest } from './nearest.ts';
export { policyOf } from './policy.ts';
