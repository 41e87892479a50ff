/** The report to look at: one HTML file that needs nothing else and runs no script. */
import { createHash } from 'node:crypto';
import { bandOf } from '../settings.ts';
import type { ReportData, TopRow } from './data.ts';
import { markup, shown, type Markup } from './escape.ts';
import { heatMap, timelineChart } from './html-charts.ts';
import { incidentList } from './html-incidents.ts';
import { STYLE } from './html-style.ts';
import { minute } from './text.ts';

// Names in it come from log records: if one were ever taken for markup, nothing may run and nothing may be fetched.
const POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'`;

const number = (value: number): string => value.toLocaleString('en-US');
const counted = (value: number, one: string): string => `${number(value)} ${one}${value === 1 ? '' : 's'}`;

export function htmlReport(data: ReportData): string {
  const { summary, span, incidents, sources } = data;
  const when = span === undefined ? '' : ` · ${minute(span.from)} to ${minute(span.to)} UTC`;
  const page = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${{ markup: POLICY }}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>Keywheel: ${counted(summary.incidents, 'incident')}, ${counted(summary.alerts, 'alert')}</title>
<style>${{ markup: STYLE }}</style>
</head>
<body>
<main>
<p class="mark"><b>keywheel score</b>${when}</p>
${headline(data)}
${numbers(data)}
<h2>When it happened</h2>
<p class="note">Every event that was scored, and the incidents above them, by band. Point at a mark to read it.</p>
${timelineChart(data)}
<h2>Hours of the week</h2>
<p class="note">When the stores are used at all, and when something unusual was among it.</p>
${heatMap(data)}
<h2>Who and what</h2>
<p class="note">By the worst score of any one event, then by events.</p>
<div class="pair">${topTable('Principals', data.principals)}${topTable('Secrets', data.secrets)}</div>
<h2>Incidents</h2>
<p class="note">The highest scores first. Bits are of surprise: each one halves how likely this is in a usual month.</p>
${incidentList(incidents)}
<footer>Sources: ${sources.map(({ name, events }, at) => markup`${at === 0 ? '' : ', '}<bdi>${shown(name, 120)}</bdi> (${number(events)})`)}${sources.length === 0 ? 'none' : ''}.</footer>
</main>
</body>
</html>
`;
  return page.markup;
}

function headline({ summary, incidents }: ReportData): Markup {
  const events = counted(summary.parsed, 'event');
  if (incidents.length === 0) return markup`<h1>${events}. <span class="good">Nothing unusual.</span></h1>`;
  const tone = summary.alerts > 0 ? 'bad' : 'good';
  return markup`<h1>${counted(summary.incidents, 'incident')} in ${events}. <span class="${tone}">${summary.alerts === 0 ? 'No' : number(summary.alerts)} ${summary.alerts === 1 ? 'alert' : 'alerts'}.</span></h1>`;
}

function numbers({ summary, incidents }: ReportData): Markup {
  const worst = incidents[0]?.score ?? 0;
  const rows: [string, string, boolean][] = [
    ['highest score', number(worst), worst >= 60],
    ['records read', number(summary.events), false],
    ['events of secret stores', number(summary.parsed), false],
    ['other records', number(summary.ignored), false],
    ['duplicates', number(summary.duplicates), false],
    ['malformed', number(summary.malformed), summary.malformed > 0],
  ];
  return markup`<dl class="numbers">${rows.map(([name, value, bad]) => markup`<div><dt>${name}</dt><dd${bad ? markup` class="bad"` : undefined}>${value}</dd></div>`)}</dl>`;
}

function topTable(title: string, rows: readonly TopRow[]): Markup {
  const body = rows.map(
    ({ name, kind, events, unusual, worst }) =>
      markup`<tr><th scope="row"><bdi>${shown(name, 120)}</bdi><small>${kind}</small></th><td>${number(events)}</td><td>${number(unusual)}</td><td><span class="pill ${bandOf(worst)}">${worst}</span></td></tr>`,
  );
  return markup`<table><thead><tr><th scope="col">${title}</th><th scope="col">events</th><th scope="col">unusual</th><th scope="col">worst</th></tr></thead><tbody>${body}</tbody></table>`;
}
