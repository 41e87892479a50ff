/** The incidents of the HTML report, each with its reasons: what was observed against what was expected, and what it weighs. */
import { CATALOG } from '../../detectors/index.ts';
import type { Reason } from '../combine.ts';
import type { Incident } from '../incidents/port.ts';
import { cut, markup, shown, type Markup } from './escape.ts';
import { minute, without } from './text.ts';

/** So many are told in full; the rest are counted. */
const MOST = 200;
const OPEN = 3;
const REASONS = 12;
const NAMES = 20;

export function incidentList(incidents: readonly Incident[]): Markup {
  if (incidents.length === 0) return markup`<p class="note">None.</p>`;
  const rest = incidents.length - MOST;
  const more =
    rest > 0 ? markup`<p class="note">${rest} more, of lower scores, are left out here. --format json tells all.</p>` : undefined;
  return markup`${incidents.slice(0, MOST).map(incidentPart)}${more}`;
}

function incidentPart(incident: Incident, at: number): Markup {
  const { band, score, title, principal, reasons, attack } = incident;
  const opened = at < OPEN && score >= 40 ? markup` open` : undefined;
  const rest = reasons.length - REASONS;
  return markup`<details class="incident ${band}"${opened}>
<summary><span class="pill">${score}</span> <bdi>${shown(title, 300)}</bdi><span class="when">${period(incident)} UTC · ${counts(incident)}</span></summary>
<dl class="facts">
<dt>who</dt><dd><bdi>${shown(principal.name)}</bdi> (${principal.kind}) ${principal.id === principal.name ? undefined : markup`<code><bdi>${shown(principal.id)}</bdi></code>`}</dd>
<dt>where</dt><dd>${incident.source} <bdi>${shown(incident.account)}</bdi>${incident.network === undefined ? '' : `, ${shown(incident.network)}`}</dd>
<dt>secrets</dt><dd>${secretNames(incident)}</dd>
<dt>alert</dt><dd>${alertText(incident)}</dd>
<dt>events</dt><dd>${incident.sampleEvents.slice(0, 10).map((id) => markup`<code><bdi>${shown(id, 80)}</bdi></code> `)}</dd>
<dt>ATT&amp;CK</dt><dd>${attack.join(', ')}</dd>
</dl>
${reasons.slice(0, REASONS).map((reason) => reasonPart(incident, reason))}
${rest > 0 ? markup`<p class="note">and ${rest} weaker reasons</p>` : undefined}
</details>`;
}

const count = (n: number, one: string): string => `${n.toLocaleString('en-US')} ${one}${n === 1 ? '' : 's'}`;
const counts = ({ events, denied, secretCount }: Incident): string =>
  `${count(events, 'event')}, ${count(secretCount, 'secret')}${denied === 0 ? '' : `, ${denied.toLocaleString('en-US')} refused`}`;
const period = ({ firstEvent, lastEvent }: Incident): string =>
  firstEvent.time === lastEvent.time ? minute(firstEvent.time) : `${minute(firstEvent.time)} to ${minute(lastEvent.time)}`;

function secretNames({ secrets, secretCount }: Incident): Markup {
  if (secretCount === 0 && secrets.length === 0) return markup`none named`;
  const more = secretCount - Math.min(NAMES, secrets.length);
  return markup`${secrets.slice(0, NAMES).map((name, at) => markup`${at === 0 ? '' : ', '}<bdi>${shown(name, 120)}</bdi>`)}${more > 0 ? ` and ${more} more` : ''}`;
}

function alertText({ alertEvent, held }: Incident): Markup {
  if (alertEvent === null) return markup`not sent${held === undefined ? '' : `: ${held}`}`;
  return markup`at ${minute(alertEvent.time)} UTC, with <code><bdi>${shown(alertEvent.id, 80)}</bdi></code>${held === undefined ? '' : `; held: ${held}`}`;
}

function reasonPart(incident: Incident, reason: Reason): Markup {
  const { detector, bits, floor = 0, observed, expected } = reason;
  const { title, cap } = CATALOG[detector];
  const least = floor > 0 ? `, a score of at least ${floor}` : '';
  const two = comparison(observed, expected);
  const compared =
    two === undefined
      ? undefined
      : markup`<div class="versus">observed${bar('seen', two.observed, Math.max(two.observed, two.expected))}expected${bar('usual', two.expected, Math.max(two.observed, two.expected))}</div>`;
  return markup`<div class="reason"><div><b>${title} <small>${detector}</small></b><p><bdi>${shown(observed)}</bdi></p><p class="expected">expected: <bdi>${shown(expected)}</bdi></p></div>
<div class="bars">${bits.toFixed(1)} bits of surprise${least}; ${without(incident, reason)} without it${bar('bits', bits, Math.max(cap, bits))}${compared}</div></div>`;
}

const bar = (kind: string, value: number, most: number): Markup =>
  markup`<svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect class="${kind}" width="${most <= 0 ? 0 : Math.max(0.5, Math.round((value / most) * 1000) / 10)}" height="8"/></svg>`;

const LEADING = /^(?:(?:at most|up to|about|usually|fewer than) )?(\d+(?:,\d{3})*(?:\.\d+)?)(?![^\s;,]|,\S)(?: ([a-z]+))?/i;

/** Two numbers that tell the same: both lead their texts, and count the same thing where both say what. */
export function comparison(
  observed: string,
  expected: string,
): { readonly observed: number; readonly expected: number } | undefined {
  const [, one, unit] = LEADING.exec(cut(observed, 80)) ?? [];
  const [, other, otherUnit] = LEADING.exec(cut(expected, 80)) ?? [];
  if (one === undefined || other === undefined) return undefined;
  const singular = (word: string | undefined): string | undefined => word?.toLowerCase().replace(/s$/, '');
  if (unit !== undefined && otherUnit !== undefined && singular(unit) !== singular(otherUnit)) return undefined;
  return { observed: Number(one.replaceAll(',', '')), expected: Number(other.replaceAll(',', '')) };
}
