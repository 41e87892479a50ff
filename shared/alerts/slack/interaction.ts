/** What a press of a button sends. Pure. https://docs.slack.dev/reference/interaction-payloads/block_actions-payload */
import { ACK_ACTION } from './blocks.ts';

export interface Interaction {
  /** The incident that is acknowledged. */
  readonly incident: string;
  /** Slack's id of who pressed. */
  readonly by: string;
}

/** Undefined for every interaction but a press of our button. The body is form-encoded, with JSON in its field `payload`. */
export function interactionOf(body: string): Interaction | undefined {
  const payload = record(parsed(new URLSearchParams(body).get('payload')));
  if (payload['type'] !== 'block_actions' || !Array.isArray(payload['actions'])) return undefined;
  const by = record(payload['user'])['id'];
  if (typeof by !== 'string' || !/^[UW][A-Z0-9]{2,20}$/.test(by)) return undefined;
  for (const action of payload['actions'].map(record)) {
    const { action_id: id, value } = action;
    if (id === ACK_ACTION && typeof value === 'string' && /^[0-9a-f]{16}$/.test(value)) return { incident: value, by };
  }
  return undefined;
}

function parsed(text: string | null): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
