import { isKeywheelError } from '../../../shared/errors.ts';

/** One line of what the doctor says. */
export interface Check {
  readonly level: 'ok' | 'warn' | 'fail';
  /** What was looked at: `node`, `config`, `store local`, `app/db`. */
  readonly subject: string;
  readonly message: string;
  /** What to run or change. Always there on a fail. */
  readonly mend?: string;
}

export const ok = (subject: string, message: string): Check => ({ level: 'ok', subject, message });
export const warn = (subject: string, message: string, mend: string): Check => ({ level: 'warn', subject, message, mend });
export const fail = (subject: string, message: string, mend: string): Check => ({ level: 'fail', subject, message, mend });

/** An expected error as a failed check; anything else is a bug and is thrown on. */
export function failed(subject: string, error: unknown, mend: string): Check {
  if (!isKeywheelError(error)) throw error;
  return fail(subject, error.message, error.hint ?? mend);
}
