/**
 * Events of several inputs in the order of their time. Each input is in order but for some minutes; together they are merged by how far each has
 * been read. What fits into the buffer is sorted as a whole, so that small inputs may be in any order.
 */
import type { AuditEvent } from '../../../shared/audit/index.ts';
import type { Input } from './input.ts';

const BUFFER = 50_000;

const byTime = (a: AuditEvent, b: AuditEvent): number => a.time - b.time || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

/** Batches, each in order, and none before the one that came before it as long as no input is later than it says. */
export async function* merged(inputs: readonly Input[], buffer = BUFFER): AsyncGenerator<AuditEvent[]> {
  let pool: AuditEvent[] = [];
  let open = [...inputs];
  let full = buffer;
  while (open.length > 0) {
    const behind = open.reduce((least, input) => (input.frontier() < least.frontier() ? input : least));
    const events = await behind.next();
    if (events.length === 0) open = open.filter((input) => input !== behind);
    // Not `push(...)`: a spread puts each event on the stack.
    for (const event of events) pool.push(event);
    if (pool.length < full) continue;
    const safe = Math.min(...open.map((input) => input.frontier()));
    const ready = pool.filter(({ time }) => time < safe);
    pool = pool.filter(({ time }) => time >= safe);
    // Where most of it must wait, the next look comes after as much again.
    full = Math.max(buffer, pool.length + buffer / 2);
    if (ready.length > 0) yield ready.sort(byTime);
  }
  if (pool.length > 0) yield pool.sort(byTime);
}
