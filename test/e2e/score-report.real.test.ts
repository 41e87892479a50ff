import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openReport } from '../../shared/audit/report/index.ts';
import { HOSTILE, incident, reason, SUMMARY } from '../audit/incident.ts';
import { event, MONDAY } from '../audit/scenes.ts';
import { makeFolder, type Folder } from '../helpers/terminal.ts';
import type { Chromium, Page } from '../peers/index.ts';
import { describeWithPeer } from '../peers/vitest.ts';

const run = promisify(execFile);
const WRITE = path.resolve(import.meta.dirname, '../tenant/write.ts');
/** WCAG 2.2, 1.4.3, level AA. https://www.w3.org/TR/WCAG22/#contrast-minimum */
const READABLE = 4.5;
const PHONE = { width: 390, height: 844 };

interface Line {
  readonly title: string;
  readonly alerted: boolean;
  readonly score: number;
  readonly alertEvent: { readonly id: string } | null;
  readonly reasons: readonly { readonly detector: string; readonly observed: string; readonly expected: string }[];
  readonly summary?: Readonly<Record<string, number>>;
}
interface Card {
  readonly score: string;
  readonly title: string;
  readonly text: string;
  readonly reasons: readonly string[];
  readonly bars: readonly number[];
}

// These run within the page.
const CARDS = `[...document.querySelectorAll('details.incident')].map((one) => ({
  score: one.querySelector('.pill').textContent, title: one.querySelector('summary bdi').textContent, text: one.textContent,
  reasons: [...one.querySelectorAll('.reason')].map((reason) => reason.textContent),
  bars: [...one.querySelectorAll('rect.bits')].map((bar) => bar.getBoundingClientRect().width) }))`;
const OPEN_ALL = `document.querySelectorAll('details').forEach((one) => { one.open = true; })`;
const WORST_CONTRAST = `(() => {
  const rgb = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => { const [r, g, b] = rgb(color).map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = (element) => { for (let at = element; at; at = at.parentElement) { const color = getComputedStyle(at).backgroundColor; if (rgb(color)[3] !== 0) return color; } return 'rgb(255, 255, 255)'; };
  const told = [...document.body.querySelectorAll('*')].filter((one) => one.localName !== 'title' && one.checkVisibility() && [...one.childNodes].some((child) => child.nodeType === 3 && child.data.trim() !== ''));
  const all = told.map((one) => { const style = getComputedStyle(one); const [a, b] = [light(one instanceof SVGElement ? style.fill : style.color), light(ground(one))]; return { ratio: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), text: one.textContent.slice(0, 40), color: style.color }; });
  all.sort((one, other) => one.ratio - other.ratio);
  return { looked: all.length, ...all[0] };
})()`;
/** What reaches over the window's right edge, outside of what is meant to be scrolled. */
const TOO_WIDE = `[...document.body.querySelectorAll('*')].filter((one) => !one.closest('.scroll') && one.getBoundingClientRect().right > innerWidth + 0.5).map((one) => one.outerHTML.slice(0, 80))`;
const SCROLLED = `document.documentElement.scrollWidth`;
const FOREIGN = `document.querySelectorAll('script, img, iframe, object, embed, link, base, form, a, body style, body title:not(svg title)').length`;

