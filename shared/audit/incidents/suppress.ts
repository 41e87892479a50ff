/** Which reasons of an event a suppression of keywheel.yaml takes. Pure: whether one has ended is told by the event's own time. */
import type { Reason } from '../combine.ts';
import type { AuditEvent } from '../event.ts';
import { rangesOf } from '../ranges.ts';
import type { AuditSettings, Suppression } from '../settings.ts';

/** The reasons that stay, the same array when none is taken. */
export type Suppress = (event: AuditEvent, reasons: readonly Reason[]) => readonly Reason[];

export function suppressor({ suppressions }: AuditSettings): Suppress {
  if (suppressions.length === 0) return (_event, reasons) => reasons;
  const ready = suppressions.map((one) => {
    // What is no address range covers nothing: a mistake in a suppression does not silence everything.
    const covers = one.network === undefined ? () => true : rangesOf([one.network]);
    return { ...one, covers };
  });
  return (event, reasons) => {
    let left = reasons;
    for (const one of ready) {
      if (event.time >= one.until || !takes(one, event) || !one.covers(event.net.ip)) continue;
      const { detectors } = one;
      const stay = detectors === undefined ? [] : left.filter(({ detector }) => !detectors.includes(detector));
      if (stay.length < left.length) left = stay;
    }
    return left;
  };
}

/** Every secret of the event must be a named one: a suppression for one secret does not hide the sweep that includes it. */
function takes({ principal, secret }: Suppression, event: AuditEvent): boolean {
  if (principal !== undefined && !principal(event.principal.id, event.principal.name)) return false;
  return secret === undefined || (event.secrets.length > 0 && event.secrets.every(({ key, name }) => secret(key, name)));
}
