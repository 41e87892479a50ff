export * from './port.ts';
export { openState } from './open.ts';
