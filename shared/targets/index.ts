export * from './port.ts';
export { openTarget } from './open.ts';
