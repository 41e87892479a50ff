/** The report's charts, as SVG without a script: events and incidents over time, and the hours of the week. */
import type { Incident } from '../incidents/port.ts';
import type { ReportData } from './data.ts';
import { markup, shown, type Markup } from './escape.ts';
import { minute } from './text.ts';

const WIDTH = 1120;
const LEFT = 64;
const LANES = ['critical', 'high', 'medium', 'low'] as const;
const LANE = 16;
const TOP = LANES.length * LANE + 14;
const HEIGHT = 130;
/** Steps that people count in; the first that gives no more than so many ticks. */
const MINUTE = 60_000;
const DAY = 1440 * MINUTE;
const STEPS = [5, 15, 30, 60, 180, 360, 720].map((minutes) => minutes * MINUTE);
const TICKS = 10;
/** Of the drawn incidents; all of them are listed below. */
const MARKS = 300;

const round = (value: number): number => Math.round(value * 10) / 10;

export function timelineChart({ timeline, step, incidents, span }: ReportData): Markup {
  const [first] = timeline;
  if (first === undefined || span === undefined) return markup`<p class="note">There were no events.</p>`;
  const from = first.from;
  const length = timeline.length * step;
  const x = (time: number): number => round(LEFT + (Math.min(Math.max(time - from, 0), length) / length) * (WIDTH - LEFT));
  const most = Math.max(...timeline.map(({ events }) => events));
  // A burst must not flatten a quiet day to nothing: heights are square roots.
  const height = (events: number): number => round(Math.sqrt(events / most) * HEIGHT);
  const wide = round(Math.max(1, (WIDTH - LEFT) / timeline.length - 1));
  const bottom = TOP + HEIGHT;
  const bars = timeline.map((bucket) => {
    if (bucket.events === 0) return undefined;
    const all = height(bucket.events);
    const odd = bucket.unusual === 0 ? 0 : Math.max(2, height(bucket.unusual));
    const text = `${minute(bucket.from)}: ${bucket.events} events, ${bucket.unusual} unusual`;
    const strange =
      odd === 0
        ? undefined
        : markup`<rect class="odd" x="${x(bucket.from)}" y="${round(bottom - odd)}" width="${wide}" height="${odd}"/>`;
    return markup`<g><title>${text}</title><rect class="calm" x="${x(bucket.from)}" y="${round(bottom - all)}" width="${wide}" height="${all}"/>${strange}</g>`;
  });
  const lanes = LANES.map((lane, at) => {
    const y = at * LANE + 8;
    return markup`<line class="grid" x1="${LEFT}" y1="${y}" x2="${WIDTH}" y2="${y}"/><text class="tick" x="0" y="${y + 4}">${lane}</text>`;
  });
  const label = `${incidents.length} incidents and ${timeline.length} bars of events, from ${minute(span.from)} to ${minute(span.to)} UTC`;
  return markup`<figure><div class="scroll" tabindex="0" role="region" aria-label="Timeline">
<svg class="chart" viewBox="0 0 ${WIDTH} ${bottom + 24}" role="img" aria-label="${label}">
${timeTicks(from, length, x, bottom)}${lanes}<text class="tick" x="0" y="${TOP + 4}">${most.toLocaleString('en-US')}</text>
<line class="grid" x1="${LEFT}" y1="${TOP}" x2="${WIDTH}" y2="${TOP}"/><line class="axis" x1="${LEFT}" y1="${bottom}" x2="${WIDTH}" y2="${bottom}"/>${bars}${incidents.slice(0, MARKS).map((one) => incidentMark(one, x))}
</svg></div>
<figcaption><span><i class="chip calm"></i>events, in bars of ${stepName(step)}</span><span><i class="chip odd"></i>of them unusual</span><span>times in UTC, heights as square roots</span></figcaption></figure>`;
}

