/** Where a trail was read to is in the State (`audit/cursor/NAME`), so that the next run goes on there. */
import { isKeywheelError } from '../errors.ts';
import type { State } from '../state/index.ts';
import type { Page, Trail } from './port.ts';

interface Cursor {
  /** Milliseconds since the epoch. */
  readonly until: number;
}

export interface Pulling {
  readonly state: Pick<State, 'get' | 'put'>;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Milliseconds that are read when the trail was never read before. */
  readonly first: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Gives each page to `take`, and moves the cursor behind it when that is done. What may have come late is read again; whoever scores knows what it has
 * seen. Returns how many records there were. ERR_TRAIL and ERR_STATE codes; what `take` throws ends it, with the cursor before that page.
 */
export async function pull(
  trail: Trail,
  { state, now, first, signal }: Pulling,
  take: (page: Page) => Promise<void>,
): Promise<number> {
  const key = `audit/cursor/${trail.name}`;
  let stored = await state.get<Cursor>(key);
  const from = stored === undefined ? now - first : stored.value.until - trail.late;
  let records = 0;
  for await (const page of trail.pages({ since: Math.max(from, now - trail.kept), signal })) {
    await take(page);
    records += page.records.length;
    if (stored !== undefined && stored.value.until >= page.until) continue;
    const value: Cursor = { until: page.until };
    try {
      const revision = await state.put({ key, value, expected: stored?.revision ?? null });
      stored = { key, value, revision };
    } catch (error) {
      // Another run reads the same: it is as far, or further.
      if (!isKeywheelError(error, 'ERR_STATE_CONFLICT')) throw error;
      stored = await state.get<Cursor>(key);
    }
  }
  return records;
}
