export * from './port.ts';
export { openStore } from './open.ts';
export { createLocalStoreKey } from './local/key.ts';