await describeWithPeer('chromium', 'the report of keywheel score in a browser', (start) => {
  let folder: Folder;
  let chromium: Chromium;
  let address: string;
  let page: Page;
  let incidents: Line[];
  let summary: Readonly<Record<string, number>>;

  beforeAll(async () => {
    [folder, chromium] = await Promise.all([makeFolder(), start({})]);
    const args = ['--stores', 'openbao', '--days', '8', '--attack', 'sweep/fast,network/service', '--seed', 'terminal'];
    await run(process.execPath, [WRITE, ...args, '--out', path.join(folder.path, 'tenant')]);
    const [html, json] = [
      await folder.run(['score', 'tenant/vault.ndjson', '--format', 'html']),
      await folder.run(['score', 'tenant/vault.ndjson', '--format', 'json']),
    ];
    const lines = json.stdout.trimEnd().split('\n');
    const parsed = lines.map((line) => JSON.parse(line) as Line);
    incidents = parsed.filter((line) => line.summary === undefined);
    summary = parsed.at(-1)?.summary ?? {};
    address = await saved('report.html', html.stdout);
    page = await chromium.open(address);
  });
  afterAll(async () => {
    await chromium.stop();
    await folder.remove();
  });

  async function saved(name: string, text: string): Promise<string> {
    const file = path.join(folder.path, name);
    await writeFile(file, text);
    return pathToFileURL(file).href;
  }

  it('runs without an error, and asks for nothing else', async () => {
    expect(await page.evaluate(`document.readyState`)).toBe('complete');
    // The style sheet is let in by its hash: were it wrong, all would be there and nothing would look so.
    expect(await page.evaluate(`getComputedStyle(document.querySelector('main')).maxWidth`)).toBe('1180px');
    expect(page.problems).toEqual([]);
    expect(page.requests).toEqual([address]);
  });

  it('says the numbers that the summary of the JSON says', async () => {
    const number = (name: string): string => (summary[name] ?? -1).toLocaleString('en-US');

    const headline = await page.evaluate<string>(`document.querySelector('h1').textContent`);
    const numbers = await page.evaluate<Record<string, string>>(
      `Object.fromEntries([...document.querySelectorAll('dl.numbers > div')].map((one) => [one.querySelector('dt').textContent, one.querySelector('dd').textContent]))`,
    );

    const alerts = `${number('alerts')} ${summary['alerts'] === 1 ? 'alert' : 'alerts'}`;
    expect(headline).toBe(`${number('incidents')} incidents in ${number('parsed')} events. ${alerts}.`);
    expect(numbers).toEqual({
      'highest score': String(Math.max(...incidents.map(({ score }) => score))),
      'records read': number('events'),
      'events of secret stores': number('parsed'),
      'other records': number('ignored'),
      duplicates: number('duplicates'),
      malformed: number('malformed'),
    });
  });

  it('shows every alerted incident with its score and its reasons, each with a bar', async () => {
    await page.evaluate(OPEN_ALL);

    const cards = await page.evaluate<Card[]>(CARDS);

    const alerted = incidents.filter((one) => one.alerted);
    expect(alerted.length).toBeGreaterThan(0);
    expect(cards).toHaveLength(incidents.length);
    for (const { title, score, alertEvent, reasons } of alerted) {
      const card = cards.find(({ text }) => text.includes(`with ${alertEvent?.id ?? 'none'}`));
      expect(card).toMatchObject({ title, score: String(score) });
      expect(card?.reasons).toHaveLength(Math.min(12, reasons.length));
      for (const [at, { detector, observed, expected }] of reasons.slice(0, 12).entries()) {
        for (const text of [detector, observed, `expected: ${expected}`]) expect(card?.reasons[at]).toContain(text);
      }
      expect(Math.min(...(card?.bars ?? [0]))).toBeGreaterThan(1);
    }
  });

  it('draws 7 days of 24 hours, and as many events there as on the timeline', async () => {
    const chart = (at: number): string => `[...document.querySelectorAll('svg.chart')][${at}]`;
    const places = (side: 'left' | 'top'): Promise<number> =>
      page.evaluate(
        `new Set([...${chart(1)}.querySelectorAll('rect.cell')].map((one) => one.getBoundingClientRect().${side})).size`,
      );
    const told = (at: number): Promise<number> =>
      page.evaluate(
        `[...${chart(at)}.querySelectorAll('title')].reduce((sum, one) => sum + Number(/: (\\d+) events/.exec(one.textContent)?.[1] ?? 0), 0)`,
      );

    expect(await page.evaluate(`${chart(1)}.querySelectorAll('rect.cell').length`)).toBe(7 * 24);
    expect([await places('left'), await places('top')]).toEqual([24, 7]);
    expect(await told(0)).toBeGreaterThan(1000);
    expect(await told(1)).toBe(await told(0));
    expect(await page.evaluate(`${chart(0)}.querySelectorAll('circle.dot').length`)).toBe(incidents.length);
  });

  it.each(['light', 'dark'] as const)('is readable in %s, each text of it', async (scheme) => {
    await page.show({ scheme });
    await page.evaluate(OPEN_ALL);

    const worst = await page.evaluate<{ looked: number; ratio: number }>(WORST_CONTRAST);

    expect(worst.looked).toBeGreaterThan(100);
    expect(worst.ratio, JSON.stringify(worst)).toBeGreaterThanOrEqual(READABLE);
    const ground = await page.evaluate<string>(`getComputedStyle(document.body).backgroundColor`);
    expect(Number(/\d+/.exec(ground)?.[0]) < 128).toBe(scheme === 'dark');
  });

  it('fits a phone, where only the charts are scrolled', async () => {
    await page.show(PHONE);
    await page.evaluate(OPEN_ALL);

    expect(await page.evaluate(SCROLLED)).toBe(PHONE.width);
    expect(await page.evaluate(TOO_WIDE)).toEqual([]);
    expect(
      await page.evaluate(`[...document.querySelectorAll('.scroll')].every((one) => one.scrollWidth > one.clientWidth)`),
    ).toBe(true);
  });

  it('shows hostile names as text: nothing runs, nothing is fetched, nothing is pushed aside', async () => {
    const names = [
      ...HOSTILE,
      'תמלול שמות',
      '</bdi></summary></details></main>',
      '<meta http-equiv="refresh" content="0;url=http://elsewhere.invalid">',
    ];
    const hostile = await chromium.open(await saved('hostile.html', hostileReport(names)), PHONE);
    await hostile.evaluate(OPEN_ALL);

    const cards = await hostile.evaluate<Card[]>(CARDS);

    expect(cards).toHaveLength(names.length);
    expect(cards.map(({ title }) => title)).toEqual(
      expect.arrayContaining(names.filter((name) => /^[ -~\u05D0-\u05EA]{1,200}$/.test(name))),
    );
    expect(await hostile.evaluate(FOREIGN)).toBe(0);
    expect(await hostile.evaluate(`document.title`)).toBe('Keywheel: 1 incident, 1 alert');
    expect(
      await hostile.evaluate(
        `document.querySelector('main > footer') !== null && document.querySelector('footer').checkVisibility()`,
      ),
    ).toBe(true);
    // Hebrew is written to the left, but does not take the score, which is before it, along.
    const before = `[...document.querySelectorAll('summary')].every((one) => one.querySelector('.pill').getBoundingClientRect().left < one.querySelector('bdi').getClientRects()[0].left + 1 || one.querySelector('bdi').getClientRects()[0].top > one.querySelector('.pill').getBoundingClientRect().top)`;
    expect(await hostile.evaluate(before)).toBe(true);
    expect(await hostile.evaluate(SCROLLED)).toBe(PHONE.width);
    expect(await hostile.evaluate(TOO_WIDE)).toEqual([]);
    expect([hostile.problems, hostile.dialogs, hostile.requests.length]).toEqual([[], [], 1]);
  });

  it('would have told of a script, and refuses it', async () => {
    const foreign = '<script>document.title = "owned"</script><img src="http://192.0.2.1/x.png"></main>';
    const bad = hostileReport(HOSTILE).replace('</main>', foreign);

    const shown = await chromium.open(await saved('bad.html', bad));

    expect(shown.problems.length).toBeGreaterThanOrEqual(2);
    expect(shown.problems.join('\n')).toContain('Content Security Policy');
    expect(await shown.evaluate(`document.title`)).not.toBe('owned');
  });

  it('shows a hostile name that came through a record', async () => {
    const name = `<img src=x onerror=alert(1)>`;
    const labels = JSON.parse(await readFile(path.join(folder.path, 'tenant/labels.json'), 'utf8')) as {
      events: { ids: string[] }[];
    }[];
    const ids = new Set(labels[0]?.events.flatMap((one) => one.ids));
    const log = await readFile(path.join(folder.path, 'tenant/vault.ndjson'), 'utf8');
    const idOf = (line: string): string => (JSON.parse(line) as { request?: { id?: string } }).request?.id ?? '';
    const renamed = log
      .trimEnd()
      .split('\n')
      .map((line) =>
        ids.has(idOf(line)) ? line.replace(/"display_name":"[^"]*"/, `"display_name":${JSON.stringify(name)}`) : line,
      );
    await writeFile(path.join(folder.path, 'renamed.ndjson'), renamed.join('\n'));

    const { stdout } = await folder.run(['score', 'renamed.ndjson', '--format', 'html']);
    const shown = await chromium.open(await saved('renamed.html', stdout));

    expect(await shown.evaluate(`document.body.innerText.includes(${JSON.stringify(name)})`)).toBe(true);
    expect(await shown.evaluate(FOREIGN)).toBe(0);
    expect([shown.problems, shown.dialogs, shown.requests.length]).toEqual([[], [], 1]);
  });
});

/** A report whose every name is hostile, one incident and one event for each. */
function hostileReport(names: readonly string[]): string {
  const report = openReport({ format: 'html', explain: false, width: 80 });
  for (const name of names) {
    const over = { by: { id: name, name }, secret: [{ key: name, name }], account: name, at: MONDAY };
    report.seen({
      event: event(over),
      reasons: [],
      verdict: { score: 90, bits: 0, floor: 0 },
      context: { tier: 'ordinary', kind: 'workload', deniedOnly: false },
    });
  }
  const incidents = names.map((name, at) =>
    incident({
      id: String(at).padStart(16, '0'),
      title: name,
      principal: { id: name, name, kind: 'unknown' },
      secrets: [name, name],
      account: name,
      network: name,
      reasons: [reason({ observed: name, expected: name })],
      sampleEvents: [name],
      alertEvent: { id: name, time: MONDAY },
    }),
  );
  return [...report.done(incidents, SUMMARY)].join('');
}
