/** `keywheel/client`: what an application imports to use secrets that rotate. The guide is docs/guides/client.md. */
export { clientOver } from './client.ts';
export { secretFetch, type SecretFetchOptions } from './fetch.ts';
export type { LoginFields, LoginOptions } from './logins.ts';
export { mysqlPool, type MysqlModule } from './mysql2.ts';
export { pgPool, type PgModule } from './pg.ts';
export { openClient, type ClientStore } from './store.ts';
export type { ClientDeps, ClientEvent, ClientOptions, GetOptions, Secret, SecretClient } from './types.ts';
export { isKeywheelError, KeywheelError, type ErrorCode } from '../errors.ts';
export type { CurrentSecret, SecretReader, SecretValue } from '../stores/index.ts';
