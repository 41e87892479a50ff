/** A rotation as a platform drives it: asked for until it is answered, and then advanced by the timer until it is closed. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Ended, Run } from '../../../functions/cli/demo/cli.ts';
import type { RotationRecord } from '../../../shared/rotation/index.ts';
import type { Hosted } from './cloud.ts';

/** The timer's pace. In production it is minutes. */
const TICK = 150;
const LONGEST = 60_000;
const RESUME = '--resume';

/** Gives what stands where a terminal's `keywheel` would: of its command line only `--resume` says something here. */
export function driverOf(
  hosted: Hosted,
  readJournal: () => Promise<RotationRecord | undefined>,
): (args: readonly string[]) => Run {
  /** The rotation before the present one. */
  let last: string | undefined;
  let answered = true;
  let asked = false;

  async function drive(resume: boolean, signal: AbortSignal): Promise<Ended> {
    if (!resume) {
      last = (await readJournal())?.rotationId;
      [answered, asked] = [false, false];
    }
    let said = '';
    const until = Date.now() + LONGEST;
    while (Date.now() < until && !signal.aborted) {
      const record = await readJournal();
      if (record !== undefined && record.rotationId !== last && record.phase === 'closed') {
        return { code: 0, signal: null, said };
      }
      try {
        if (answered) await hosted.tick(signal);
        else {
          const again = asked;
          asked = true;
          await hosted.ask(again, signal);
          answered = true;
        }
      } catch (error) {
        said = error instanceof Error ? error.message : String(error);
      }
      await delay(TICK, undefined, { signal }).catch(() => undefined);
    }
    return { code: 1, signal: null, said };
  }

  return (args) => {
    const killed = Promise.withResolvers<Ended>();
    const stopping = new AbortController();
    const driven = drive(args.includes(RESUME), stopping.signal);
    // What is driven when its process is killed may never end, or end with the failure of that.
    const done = Promise.race([driven.then((ended) => (stopping.signal.aborted ? killed.promise : ended)), killed.promise]);
    done.catch(() => undefined);
    return {
      done,
      kill(signal) {
        if (stopping.signal.aborted) return;
        stopping.abort();
        hosted.crash().then(() => killed.resolve({ code: null, signal, said: '' }), killed.reject);
      },
    };
  };
}
