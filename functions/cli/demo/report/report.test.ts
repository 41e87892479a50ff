import { describe, expect, it } from 'vitest';
import { sampleTimeline, START } from '../timeline.fixture.ts';
import { json, markup, trusted } from './html.ts';
import { renderReport } from './index.ts';
import { buildModel } from './model.ts';
import { niceTicks } from './tracks.ts';

const HOSTILE = `<script>alert(1)</script>"'&`;

describe('markup', () => {
  it('escapes every value and nests what it made', () => {
    const inner = markup`<b title="${HOSTILE}">${HOSTILE}</b>`;

    const { markup: text } = markup`<p>${[inner, trusted('<i>')]}${undefined}${3}</p>`;

    const escaped = '&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;';
    expect(text).toBe(`<p><b title="${escaped}">${escaped}</b><i>3</p>`);
  });

  it('writes JSON that cannot end its script element', () => {
    const { markup: text } = json({ name: '</script><script>' });

    expect(text).not.toContain('<');
    expect(JSON.parse(text)).toEqual({ name: '</script><script>' });
  });
});

describe('the model', () => {
  it('keeps every query and failure, in seconds from the start', () => {
    const timeline = sampleTimeline();
    timeline.failures.push({ at: START + 5050, code: '28P01', account: 'app_a', during: 'connect' });

    const model = buildModel(timeline);

    const total = model.points.reduce((sum, { from, to, rates }) => sum + rates.reduce((a, b) => a + b, 0) * (to - from), 0);
    expect(Math.round(total)).toBe(17_400);
    expect(model.points.find(({ from, to }) => from <= 5.05 && 5.05 < to)?.failed).toBe(1);
    expect(model.points.reduce((sum, { failed }) => sum + failed, 0)).toBe(1);
  });

  it('ends a previous credential when its rotation retired it, not when the label moved', () => {
    const model = buildModel(sampleTimeline());

    const [first] = model.labels.previous;
    expect(first?.account).toBe('app_a');
    expect(first?.deadFrom).toBeCloseTo(5.7);
    expect(first?.to).toBeGreaterThan(7);
    expect(model.labels.current.map(({ account }) => account)).toEqual(['app_a', 'app_b', 'app_a', 'app_b', 'app_a', 'app_b']);
  });

  it('marks the phase during which the process was killed', () => {
    const killed = buildModel(sampleTimeline()).turns.map(({ steps }) =>
      steps.filter((step) => step.killed).map(({ phase }) => phase),
    );

    expect(killed).toEqual([[], ['verified'], [], ['retired'], []]);
  });

  it('draws a run of an hour with a bounded number of points', () => {
    const timeline = sampleTimeline();
    timeline.endedAt = START + 3_600_000;

    expect(buildModel(timeline).points.length).toBeLessThanOrEqual(320);
  });
});

describe('niceTicks', () => {
  it.each([
    [610, [0, 200, 400, 600]],
    [58, [0, 20, 40]],
    [1, [0, 1]],
    [2400, [0, 1000, 2000]],
  ])('of %d are round', (peak, expected) => {
    expect(niceTicks(peak)).toEqual(expected);
  });
});

describe('the report', () => {
  it('is one file: nothing is loaded, and the policy forbids it', () => {
    const page = renderReport(sampleTimeline());

    expect(page).toContain(`content="default-src 'none'`);
    expect(page).not.toMatch(/\b(?:src|href)=|@import|url\((?!#)|https?:/);
  });

  it('says what happened in figures and words', () => {
    const page = renderReport(sampleTimeline());

    expect(page).toContain('Five password rotations, 17,400 queries.');
    expect(page).toContain('None failed.');
    expect(page.match(/28P01 refused at primary/g)).toHaveLength(5);
    expect(page.match(/class="pill kill"/g)).toHaveLength(2);
    expect(page.match(/class="pill resume"/g)).toHaveLength(2);
    expect(page).toContain('class="zero"');
  });

  it('shows failures in red and says what was promised', () => {
    const timeline = sampleTimeline();
    timeline.failures.push({ at: START + 5050, code: '28P01', account: 'app_a', during: 'connect' });

    const page = renderReport(timeline);

    expect(page).toContain('class="failed"');
    expect(page).toContain('class="zero broken"');
    expect(page).toContain('Not as promised:');
    expect(page).not.toContain('None failed.');
  });

  it('escapes what comes from outside', () => {
    const timeline = sampleTimeline();
    const [turn] = timeline.turns;
    if (turn) turn.refusal = { outcome: 'unclear', code: HOSTILE, endpoint: HOSTILE };
    timeline.labels.push({ at: START + 20_000, current: { version: '<b>', account: HOSTILE } });

    const page = renderReport(timeline);

    expect(page).not.toContain('<script>alert');
    expect(page).toContain('&lt;script&gt;alert(1)');
  });

  it('has a title, a description and a table for who cannot see the chart', () => {
    const page = renderReport(sampleTimeline());

    expect(page).toMatch(/role="img"\s+aria-labelledby="chart-title chart-description"/);
    expect(page).toContain('<title id="chart-title">');
    expect(page).toContain('rotation 2 to app_a');
    expect(page).toContain('The chart as a table');
  });
});
