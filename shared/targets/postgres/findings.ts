import type { Finding } from '../port.ts';

/** A finding that stops the rotation before it changes anything. */
export const error = (code: string, message: string, hint?: string): Finding => ({
  code,
  level: 'error',
  message,
  ...(hint === undefined ? {} : { hint }),
});

/** A finding that is shown. */
export const warning = (code: string, message: string, hint: string): Finding => ({ code, level: 'warning', message, hint });
