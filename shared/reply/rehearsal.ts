import type { Rehearsal } from '../rotation/index.ts';

/** A dry run as programs read it. */
export function rehearsalRecord({ secret, lines, result }: Rehearsal): object {
  const why = result.rotation?.hold ?? result.error ?? result.rotation?.failure;
  return {
    secret,
    status: result.status,
    lines,
    ...(why === undefined
      ? {}
      : { error: { code: why.code, message: why.message, ...(why.hint === undefined ? {} : { hint: why.hint }) } }),
  };
}
