/** Who has taken an incident, in the State: the incidents and the channels both look there. */
import type { State } from '../state/index.ts';
import type { Acknowledgement } from './port.ts';

/** Milliseconds for which an acknowledged incident is not told of again, unless it becomes worse. */
const ACKNOWLEDGED_FOR = 24 * 3_600_000;

const keyOf = (incident: string): string => `audit/ack/${incident}`;

/** Undefined when nobody has, or when it has run out. */
export async function acknowledgementOf(
  state: Pick<State, 'get'>,
  incident: string,
  now: number,
): Promise<Acknowledgement | undefined> {
  const found = (await state.get<Acknowledgement>(keyOf(incident)))?.value;
  return found !== undefined && found.until > now ? found : undefined;
}

/** The last who presses counts. Returns what is now recorded, and whether this call recorded it: a press that is delivered twice is one. */
export async function acknowledge(
  state: Pick<State, 'get' | 'put'>,
  incident: string,
  { by, at }: Pick<Acknowledgement, 'by' | 'at'>,
): Promise<{ readonly acknowledgement: Acknowledgement; readonly recorded: boolean }> {
  const stored = await state.get<Acknowledgement>(keyOf(incident));
  const found = stored?.value;
  if (found !== undefined && found.by === by && found.at >= at) return { acknowledgement: found, recorded: false };
  const acknowledgement: Acknowledgement = { by, at, until: at + ACKNOWLEDGED_FOR };
  await state.put({
    key: keyOf(incident),
    value: acknowledgement,
    expected: stored?.revision ?? null,
    ttl: ACKNOWLEDGED_FOR + 86_400_000,
  });
  return { acknowledgement, recorded: true };
}
