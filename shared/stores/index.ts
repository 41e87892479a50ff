export * from './port.ts';
export { openStore, type StoreDeps } from './open.ts';
export { openReader, type CurrentSecret, type SecretReader } from './reader.ts';
export { createLocalStoreKey } from './local/key.ts';
export { storedNameOf } from './names.ts';