/** Lines at whole hours or midnights: a clock's own marks, not fractions of what happened to be read. */
function timeTicks(from: number, length: number, x: (time: number) => number, bottom: number): readonly Markup[] {
  const step = STEPS.find((one) => length / one <= TICKS) ?? Math.ceil(length / DAY / TICKS) * DAY;
  const first = Math.ceil(from / step) * step;
  const times = Array.from({ length: Math.max(0, Math.floor((from + length - first) / step) + 1) }, (_, at) => first + at * step);
  return times.map((time) => {
    const text = minute(time);
    const at = x(time);
    // Near the edge a label would be cut: the mark stands alone there.
    const name = at < LEFT + 16 || at > WIDTH - 30 ? '' : time % DAY === 0 ? text.slice(5, 10) : text.slice(11, 16);
    return markup`<line class="grid" x1="${at}" y1="0" x2="${at}" y2="${bottom + 5}"/><text class="tick" x="${at}" y="${bottom + 19}" text-anchor="middle">${name}</text>`;
  });
}

function incidentMark({ band, title, firstEvent, lastEvent, score }: Incident, x: (time: number) => number): Markup {
  const lane = Math.max(0, LANES.indexOf(band === 'none' ? 'low' : band)) * LANE + 8;
  const begin = x(firstEvent.time);
  const end = x(lastEvent.time);
  const line = end - begin < 1 ? undefined : markup`<line class="span" x1="${begin}" y1="${lane}" x2="${end}" y2="${lane}"/>`;
  return markup`<g class="${band}"><title>${score}: ${shown(title)}, ${minute(firstEvent.time)}</title>${line}<circle class="dot" cx="${begin}" cy="${lane}" r="5"/></g>`;
}

function stepName(step: number): string {
  const minutes = step / 60_000;
  if (minutes < 180) return minutes === 1 ? 'a minute' : `${minutes} minutes`;
  return `${round(minutes / 60)} hours`;
}

const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
const CELL = 24;
const WIDE = 42;
const SIDE = 92;
const LEGEND = [0.1, 0.4, 0.7, 1];

/** Between linear, where a burst fades the rest, and the square root, where all looks the same. */
const opacity = (part: number): number => Math.round((0.06 + 0.9 * part ** 0.75) * 100) / 100;

export function heatMap({ hours, unusualHours, timeZone }: ReportData): Markup {
  const most = Math.max(1, ...hours);
  const cells = hours.map((events, at) => {
    const day = Math.floor(at / 24);
    const shade = events === 0 ? markup` class="cell empty"` : markup` class="cell" fill-opacity="${opacity(events / most)}"`;
    const left = SIDE + (at % 24) * WIDE;
    const odd = unusualHours[at] ?? 0;
    const text = `${DAYS[day] ?? ''} ${at % 24}:00: ${events} events${odd === 0 ? '' : `, ${odd} unusual`}`;
    const ring =
      odd === 0
        ? undefined
        : markup`<rect class="ring" x="${left + 3}" y="${day * CELL + 3}" width="${WIDE - 6}" height="${CELL - 6}" rx="3"/>`;
    return markup`<g><title>${text}</title><rect${shade} x="${left + 1}" y="${day * CELL + 1}" width="${WIDE - 2}" height="${CELL - 2}" rx="4"/>${ring}</g>`;
  });
  const days = DAYS.map((day, at) => markup`<text class="tick" x="0" y="${at * CELL + 17}">${day}</text>`);
  const ticks = [0, 3, 6, 9, 12, 15, 18, 21].map(
    (hour) => markup`<text class="tick" x="${SIDE + hour * WIDE + 2}" y="${7 * CELL + 16}">${hour}</text>`,
  );
  return markup`<figure><div class="scroll" tabindex="0" role="region" aria-label="Hours of the week">
<svg class="chart" viewBox="0 0 ${SIDE + 24 * WIDE} ${7 * CELL + 22}" role="img" aria-label="Events by hour and day of the week">${days}${cells}${ticks}</svg></div>
<figcaption><span>fewer <svg class="legend" viewBox="0 0 ${LEGEND.length * 15} 12" aria-hidden="true">${LEGEND.map((part, at) => markup`<rect class="cell" fill-opacity="${opacity(part)}" x="${at * 15}" width="13" height="12" rx="3"/>`)}</svg> more events, ${most.toLocaleString('en-US')} at most</span><span><i class="chip ring"></i>unusual ones among them</span><span>${timeZone}</span></figcaption></figure>`;
}
