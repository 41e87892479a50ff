/** Tries that end: what still fails after them is left to the next tick. */
import { alertError, mayPass, type Failure } from './failure.ts';
import type { AlertDeps } from './port.ts';

const ATTEMPTS = 3;
/** Milliseconds. A function lives for a minute or so, and other channels wait behind this one. */
const LONGEST_WAIT = 5_000;

/** Ends well, or throws the last failure as an ERR_ALERT_*. */
export async function untilSent(
  channel: string,
  deps: Pick<AlertDeps, 'random' | 'sleep'>,
  attempt: () => Promise<Failure | undefined>,
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const failure = await attempt();
    if (failure === undefined) return;
    const wait = failure.retryAfter ?? 250 * 4 ** (tries - 1) * (0.5 + deps.random.uniform() / 2);
    // Told to wait longer than we live: asking earlier would only lengthen it.
    if (!mayPass(failure) || tries >= ATTEMPTS || wait > LONGEST_WAIT) throw alertError(channel, failure);
    await deps.sleep(wait);
  }
}
