export { EXIT, exitCodeOf, type ExitCode } from './exit.ts';
export { combine, outcomeOf } from './outcome.ts';
export { rehearsalRecord } from './rehearsal.ts';
