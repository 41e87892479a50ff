/**
 * What people can bear: the budget of a day for the medium band, and the breaker for a storm of any. An incident that is held is not lost: it is in the
 * digest of its day. Pure; days are of UTC and time is the events'.
 */
import type { AuditSettings } from '../settings.ts';
import { digestAlert, stormAlert } from './notice.ts';
import { freshLedger, type IncidentSlice, type Ledger, type Open } from './slot.ts';
import { bandOf } from '../settings.ts';

const DAY = 86_400_000;
const STORM = 600_000;
const WORST = 20;
const NOTICES = 8;

/** The ledger as of this time; the digest of a day that is over is among its notices. */
export function ledgerAt(slice: IncidentSlice, at: number, tenant: string): Ledger {
  const day = Math.floor(at / DAY);
  const ledger = (slice.ledger ??= freshLedger(day));
  if (day <= ledger.day) return ledger;
  if (ledger.heldCount > 0) tell(ledger, digestAlert(ledger, tenant));
  Object.assign(ledger, { day, budget: [], held: [], heldCount: 0 });
  return ledger;
}

/** Why an incident that would be told for the first time is not. What is told is counted, each incident once. */
export function permit(
  ledger: Ledger,
  { id, score }: Pick<Open, 'id' | 'score'>,
  at: number,
  { alerts, tenant }: Pick<AuditSettings, 'alerts' | 'tenant'>,
): 'budget' | 'storm' | undefined {
  if (ledger.recent.some(([, , told]) => told === id)) return undefined;
  const medium = bandOf(score) === 'medium';
  if (medium && !ledger.budget.includes(id) && ledger.budget.length >= alerts.budget) return 'budget';
  const recent = ledger.recent.filter(([time]) => Math.abs(at - time) < STORM);
  // In a storm only what is worse than all that was told gets through: noise does not hide it.
  if (recent.length >= alerts.storm && !recent.every(([, told]) => score > told)) {
    if (at >= ledger.storm) tell(ledger, stormAlert(recent, at, tenant));
    ledger.storm = Math.max(ledger.storm, at + STORM);
    return 'storm';
  }
  count(ledger, { id, score }, at);
  return undefined;
}

/** Enters an alert that was decided; a no-op when it is there. */
export function count(ledger: Ledger, { id, score }: Pick<Open, 'id' | 'score'>, at: number): void {
  if (ledger.recent.some(([, , told]) => told === id) || ledger.budget.includes(id)) return;
  if (bandOf(score) === 'medium' && Math.floor(at / DAY) === ledger.day) ledger.budget.push(id);
  const newest = Math.max(at, ...ledger.recent.map(([time]) => time));
  ledger.recent = [...ledger.recent, [at, score, id] as [number, number, string]].filter(([time]) => newest - time < STORM);
}

/** Enters an incident that is held, for the digest; the worst of a day are kept by name. */
export function hold(ledger: Ledger, id: string, why: string, score: number, title: string): void {
  const known = ledger.held.findIndex(([other]) => other === id);
  if (known === -1) ledger.heldCount += 1;
  else ledger.held.splice(known, 1);
  ledger.held.push([id, why, score, title]);
  ledger.held.sort((a, b) => b[2] - a[2] || (a[0] < b[0] ? -1 : 1));
  ledger.held.length = Math.min(ledger.held.length, WORST);
}

function tell(ledger: Ledger, notice: Ledger['notices'][number]): void {
  if (ledger.notices.some(({ id }) => id === notice.id)) return;
  ledger.notices.push(notice);
  if (ledger.notices.length > NOTICES) ledger.notices.shift();
}
