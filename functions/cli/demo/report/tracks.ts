/** The tracks of the timeline chart, one function each. */
import type { Label } from '../../../../shared/stores/index.ts';
import { markup, trusted, type Markup } from './html.ts';
import { CHART, ROWS, round, type Scale } from './layout.ts';
import type { LabelSpan, ReportModel, TurnModel } from './model.ts';

/** Wide enough for a version id beside its account, in the chart's own units. */
const ROOM_FOR_BOTH = 112;
const ROOM_FOR_NAME = 56;

function name(row: { top: number; bottom: number }, text: string): Markup {
  return markup`<text
    class="track-name"
    x="${CHART.left - 14}"
    y="${(row.top + row.bottom) / 2}"
    text-anchor="end"
    dominant-baseline="central">${text}</text>`;
}

/** The account's place in the configuration decides its colour. */
function hue(model: ReportModel, account: string): string {
  return model.accounts.indexOf(account) === 1 ? 'b' : 'a';
}

export function loadTrack(model: ReportModel, scale: Scale): Markup {
  const { top, bottom } = ROWS.load;
  const peak = Math.max(1, ...model.points.map(({ rates }) => rates.reduce((sum, rate) => sum + rate, 0)));
  const ticks = niceTicks(peak);
  const ceiling = Math.max(peak, ticks.at(-1) ?? peak) * 1.04;
  const y = (rate: number): number => round(bottom - (rate / ceiling) * (bottom - top));
  const areas = model.accounts.map((_, index) => {
    const upper: string[] = [];
    const lower: string[] = [];
    for (const point of model.points) {
      const x = scale.x((point.from + point.to) / 2);
      const below = point.rates.slice(0, index).reduce((sum, rate) => sum + rate, 0);
      upper.push(`${x},${y(below + (point.rates[index] ?? 0))}`);
      lower.unshift(`${x},${y(below)}`);
    }
    return markup`<polygon class="area ${index === 1 ? 'b' : 'a'}" points="${[...upper, ...lower].join(' ')}" />`;
  });
  return markup`<g>
    ${ticks.map((tick) => markup`<line class="grid" x1="${CHART.left}" x2="${CHART.right}" y1="${y(tick)}" y2="${y(tick)}" /><text class="tick" x="${CHART.left - 14}" y="${y(tick)}" text-anchor="end" dominant-baseline="central">${tick.toLocaleString('en-US')}</text>`)}
    ${areas}
    <text class="tick" x="${CHART.left - 14}" y="${top - 12}" text-anchor="end">queries/s</text>
  </g>`;
}

/** Failures as bars on a line that is drawn also where there is nothing: zero is a result. */
export function failedTrack(model: ReportModel, scale: Scale): Markup {
  const { top, bottom } = ROWS.failed;
  const worst = Math.max(1, ...model.points.map(({ failed }) => failed));
  const total = model.points.reduce((sum, { failed }) => sum + failed, 0);
  const base = bottom - 8;
  const bars = model.points
    .filter(({ failed }) => failed > 0)
    .map(({ from, to, failed }) => {
      const height = round(4 + (failed / worst) * (base - top - 4));
      const width = round(Math.max(3, scale.x(to) - scale.x(from)));
      return markup`<rect class="failed" x="${scale.x(from)}" y="${round(base - height)}" width="${width}" height="${height}" />`;
    });
  return markup`<g>${name(ROWS.failed, 'failed')}<line
      class="${total === 0 ? 'zero' : 'zero broken'}"
      x1="${CHART.left}"
      x2="${CHART.right}"
      y1="${base}"
      y2="${base}"
    />
    ${bars}<text class="zero-text ${total === 0 ? 'good' : 'bad'}" x="${CHART.left + 4}" y="${base - 7}">${total.toLocaleString('en-US')}</text></g>`;
}

export function labelTrack(label: Label, model: ReportModel, scale: Scale): Markup {
  const row = ROWS[label];
  return markup`<g>${name(row, label)}${model.labels[label].map((span) => labelSpan(label, span, model, scale))}</g>`;
}

function labelSpan(label: Label, span: LabelSpan, model: ReportModel, scale: Scale): Markup {
  const { top, bottom } = ROWS[label];
  const height = bottom - top;
  const middle = (top + bottom) / 2;
  const dead = label === 'previous' ? Math.min(Math.max(span.deadFrom ?? span.to, span.from), span.to) : span.to;
  const [from, turning, to] = [scale.x(span.from), scale.x(dead), scale.x(span.to)];
  const alive = round(Math.max(label === 'pending' ? 6 : 2, turning - from - 1));
  const text = (x: number, room: number, ink: string, words: Markup): Markup | undefined =>
    room < ROOM_FOR_NAME || label === 'pending'
      ? undefined
      : markup`<text class="${ink}" x="${round(x + 8)}" y="${middle}" dominant-baseline="central">${words}</text>`;
  const title = `${label}: ${span.account} ${span.version}, ${span.from.toFixed(1)} s to ${span.to.toFixed(1)} s`;
  return markup`<g>
    <title>${title}</title>
    <rect
      class="label ${label} ${hue(model, span.account)}"
      x="${from}"
      y="${top}"
      width="${alive}"
      height="${height}"
      rx="${label === 'pending' ? 3 : 5}"
    />
    ${text(from, turning - from, `ink ${label} ${hue(model, span.account)}`, alive > ROOM_FOR_BOTH ? markup`${span.account} <tspan class="version">${span.version}</tspan>` : markup`${span.account}`)}
    ${to - turning > 4 ? markup`<rect class="dead" x="${round(turning + 1)}" y="${top}" width="${round(to - turning - 2)}" height="${height}" rx="5" />` : undefined}
    ${text(turning, to - turning - 8, 'ink dead-ink', trusted('refused'))}</g>`;
}

