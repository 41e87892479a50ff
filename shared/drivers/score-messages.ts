/**
 * Event Hubs: the platform goes on behind a batch whatever becomes of it, so nothing may be left to its delivering again. What fails for good is given back,
 * to be put aside.
 */
import { isKeywheelError } from '../errors.ts';
import type { Host } from './host.ts';
import { scoreBatch, type Delivery, type Unscored } from './score.ts';

/**
 * @param messages one or many, as the binding gives them: parsed JSON, text or bytes
 * @param last true when the platform tries no more: what fails then is given back instead of thrown
 */
export async function scoreMessages(
  host: Host,
  messages: unknown,
  { last }: { readonly last: boolean },
): Promise<readonly Unscored[]> {
  const many: readonly unknown[] = Array.isArray(messages) ? messages : [messages];
  const deliveries = many.map((payload, index): Delivery => ({ id: `message ${index + 1}`, payload }));
  try {
    return await scoreBatch(host, deliveries);
  } catch (error) {
    if (!last) throw error;
    const known = isKeywheelError(error);
    const code = known ? error.code : 'ERR_INTERNAL';
    const reason = known ? error.message : 'an unexpected error; its text is withheld because it may hold material';
    host.log.error('a batch could not be scored and is put aside', { code, reason, deliveries: deliveries.length });
    return deliveries.map(({ id, payload }) => ({ id, code, reason, retryable: true, payload }));
  }
}

/** What is put aside, as one JSON text: the records as they came, so that `keywheel score` can read them later. */
export function putAside(unscored: readonly Unscored[]): string {
  const text = (payload: unknown): unknown => (payload instanceof Uint8Array ? Buffer.from(payload).toString('base64') : payload);
  return JSON.stringify(unscored.map(({ id, code, reason, payload }) => ({ id, code, reason, payload: text(payload) })));
}
