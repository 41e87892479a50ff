/** The timeline chart: load, failures, labels and rotations on one axis of time, as inline SVG that needs no script. */
import { markup, type Markup } from './html.ts';
import { CHART, ROWS, round, type Scale } from './layout.ts';
import type { ReportModel } from './model.ts';
import { failedTrack, flags, labelTrack, loadTrack, markers, rotationTrack, timeAxis } from './tracks.ts';

export function renderChart(model: ReportModel, description: string): Markup {
  const scale: Scale = {
    x: (second) => round(CHART.left + (Math.min(Math.max(second, 0), model.length) / model.length) * (CHART.right - CHART.left)),
  };
  return markup`<svg
    id="chart"
    viewBox="0 0 ${CHART.width} ${CHART.height}"
    role="img"
    aria-labelledby="chart-title chart-description"
  >
    <title id="chart-title">Queries per second by account while the password was rotated</title>
    <desc id="chart-description">${description}</desc>
    <defs>
      <pattern id="dead" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <rect width="6" height="6" class="dead-ground" />
        <line x1="0" y1="0" x2="0" y2="6" class="dead-line" />
      </pattern>
    </defs>
    ${rotationBands(model, scale)} ${loadTrack(model, scale)} ${failedTrack(model, scale)} ${markers(model, scale)}
    ${labelTrack('current', model, scale)} ${labelTrack('previous', model, scale)} ${labelTrack('pending', model, scale)}
    ${rotationTrack(model, scale)} ${flags(model, scale)} ${timeAxis(model, scale)}
    <g id="cross" visibility="hidden"><line y1="${ROWS.load.top}" y2="${ROWS.axis.top}" class="cross" /></g>
  </svg>`;
}

/** A quiet ground behind each rotation, with its number on top, so that the eye connects the tracks. */
function rotationBands(model: ReportModel, scale: Scale): Markup {
  return markup`${model.turns.map((turn) => {
    const [from, to] = [scale.x(turn.from), scale.x(turn.to)];
    const middle = round((from + to) / 2);
    return markup`<rect
        class="band"
        x="${from}"
        y="${ROWS.load.top - 14}"
        width="${round(Math.max(2, to - from))}"
        height="${ROWS.axis.top - ROWS.load.top + 8}"
        rx="6"
      />
      <text class="band-name" x="${middle}" y="${ROWS.load.top - 22}" text-anchor="middle">${to - from > 74 ? `rotation ${turn.number}` : String(turn.number)}</text>`;
  })}`;
}