export function rotationTrack(model: ReportModel, scale: Scale): Markup {
  return markup`<g>${name(ROWS.rotation, 'rotation')}${model.turns.map((turn) => rotationBar(turn, scale))}</g>`;
}

function rotationBar(turn: TurnModel, scale: Scale): Markup {
  const { top, bottom } = ROWS.rotation;
  const segment = (kind: string, from: number, to: number): Markup =>
    markup`<rect
      class="phase ${kind}"
      x="${scale.x(from)}"
      y="${top}"
      width="${round(Math.max(2, scale.x(to) - scale.x(from)))}"
      height="${bottom - top}"
    />`;
  const published = turn.published ?? turn.to;
  const retired = turn.retired ?? turn.to;
  const gap = turn.kill ? segment('unattended', turn.kill.at, turn.resumed ?? turn.to) : undefined;
  // Where the process was killed in grace, the word stands after the gap.
  const graceFrom = scale.x(turn.kill && turn.kill.at > published ? (turn.resumed ?? turn.to) : published);
  const wide = scale.x(retired) - graceFrom > 70;
  return markup`<g>${segment('prepare', turn.from, published)}${segment('grace', published, retired)}${segment('retire', retired, turn.to)}${gap}
    ${turn.steps.map((step) => markup`<line class="step" x1="${scale.x(step.at)}" x2="${scale.x(step.at)}" y1="${top}" y2="${bottom}"><title>${step.phase} at ${step.at.toFixed(2)} s</title></line>`)}
    ${wide ? markup`<text class="ink grace-ink" x="${round(graceFrom + 8)}" y="${(top + bottom) / 2}" dominant-baseline="central">grace</text>` : undefined}</g>`;
}

/** Publishing, killing and resuming cut through every track. */
export function markers(model: ReportModel, scale: Scale): Markup {
  const line = (kind: string, at: number | undefined): Markup | undefined =>
    at === undefined
      ? undefined
      : markup`<line class="marker ${kind}" x1="${scale.x(at)}" x2="${scale.x(at)}" y1="${ROWS.load.top}" y2="${ROWS.rotation.bottom}" />`;
  return markup`<g>${model.turns.map((turn) => markup`${line('publish', turn.published)}${line('kill', turn.kill?.at)}${line('resume', turn.resumed)}`)}</g>`;
}

/** The words for killing and resuming, above everything, on either side of the gap between the two. */
export function flags(model: ReportModel, scale: Scale): Markup {
  const y = ROWS.load.top + 14;
  return markup`<g>${model.turns.map(({ kill, resumed }) => {
    if (!kill) return markup``;
    const x = scale.x(kill.at);
    const after = resumed === undefined ? undefined : pill('resume', scale.x(resumed), y, 'resumed', 'start');
    return markup`${pill('kill', x, y, 'SIGKILL', x - CHART.left > 90 ? 'end' : 'start')}${after}`;
  })}</g>`;
}

function pill(kind: string, x: number, y: number, text: string, anchor: 'start' | 'end'): Markup {
  const width = 14 + text.length * 7;
  const left = anchor === 'end' ? x - width : x;
  return markup`<g class="pill ${kind}"><rect x="${round(left)}" y="${y - 10}" width="${width}" height="20" rx="4" /><text
      x="${round(left + width / 2)}"
      y="${y}"
      text-anchor="middle"
      dominant-baseline="central">${text}</text></g>`;
}

export function timeAxis(model: ReportModel, scale: Scale): Markup {
  const step = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200].find((each) => model.length / each <= 14) ?? 3600;
  const ticks = Array.from({ length: Math.floor(model.length / step) + 1 }, (_, index) => index * step);
  const { top } = ROWS.axis;
  return markup`<g><line class="axis" x1="${CHART.left}" x2="${CHART.right}" y1="${top}" y2="${top}" />
    ${ticks.map((tick) => markup`<line class="axis" x1="${scale.x(tick)}" x2="${scale.x(tick)}" y1="${top}" y2="${top + 5}" /><text class="tick" x="${scale.x(tick)}" y="${top + 20}" text-anchor="middle">${tick === 0 ? '0' : `${tick} s`}</text>`)}</g>`;
}

/** Two to five round values above zero, in 1-2-5 steps. */
export function niceTicks(peak: number): number[] {
  const rough = peak / 4;
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1)));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough) ?? power;
  return Array.from({ length: Math.floor(peak / step) + 1 }, (_, index) => index * step);
}
