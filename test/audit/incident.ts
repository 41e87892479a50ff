/** An incident for the tests of what shows one. */
import type { Reason } from '../../shared/audit/combine.ts';
import type { Incident } from '../../shared/audit/incidents/port.ts';
import { MINUTE, MONDAY } from './scenes.ts';

export function reason(over: Partial<Reason> = {}): Reason {
  return {
    detector: 'S1',
    family: 'S',
    bits: 9.25,
    floor: 70,
    observed: '20 secrets in 10 minutes',
    expected: 'at most 2',
    entity: 'principal',
    ...over,
  };
}

export function incident(over: Partial<Incident> = {}): Incident {
  return {
    id: '0123456789abcdef',
    entity: 'principal',
    entityKey: 'arn:aws:iam::111122223333:role/deploy',
    title: 'sweep: many secrets in minutes: deploy',
    principal: { id: 'arn:aws:iam::111122223333:role/deploy', name: 'deploy', kind: 'workload' },
    secrets: ['prod/db', 'prod/mail', 'prod/pay', 'prod/web', 'prod/key'],
    secretCount: 20,
    events: 22,
    denied: 2,
    score: 82,
    band: 'critical',
    reasons: [
      reason(),
      reason({
        detector: 'N4',
        family: 'N',
        bits: 6,
        floor: 0,
        observed: '198.51.100.0/24',
        expected: '1 known range in 812 events',
      }),
    ],
    context: { tier: 'ordinary', kind: 'workload', deniedOnly: false },
    attack: ['T1555.006', 'T1078.004'],
    firstEvent: { id: 'event-first', time: MONDAY },
    alertEvent: { id: 'event-alert', time: MONDAY + MINUTE },
    lastEvent: { id: 'event-last', time: MONDAY + 9 * MINUTE },
    source: 'aws',
    account: '111122223333',
    network: '198.51.100.0/24',
    sampleEvents: ['event-first', 'event-last'],
    rev: 1,
    sentRev: 0,
    held: undefined,
    ...over,
  };
}

export const SUMMARY = { events: 12_400, parsed: 12_000, ignored: 250, duplicates: 148, malformed: 2, incidents: 1, alerts: 1 };

/** What somebody may have named a principal, a path or a tool, in the hope that a report obeys it. */
export const HOSTILE = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onload='alert(1)",
  '</style><style>*{display:none}</style>',
  '</title><svg onload=alert(1)>',
  'javascript:alert(1)',
  '\u001b]0;owned\u0007\u001b[2J\u001b[31mred',
  'line\r\nhigh 99  forged incident',
  '\u202Etxt.exe\u202C and \u2066hidden\u2069',
  'zero\u200Bwidth\u2028line\uFEFF',
  '\u{E0041}\u{E0042}tags',
  'half \uD800 pair',
  '[click](https://evil.example) {0} `code` **bold** \\',
  '😀'.repeat(400),
  'x'.repeat(1_000_000),
  '&lt;already&gt; & more',
  ']]><!--',
] as const;
