export type { Alert, EventMark, Incident } from './port.ts';
export { alertOf } from './alert.ts';
