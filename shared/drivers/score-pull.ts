/** Audit records that are asked for, by the tick. */
import type { AuditConfig } from '../config/index.ts';
import { isKeywheelError } from '../errors.ts';
import type { Trail } from '../trails/index.ts';
import type { Host } from './host.ts';
import { withScoring, type Scoring } from './score-open.ts';

type TrailConfig = NonNullable<AuditConfig['trails']>[number];

/** Milliseconds that one tick may ask; the cursor stands where it ended, and the next one goes on. */
const LONGEST = 40_000;

/** One trail that cannot be read keeps no other from being read, and no alert from being sent. What `score` throws ends it. */
export async function pullTrails(
  host: Host,
  trails: readonly TrailConfig[],
  score: (scoring: Scoring, records: readonly Buffer[]) => Promise<void>,
): Promise<void> {
  const { openCloudTrail, pull } = await import('../trails/index.ts');
  const { deps } = host;
  const end = deps.clock.now() + LONGEST;
  for (const { region, endpoint, first } of trails) {
    const signal = AbortSignal.any([host.signal, AbortSignal.timeout(Math.max(0, end - deps.clock.now()))]);
    let trail: Trail | undefined;
    try {
      trail = await openCloudTrail(
        { region, endpoint },
        {
          now: () => deps.clock.now(),
          sleep: (ms, given) => deps.sleep(ms, given),
        },
      );
      const { name } = trail;
      const opened = trail;
      await withScoring(host, async (scoring) => {
        const where = { state: scoring.state, now: deps.clock.now(), first, signal };
        const records = await pull(opened, where, (page) => score(scoring, page.records));
        host.log.info('audit records were asked for', { trail: name, records });
      });
    } catch (error) {
      if (signal.aborted) host.log.info('a trail is read on by the next tick', { trail: trail?.name });
      else if (isKeywheelError(error) && error.code.startsWith('ERR_TRAIL_')) {
        const fields = { trail: trail?.name, code: error.code, reason: error.message, hint: error.hint };
        if (error.retryable) host.log.warn('a trail could not be read', fields);
        else host.log.error('a trail could not be read', fields);
      } else throw error;
    } finally {
      trail?.close();
    }
  }
}
