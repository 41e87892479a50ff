/** Which reasons of an event a suppression of keywheel.yaml takes. Pure: whether one has ended is told by the event's own time. */
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import type { Reason } from '../combine.ts';
import type { AuditEvent } from '../event.ts';
import type { AuditSettings, Suppression } from '../settings.ts';

/** The reasons that stay, the same array when none is taken. */
export type Suppress = (event: AuditEvent, reasons: readonly Reason[]) => readonly Reason[];

export function suppressor({ suppressions }: AuditSettings): Suppress {
  if (suppressions.length === 0) return (_event, reasons) => reasons;
  const ready = suppressions.map((one) => ({ ...one, covers: rangeOf(one.network) }));
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

function rangeOf(network: string | undefined): (ip: string | undefined) => boolean {
  if (network === undefined) return () => true;
  const [base = '', length = ''] = network.split('/');
  const family = isIPv4(base) ? 'ipv4' : isIPv6(base) ? 'ipv6' : undefined;
  const bits = length === '' ? (family === 'ipv4' ? 32 : 128) : Number(length);
  // What is no address range covers nothing: a mistake in a suppression does not silence everything.
  if (family === undefined || !Number.isInteger(bits) || bits < 0 || bits > (family === 'ipv4' ? 32 : 128)) return () => false;
  const list = new BlockList();
  list.addSubnet(base, bits, family);
  return (ip) => ip !== undefined && (isIPv4(ip) || isIPv6(ip)) && list.check(ip, isIPv4(ip) ? 'ipv4' : 'ipv6');
}
