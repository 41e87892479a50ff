import type { AdvanceResult } from '../rotation/index.ts';
import { EXIT, exitCodeOf, type ExitCode } from './exit.ts';

export interface Outcome {
  readonly code: ExitCode;
  /** For people. */
  readonly message: string;
  readonly hint?: string | undefined;
}

/** Something in the world may have changed: everything after planning, and also the step after planning, whose effect may have been made. */
function begun({ rotation }: AdvanceResult): boolean {
  return (
    rotation !== undefined &&
    rotation.phase !== 'closed' &&
    (rotation.phase !== 'planned' || rotation.intent !== undefined || rotation.attempts > 0)
  );
}

/** `in 42s`, `now`. */
export type When = (at: number) => string;

/** Nothing is left open, and nothing was rotated: whoever asked has to decide. */
function givenUp(secret: string, reason: string): Outcome {
  const again = `to rotate it all the same: keywheel rotate ${secret}`;
  if (reason === 'edited') {
    const message = `${secret}: the rotation was given up, because the secret was edited by hand; the edit is current and was kept`;
    return { code: EXIT.failed, message, hint: again };
  }
  return {
    code: EXIT.failed,
    message: `${secret}: the rotation was given up and current was not changed by it: ${reason}`,
    hint: again,
  };
}

/** What one secret's result means for the exit code, and one line about it. `asked` is true when it was named on the command line. */
export function outcomeOf(result: AdvanceResult, asked: boolean, when: When): Outcome {
  const { secret, rotation, resumeAt } = result;
  const later = resumeAt === undefined ? '' : `, goes on ${when(resumeAt)}`;
  const resume = `keywheel rotate ${secret} --resume`;
  switch (result.status) {
    case 'closed':
      if (rotation?.outcome === 'abandoned') return givenUp(secret, rotation.abandon?.reason ?? 'no reason was recorded');
      return {
        code: EXIT.done,
        message: `${secret}: rotated, ${rotation?.to ?? ''} is in use and the old credential is refused`,
      };
    case 'idle':
      return { code: EXIT.done, message: `${secret}: nothing to do${resumeAt === undefined ? '' : `, due ${when(resumeAt)}`}` };
    case 'waiting':
      if (rotation === undefined) {
        return {
          code: asked ? EXIT.failed : EXIT.done,
          message: `${secret}: not started, a blackout in keywheel.yaml${result.blackout === undefined ? '' : ` (${result.blackout})`} ends ${resumeAt === undefined ? 'later' : when(resumeAt)}`,
          hint: 'repeat the command then; --due does so by itself for what is due',
        };
      }
      return { code: EXIT.done, message: `${secret}: ${rotation.phase}${later}`, hint: `continue then with: ${resume}` };
    case 'busy':
      return {
        code: asked ? EXIT.partial : EXIT.done,
        message: `${secret}: another worker is rotating it now`,
        hint: 'look with: keywheel status',
      };
    case 'disabled':
      return {
        code: asked ? EXIT.failed : EXIT.done,
        message: `${secret}: rotation is disabled, nothing was changed`,
        hint: 'set enabled: true in keywheel.yaml',
      };
    case 'held':
    case 'failed': {
      const why = rotation?.hold ?? result.error ?? rotation?.failure;
      const code = begun(result) ? EXIT.partial : exitCodeOf(why?.code ?? '');
      const where = rotation === undefined ? '' : ` after ${rotation.phase}`;
      const again = result.status === 'failed' && begun(result) ? later : '';
      return {
        code,
        message: `${secret}: ${result.status}${where}: ${why?.message ?? 'no reason was recorded'}${again}`,
        hint: why?.hint ?? (begun(result) ? `when that is mended: ${resume}` : undefined),
      };
    }
  }
}

/** One exit code for several secrets: partly done when some are done or begun and some are not. */
export function combine(codes: readonly ExitCode[]): ExitCode {
  const bad = codes.filter((code) => code !== EXIT.done);
  const [first] = bad;
  if (first === undefined) return EXIT.done;
  if (bad.length < codes.length || bad.includes(EXIT.partial)) return EXIT.partial;
  return bad.every((code) => code === first) ? first : EXIT.failed;
}
