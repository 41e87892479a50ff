import { describe, expect, it } from 'vitest';
import { HOSTILE, incident, reason, SUMMARY } from '../../../test/audit/incident.ts';
import { openReport } from './index.ts';
import { wrap } from './text.ts';

const print = (incidents = [incident()], over = {}): string =>
  [...openReport({ format: 'text', explain: false, width: 80, ...over }).done(incidents, SUMMARY)].join('');

describe('the report for a terminal', () => {
  it('tells an incident in a few lines', () => {
    expect(print()).toBe(`critical 82  sweep: many secrets in minutes: deploy
  deploy (workload), aws 111122223333 198.51.100.0/24
  2026-06-01 09:00:00 to 2026-06-01 09:09:00: 22 events, 2 refused on prod/db,
  prod/mail, prod/pay, prod/web and 16 more
  S1    9.3  20 secrets in 10 minutes; expected at most 2
  N4    6.0  198.51.100.0/24; expected 1 known range in 812 events
  T1555.006 T1078.004 · alert at event-alert

1 incident, 1 alert in 12,000 events of 12,400 records; 250 records of something
else, 148 duplicates, 2 malformed
`);
  });

  it('explains each reason, with the score without it', () => {
    const text = print([incident()], { explain: true });
    expect(text).toContain('sweep: many secrets in minutes: 20 secrets in 10 minutes;');
    expect(text).toContain('at least 70; without it, the score would be 16 (none)');
    expect(text).toContain('without it, the score would be 70 (high)');
  });

  it('tells the three strongest reasons, and that there are more', () => {
    const reasons = Array.from({ length: 5 }, () => reason());
    expect(print([incident({ reasons })])).toContain('and 2 weaker reasons');
    expect(print([incident({ reasons })], { explain: true })).not.toContain('weaker');
  });

  it('says why nothing was sent', () => {
    expect(print([incident({ alertEvent: null, held: 'suppressed' })])).toContain('not sent: suppressed');
    expect(print([incident({ alertEvent: null })])).toContain('· not sent\n');
  });

  it('says when there is nothing', () => {
    const none = { ...SUMMARY, incidents: 0, alerts: 0, malformed: 0 };
    const [line] = [...openReport({ format: 'text', explain: false, width: 80 }).done([], none)];
    expect(line).toMatch(/^nothing unusual in 12,000 events of 12,400 records;/);
    expect(line).not.toContain('malformed');
  });

  it.each(HOSTILE)('stays in its columns and obeys nothing: %#', (text) => {
    const bad = incident({
      title: text,
      principal: { id: text, name: text, kind: 'human' },
      secrets: [text],
      account: text,
      network: text,
      reasons: [reason({ observed: text, expected: text })],
      firstEvent: { id: text, time: Number.MAX_VALUE },
      alertEvent: { id: text, time: 1 },
    });
    for (const explain of [false, true]) {
      const out = print([bad], { explain });
      expect(out.replaceAll('\n', '')).not.toMatch(/\p{Cc}|\p{Cf}|\p{Cs}|\p{Zl}|\p{Zp}/u);
      for (const line of out.split('\n')) expect(Array.from(line).length).toBeLessThanOrEqual(80);
      expect(out.split('\n').filter((line) => /^(?:critical|high) \d/.test(line))).toHaveLength(1);
    }
  });
});

describe('wrap', () => {
  it('breaks at spaces, and words that are too long', () => {
    expect(wrap('aa bb cc', 5)).toEqual(['aa bb', 'cc']);
    expect(wrap('abcdefgh ij', 3)).toEqual(['abc', 'def', 'gh', 'ij']);
    expect(wrap('', 5)).toEqual(['']);
  });
});
