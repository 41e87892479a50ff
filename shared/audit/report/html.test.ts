import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { HOSTILE, incident, reason, SUMMARY } from '../../../test/audit/incident.ts';
import { DAY, event, HOUR, MONDAY, type EventOver } from '../../../test/audit/scenes.ts';
import { FLAG } from '../event.ts';
import type { Scored } from '../scored.ts';
import { createReportData } from './data.ts';
import { comparison } from './html-incidents.ts';
import { openReport } from './index.ts';

const scored = (over: EventOver = {}, score = 0): Scored => ({
  event: event(over),
  reasons: [],
  verdict: { score, bits: 0, floor: 0 },
  context: { tier: 'ordinary', kind: 'workload', deniedOnly: false },
});

function page(incidents = [incident()], some: readonly Scored[] = [scored(), scored({ at: MONDAY + HOUR }, 82)]): string {
  const report = openReport({ format: 'html', explain: false, width: 80 });
  for (const one of some) report.seen(one);
  return [...report.done(incidents, SUMMARY)].join('');
}

describe('the report as HTML', () => {
  it('shows the numbers, the charts and the incidents', () => {
    const text = page();
    expect(text).toContain('<h1>1 incident in 12,000 events. <span class="bad">1 alert.</span></h1>');
    expect(text).toContain('sweep: many secrets in minutes: deploy');
    expect(text.match(/<svg class="chart"/g)).toHaveLength(2);
    expect(text).toContain('9.3 bits of surprise, a score of at least 70; 16 without it');
    expect(text).toContain('prod/key</bdi> and 15 more');
    expect(text).toContain('ATT&amp;CK');
  });

  it('needs nothing else and runs nothing', () => {
    const text = page();
    expect(text).not.toMatch(/<script|<link|<img|<iframe|\bsrc=|\bhref=|url\(|@import|\son\w+=|\sstyle=/i);
    const style = /<style>([\s\S]*?)<\/style>/.exec(text)?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    expect(text).toContain(`default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`);
  });

  it('opens and closes its elements', () => {
    const open: string[] = [];
    const markups = page()
      .replace(/<style>[\s\S]*?<\/style>/, '')
      .matchAll(/<(\/?)([a-z][a-z0-9]*)(?:\s[^<>]*?)?(\/?)>/g);
    for (const [, closing, name = '', alone] of markups) {
      if (alone === '/' || name === 'meta') continue;
      if (closing === '/') expect(open.pop()).toBe(name);
      else open.push(name);
    }
    expect(open).toEqual([]);
  });

  // oxlint-disable-next-line no-control-regex -- these are what must not be there
  const OBEYED = /[\u0000-\u0009\u000B-\u001F\u202A-\u202E\u2066-\u2069]/;

  it.each(HOSTILE)('takes hostile text for text: %#', (text) => {
    const bad = incident({
      title: text,
      principal: { id: text, name: text, kind: 'unknown' },
      secrets: Array.from({ length: 50 }, () => text),
      account: text,
      network: text,
      reasons: [reason({ observed: text, expected: text })],
      sampleEvents: [text],
      alertEvent: { id: text, time: MONDAY },
    });
    const whole = page([bad], [scored({ by: { id: text, name: text }, secret: [{ key: text, name: text }], account: text }, 90)]);
    const plain = whole.replace(/<style>[\s\S]*?<\/style>/, '');
    expect(plain).not.toMatch(/<script|<img|<svg on|<style/);
    expect(plain).not.toMatch(OBEYED);
    const tags = new Set([...plain.matchAll(/<([a-z][a-z0-9]*)/gi)].map(([, name]) => name));
    expect([...tags].filter((name) => ['script', 'img', 'style', 'iframe', 'object'].includes(name ?? ''))).toEqual([]);
    expect(whole.length).toBeLessThan(100_000);
    expect(whole.isWellFormed()).toBe(true);
  });

  it.each([
    [HOUR, ['09:15', '09:30', '09:45']],
    [DAY, ['03:00', '06:00', '21:00']],
    [4 * DAY, ['12:00', '06-02', '06-05']],
    [40 * DAY, ['06-06', '06-26']],
  ])('marks the time where a clock does: over %i ms', (length, marks) => {
    const text = page([], [scored(), scored({ at: MONDAY + length })]);
    const ticks = [...text.matchAll(/text-anchor="middle">([^<]+)</g)].map(([, tick]) => tick);
    expect(ticks).toEqual(expect.arrayContaining(marks));
    expect(ticks.length).toBeLessThanOrEqual(11);
  });

  it('says when there is nothing to say', () => {
    const text = page([], []);
    expect(text).toContain('<span class="good">Nothing unusual.</span>');
    expect(text).toContain('There were no events.');
  });

  it('tells two hundred incidents in full, and counts the rest', () => {
    const many = Array.from({ length: 250 }, (_, at) => incident({ id: String(at).padStart(16, '0') }));
    const text = page(many);
    expect(text.match(/<details/g)).toHaveLength(200);
    expect(text).toContain('50 more, of lower scores, are left out here');
  });
});

describe('comparison', () => {
  it.each([
    ['20 secrets in 10 minutes', 'at most 2', { observed: 20, expected: 2 }],
    ['13 secrets in 10 minutes, 8 of them new', 'up to 4, 95 % of the time', { observed: 13, expected: 4 }],
    ['1,2000 reads', 'at most 2', undefined],
    ['1,200 reads', 'about 40.5 reads an hour', { observed: 1200, expected: 40.5 }],
    ['3 days', 'at most 20 minutes', undefined],
    ['a token of 30 days', 'at most 20 minutes', undefined],
    ['198.51.100.0/24', '1 known range in 812 events', undefined],
    ['10 reads', '3; usually 2', { observed: 10, expected: 3 }],
    ['first read of db', '40 reads of 3 other secrets', undefined],
  ])('%s against %s', (observed, expected, numbers) => {
    expect(comparison(observed, expected)).toEqual(numbers);
  });
});

describe('what a report gathers', () => {
  it('puts events into buckets without gaps, which double when there are too many', () => {
    const data = createReportData();
    for (let at = 0; at < 28 * DAY; at += HOUR) data.seen(scored({ at: MONDAY + at }, at === 0 ? 50 : 0));
    const { timeline, step, span } = data.done([], SUMMARY);
    expect(timeline.length).toBeLessThanOrEqual(240);
    expect(timeline.length).toBeGreaterThan(100);
    expect(timeline.reduce((sum, { events }) => sum + events, 0)).toBe(28 * 24);
    expect(timeline.reduce((sum, { unusual }) => sum + unusual, 0)).toBe(1);
    expect(timeline.every(({ from }, at) => at === 0 || from === (timeline[at - 1]?.from ?? 0) + step)).toBe(true);
    expect(span).toEqual({ from: MONDAY, to: MONDAY + 28 * DAY - HOUR });
  });

  it('does not depend on the order', () => {
    const some = Array.from({ length: 500 }, (_, at) =>
      scored({ at: MONDAY + ((at * 7919) % 500) * HOUR, by: `p${at % 7}` }, at % 90),
    );
    const read = (events: readonly Scored[]) => {
      const data = createReportData();
      for (const one of events) data.seen(one);
      return data.done([], SUMMARY);
    };
    expect(read(some.toReversed())).toEqual(read(some));
  });

  it('counts hours of the week in the zone that is asked for', () => {
    const data = createReportData({ timeZone: 'Asia/Kolkata' });
    data.seen(scored({ at: Date.UTC(2026, 5, 7, 18, 45) }, 30));
    const { hours, unusualHours } = data.done([], SUMMARY);
    expect(hours.indexOf(1)).toBe(0);
    expect(unusualHours[0]).toBe(1);
  });

  it('leaves echoes out, and wrong clocks out of the charts', () => {
    const data = createReportData();
    data.seen(scored({ flags: FLAG.echo }));
    data.seen(scored({ flags: FLAG.skewed, at: MONDAY + 4000 * DAY }));
    const { timeline, principals } = data.done([], SUMMARY);
    expect(timeline).toEqual([]);
    expect(principals).toMatchObject([{ events: 1 }]);
  });

  it('keeps the worst and the busiest of very many, in bounded memory', () => {
    const data = createReportData();
    for (let at = 0; at < 20_000; at += 1) data.seen(scored({ by: `p${at}`, secret: [], account: `a${at}` }));
    for (let at = 0; at < 50; at += 1) data.seen(scored({ by: 'busy', secret: 'db' }));
    data.seen(scored({ by: 'thief' }, 95));
    for (let at = 0; at < 20_000; at += 1) data.seen(scored({ by: `q${at}`, secret: [] }));
    const { principals, sources } = data.done([], SUMMARY);
    expect(principals.slice(0, 2)).toMatchObject([
      { name: 'thief', worst: 95 },
      { name: 'busy', events: 50 },
    ]);
    expect(sources.length).toBeLessThanOrEqual(33);
  });
});
