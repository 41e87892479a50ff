/** The report's tables: what each rotation did and how long each phase took, and the load second by second. */
import { PHASES, type Phase } from '../../../../shared/rotation/index.ts';
import { markup, type Markup } from './html.ts';
import type { ReportModel, TurnModel } from './model.ts';

export function rotationTable(model: ReportModel): Markup {
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="Rotations">
    <table>
      <caption hidden>
        Milliseconds to reach each phase
      </caption>
      <thead>
        <tr>
          <th class="text" scope="col">rotation</th>
          <th class="text" scope="col">to</th>
          ${PHASES.map((phase) => markup`<th scope="col">${phase}</th>`)}
          <th scope="col">total</th>
          <th class="text" scope="col">retired password</th>
        </tr>
      </thead>
      <tbody>
        ${model.turns.map((turn) => rotationRow(turn, model))}
      </tbody>
    </table>
  </div>`;
}

function rotationRow(turn: TurnModel, model: ReportModel): Markup {
  const hue = model.accounts.indexOf(turn.next) === 1 ? 'b' : 'a';
  const state = turn.closed ? undefined : markup` <small>not closed</small>`;
  return markup`<tr>
    <th class="text" scope="row">${turn.number}${state}</th>
    <td class="text"><span class="dot ${hue}"></span>${turn.next}</td>
    ${PHASES.map((phase) => phaseCell(turn, phase))}
    <td>${milliseconds((turn.to - turn.from) * 1000)}</td>
    <td class="text proof ${turn.refused ? '' : 'bad'}">${turn.proof}</td>
  </tr>`;
}

function phaseCell(turn: TurnModel, phase: Phase): Markup {
  const step = turn.steps.find((each) => each.phase === phase);
  if (!step) return markup`<td>–</td>`;
  return step.killed
    ? markup`<td class="killed">${milliseconds(step.took)}<small>killed</small></td>`
    : markup`<td>${milliseconds(step.took)}</td>`;
}

function milliseconds(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** The chart as numbers, for who cannot see it or wants to count. */
export function loadTable(model: ReportModel): Markup {
  const seconds = Array.from({ length: Math.ceil(model.length) }, (_, second) => {
    const points = model.points.filter(({ from }) => from >= second && from < second + 1);
    const rates = model.accounts.map((_name, index) =>
      Math.round(points.reduce((sum, { from, to, rates: each }) => sum + (each[index] ?? 0) * (to - from), 0)),
    );
    return { second, rates, failed: points.reduce((sum, { failed }) => sum + failed, 0) };
  });
  return markup`<details>
    <summary>The chart as a table</summary>
    <table>
      <thead>
        <tr>
          <th class="text" scope="col">second</th>
          ${model.accounts.map((account) => markup`<th scope="col">${account}</th>`)}
          <th scope="col">failed</th>
        </tr>
      </thead>
      <tbody>
        ${seconds.map(
          ({ second, rates, failed }) =>
            markup`<tr>
              <th class="text" scope="row">${second}</th>
              ${rates.map((rate) => markup`<td>${rate}</td>`)}
              <td>${failed}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </details>`;
}
