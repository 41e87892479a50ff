import { isIP } from 'node:net';
import { knownZone } from './check-schedule.ts';
import { isLoopback } from './loopback.ts';
import { nearest } from './nearest.ts';
import type { Path, Problem } from './problem.ts';
import type { AuditConfig, Config } from './schema.ts';

/** What scoring and its alerts are told, as far as the file itself can be wrong. */
export function checkAudit(config: Config): Problem[] {
  const { audit } = config;
  if (audit === undefined) return [];
  const problems: Problem[] = [];
  const report = (at: Path, message: string): void => void problems.push({ path: ['audit', ...at], message });
  const zone = 'is no IANA time zone; write one such as UTC or Europe/Berlin';
  if (!knownZone(audit.timeZone)) report(['timeZone'], zone);
  audit.people.forEach(({ timeZone }, index) => {
    if (timeZone !== undefined && !knownZone(timeZone)) report(['people', index, 'timeZone'], zone);
  });
  if (audit.hours.from === audit.hours.to) report(['hours', 'to'], 'is the same time as from, so nobody ever works');
  for (const name of ['trustedNetworks', 'blockedNetworks'] as const) {
    audit[name].forEach((range, index) => {
      if (!isRange(range)) report([name, index], 'is no address range; write one such as 198.51.100.0/24 or 2001:db8::/48');
    });
  }
  audit.suppressions.forEach((one, index) => {
    if (one.network !== undefined && !isRange(one.network)) report(['suppressions', index, 'network'], 'is no address range');
    if (one.principal === undefined && one.secret === undefined && one.network === undefined && one.detectors === undefined) {
      report(['suppressions', index], 'would suppress everything; name a principal, a secret, a network or detectors');
    }
  });
  if (audit.alerts.longest < audit.alerts.quiet) report(['alerts', 'longest'], 'is shorter than quiet');
  audit.alerts.channels.forEach((channel, index) => {
    for (const problem of channelProblems(config, channel))
      report(['alerts', 'channels', index, ...problem.path], problem.message);
  });
  return problems;
}

function channelProblems(config: Config, channel: AuditConfig['alerts']['channels'][number]): Problem[] {
  const problems: Problem[] = [];
  const key = 'url' in channel ? 'url' : 'endpoint';
  const address = 'url' in channel ? channel.url : channel.endpoint;
  if (address !== undefined && URL.canParse(address)) {
    const { protocol, hostname } = new URL(address);
    if (protocol === 'http:' && !isLoopback(hostname)) {
      problems.push({
        path: [key],
        message: 'is http: on a network it would show alerts and their credential to who listens; use https',
      });
    }
  }
  const store = 'credential' in channel ? channel.credential?.store : undefined;
  if (store !== undefined && !Object.hasOwn(config.stores, store)) {
    const near = nearest(store, Object.keys(config.stores));
    const message = `there is no such store in stores${near === undefined ? '' : `, did you mean ${JSON.stringify(near)}`}`;
    problems.push({ path: ['credential', 'store'], message });
  }
  return problems;
}

function isRange(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}
