export * from './port.ts';
export { openStore } from './open.ts';
