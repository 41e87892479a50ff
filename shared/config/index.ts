export type * from './schema.ts';
export { formatDuration, parseDuration } from './duration.ts';
export { adminPasswordSource, type AdminConfig, type AdminSource } from './admin.ts';
export { configJsonSchema } from './json-schema.ts';
export { CONFIG_NAME, configPath, loadConfig, secretOf, type Environment, type LoadedConfig } from './load.ts';
export { nearest } from './nearest.ts';
export { DEFAULT_MAX_CACHE_AGE, policyOf, type SecretPolicy } from './policy.ts';
