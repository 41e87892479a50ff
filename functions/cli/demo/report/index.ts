/** The demo's report: one HTML file that needs nothing else, made from the timeline alone. */
import { complaints, summarize, type Summary, type Timeline } from '../timeline.ts';
import { renderChart } from './chart.ts';
import { markup, json, trusted, type Markup } from './html.ts';
import { CHART } from './layout.ts';
import { buildModel, type ReportModel } from './model.ts';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';
import { loadTable, rotationTable } from './tables.ts';

export function renderReport(timeline: Timeline): string {
  const model = buildModel(timeline);
  const summary = summarize(timeline);
  const data = { ...CHART, length: model.length, accounts: model.accounts, points: model.points };
  const page = markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
        />
        <title>Keywheel demo: ${summary.rotations} rotations, ${summary.failed} failed queries</title>
        <style>
          ${trusted(STYLE)}
        </style>
      </head>
      <body>
        <main>
          <p class="mark">
            <b>keywheel demo</b>${timeline.platform === undefined ? '' : ` on ${timeline.platform.name}`} · PostgreSQL ${timeline.serverVersion} ·
            ${new Date(timeline.startedAt).toISOString().slice(0, 16).replace('T', ' ')} UTC
          </p>
          ${headline(summary, timeline)} ${numbers(summary, timeline)}
          <h2>Under load, second by second</h2>
          <p class="note">
            When <b>current</b> moves to the other account, the workers follow as their caches run out. The old password keeps
            working until nobody uses it, then it is refused.
          </p>
          <figure>
            <div class="scroll" tabindex="0" role="region" aria-label="Timeline chart">
              ${renderChart(model, describe(summary, model))}
            </div>
            <div id="tip" role="status" hidden></div>
            ${legend(model)}
          </figure>
          <h2>Every rotation, phase by phase</h2>
          <p class="note">
            Milliseconds from one phase to the next. Grace ends with <b>retired</b>, on evidence that the old account is unused.
          </p>
          ${rotationTable(model)}
          <h2>How it was measured</h2>
          ${method(timeline)} ${loadTable(model)}
          <footer>Made by <code>keywheel demo</code>. Run it again and compare.</footer>
        </main>
        <script type="application/json" id="data">
          ${json(data)}
        </script>
        <script>
          ${trusted(SCRIPT)}
        </script>
      </body>
    </html> `;
  return page.markup;
}

function headline(summary: Summary, timeline: Timeline): Markup {
  const found = complaints(timeline);
  const failed =
    summary.failed === 0
      ? markup`<span class="good">None failed.</span>`
      : markup`<span class="bad">${count(summary.failed)} failed.</span>`;
  const one = summary.resumes === 1;
  const killed =
    summary.resumes === 0
      ? ''
      : ` ${capital(words(summary.resumes))} ${one ? 'rotation' : 'rotations'} lost ${one ? 'its' : 'their'} process to SIGKILL half way; a new process went on from the journal.`;
  const trouble = found.length === 0 ? undefined : markup`<p class="lede"><b>Not as promised:</b> ${found.join('; ')}.</p>`;
  return markup`<h1>${capital(words(summary.rotations))} password rotations, ${count(summary.queries)} queries. ${failed}</h1>
    <p class="lede">
      A real PostgreSQL had its password rotated ${words(summary.rotations)} times in ${Math.round(summary.seconds)} seconds while
      ${words(timeline.workers)} workers queried it all the time.${killed}
    </p>
    ${trouble}`;
}

function numbers(summary: Summary, timeline: Timeline): Markup {
  const cell = (name: string, value: string, tone = ''): Markup =>
    markup`<div>
      <dt>${name}</dt>
      <dd class="${tone}">${value}</dd>
    </div>`;
  const tone = (good: boolean): string => (good ? 'good' : 'bad');
  return markup`<dl class="numbers">
    ${cell('queries', count(summary.queries))} ${cell('failed queries', count(summary.failed), tone(summary.failed === 0))}
    ${cell('rotations closed', count(summary.rotations))} ${cell('resumed after SIGKILL', count(summary.resumes))}
    ${cell('old passwords refused', `${summary.refused} of ${summary.rotations}`, tone(summary.refused === summary.rotations))}
    ${cell('slowest query', `${timeline.slowest} ms`)}
  </dl>`;
}

function legend(model: ReportModel): Markup {
  const chip = (kind: string, text: string): Markup => markup`<span><i class="chip ${kind}"></i>${text}</span>`;
  return markup`<figcaption>
    ${model.accounts.map((account, index) => chip(index === 1 ? 'b' : 'a', `queries as ${account}`))}
    ${chip('prepare', 'prepare: stage, apply, verify, publish')}${chip('grace', 'grace: both passwords work')}${chip('retire', 'retire and prove')}${chip('dead', 'refused from here on')}${chip('kill', 'no process, after SIGKILL')}
  </figcaption>`;
}

function method(timeline: Timeline): Markup {
  const leaks = timeline.leaks ?? 0;
  const where =
    timeline.platform === undefined
      ? markup`Each rotation is a process of its own: <code>keywheel rotate --wait</code>, the production command with a
          production configuration.`
      : markup`The rotations ran on ${timeline.platform.title}, all of it on this machine, in processes of their own and with a
          production configuration.`;
  return markup`<ul class="facts">
    <li>${where}</li>
    <li>
      The ${words(timeline.workers)} workers read <code>current</code>, cache it for at most 1.2 seconds, and query over
      pooled and fresh connections. They never retry: whatever goes wrong is counted.
    </li>
    <li>The account of a query is the server’s own <code>session_user</code>.</li>
    <li>
      After each rotation, and once more at the end, the old password is tried by a raw login. Only SQLSTATE 28P01 counts as
      refused.
    </li>
    <li>Killed means SIGKILL, when the journal has reached a chosen phase. A new process resumes from the journal.</li>
    <li>
      ${leaks === 0 ? `The server’s log of all role changes${timeline.platform === undefined ? '' : ' and all that the hosts wrote'} was searched for every password: none is in it.` : 'A log holds a password. That must not be.'}
    </li>
  </ul>`;
}

function describe(summary: Summary, model: ReportModel): string {
  const turns = model.turns
    .map(
      (turn) =>
        `rotation ${turn.number} to ${turn.next} from ${turn.from.toFixed(1)} s to ${turn.to.toFixed(1)} s${turn.kill ? `, killed at ${turn.kill.at.toFixed(1)} s` : ''}`,
    )
    .join('; ');
  return `${summary.queries} queries in ${summary.seconds} seconds, ${summary.failed} failed. ${turns}. A table with the same numbers follows below.`;
}

const WORDS = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve'];

function words(value: number): string {
  return WORDS[value] ?? count(value);
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
