import { describe, expect, it } from 'vitest';
import { HOSTILE, incident, reason, SUMMARY } from '../../../test/audit/incident.ts';
import { MONDAY } from '../../../test/audit/scenes.ts';
import { CATALOG } from '../../detectors/index.ts';
import { openReport } from './index.ts';

const options = { explain: false, width: 80 } as const;

describe('JSON lines', () => {
  const lines = (incidents = [incident()]): string[] =>
    [...openReport({ ...options, format: 'json' }).done(incidents, SUMMARY)].join('').trimEnd().split('\n');

  it('is as the design says', () => {
    const [one, last] = lines().map((line): unknown => JSON.parse(line));
    expect(one).toEqual({
      schemaVersion: 1,
      id: '0123456789abcdef',
      score: 82,
      band: 'critical',
      alerted: true,
      title: 'sweep: many secrets in minutes: deploy',
      principal: { id: 'arn:aws:iam::111122223333:role/deploy', name: 'deploy', kind: 'workload' },
      secrets: ['prod/db', 'prod/mail', 'prod/pay', 'prod/web', 'prod/key'],
      events: 22,
      firstEvent: { id: 'event-first', time: '2026-06-01T09:00:00.000Z' },
      alertEvent: { id: 'event-alert', time: '2026-06-01T09:01:00.000Z' },
      lastEvent: { id: 'event-last', time: '2026-06-01T09:09:00.000Z' },
      reasons: [
        { detector: 'S1', family: 'S', bits: 9.25, observed: '20 secrets in 10 minutes', expected: 'at most 2' },
        { detector: 'N4', family: 'N', bits: 6, observed: '198.51.100.0/24', expected: '1 known range in 812 events' },
      ],
      attack: ['T1555.006', 'T1078.004'],
    });
    expect(last).toEqual({ summary: SUMMARY });
  });

  it('has no alert event where nothing is sent', () => {
    expect(JSON.parse(lines([incident({ alertEvent: null })])[0] ?? '')).toMatchObject({ alerted: false, alertEvent: null });
  });

  it('keeps hostile text as it is, on one line that obeys nothing', () => {
    const all = lines(HOSTILE.map((title) => incident({ title })));
    expect(all).toHaveLength(HOSTILE.length + 1);
    HOSTILE.forEach((title, at) => {
      expect((JSON.parse(all[at] ?? '') as { title: string }).title).toBe(title);
      expect(all[at]).not.toMatch(/\p{Cc}|\p{Cf}|\p{Cs}|\p{Zl}|\p{Zp}/u);
    });
  });

  it('survives a time that no calendar has', () => {
    const odd = incident({ lastEvent: { id: 'x', time: 9e15 } });
    expect(JSON.parse(lines([odd])[0] ?? '')).toMatchObject({ lastEvent: { time: '+275760-09-13T00:00:00.000Z' } });
  });
});

interface Log {
  readonly version: string;
  readonly runs: readonly {
    readonly tool: {
      readonly driver: {
        readonly rules: readonly { readonly id: string; readonly name: string; readonly properties: Record<string, unknown> }[];
      };
    };
    readonly results: readonly {
      readonly level: string;
      readonly message: { readonly text: string };
      readonly locations: readonly { readonly physicalLocation: { readonly artifactLocation: { readonly uri: string } } }[];
    }[];
  }[];
}

describe('SARIF', () => {
  const log = (incidents = [incident()]): Log =>
    JSON.parse([...openReport({ ...options, format: 'sarif' }).done(incidents, SUMMARY)].join('')) as Log;

  it('has a rule for each detector, with a severity in its bounds', () => {
    const { version, runs } = log([]);
    expect(version).toBe('2.1.0');
    const rules = runs[0]?.tool.driver.rules ?? [];
    expect(rules.map(({ id }) => id)).toEqual(Object.keys(CATALOG));
    for (const { id, name, properties } of rules) {
      expect(name).toMatch(/^[A-Z][A-Za-z0-9]+$/);
      const severity = Number(properties['security-severity']);
      expect(severity, id).toBeGreaterThanOrEqual(0);
      expect(severity, id).toBeLessThanOrEqual(10);
    }
    expect(rules.find(({ id }) => id === 'D1')?.properties['security-severity']).toBe('9.5');
  });

  it('has a result for each incident, under its strongest reason', () => {
    const [one] = log().runs[0]?.results ?? [];
    expect(one).toMatchObject({
      ruleId: 'S1',
      ruleIndex: Object.keys(CATALOG).indexOf('S1'),
      level: 'error',
      rank: 82,
      partialFingerprints: { 'keywheelIncident/v1': '0123456789abcdef' },
      locations: [{ physicalLocation: { artifactLocation: { uri: 'audit/aws/111122223333' } } }],
      properties: { alerted: true, distinctSecrets: 20, firstEvent: { time: new Date(MONDAY).toISOString() } },
    });
    const text = one?.message.text;
    expect(text).toContain('S1: 20 secrets in 10 minutes; expected at most 2.');
  });

  it.each([
    ['critical', 'error'],
    ['high', 'error'],
    ['medium', 'warning'],
    ['low', 'note'],
    ['none', 'none'],
  ] as const)('gives %s the level %s', (band, level) => {
    expect(log([incident({ band })]).runs[0]?.results[0]?.level).toBe(level);
  });

  it('makes no link, argument or address of hostile text', () => {
    for (const text of HOSTILE) {
      const bad = incident({ title: text, account: text, secrets: [text], reasons: [reason({ observed: text })] });
      const [one] = log([bad]).runs[0]?.results ?? [];
      const message = one?.message.text ?? '';
      expect(message.replaceAll('{{', '').replaceAll('}}', '')).not.toMatch(/[{}]/);
      expect(message).not.toMatch(/(?<!\\)\[/);
      expect(message.length).toBeLessThan(4000);
      const uri = one?.locations[0]?.physicalLocation.artifactLocation.uri ?? '';
      expect(uri).toMatch(/^audit\/aws\//);
      expect(new URL(uri, 'https://base.example/').origin).toBe('https://base.example');
    }
  });
});
