/** Timers: what the schedule asks for, and every wait that has passed. */
import { KeywheelError } from '../errors.ts';
import type { AdvanceResult } from '../rotation/index.ts';
import { rotateSecrets } from '../engine/index.ts';
import { eventLogger, seamsOf, tellResult, type Host } from './host.ts';
import { SHORT_WAIT } from './one.ts';

/**
 * Advances what is due among `names` (default: every secret). Each secret is for itself: what fails is in its own result and is tried again by a later tick.
 * Throws only when nothing could be looked at, or when the host's time was up.
 */
export async function tick(
  host: Host,
  names: readonly string[] = Object.keys(host.config.secrets),
): Promise<readonly AdvanceResult[]> {
  const { config, deps, env, signal, log } = host;
  const results = await rotateSecrets({
    config,
    names,
    selection: { mode: 'due', reason: 'schedule' },
    waitUpTo: SHORT_WAIT,
    env,
    signal,
    deps,
    onEvent: eventLogger(log),
    ...seamsOf(host),
  });
  if (results === undefined) {
    throw new KeywheelError('ERR_TIMEOUT', 'the function’s time was up before every due secret was looked at', {
      hint: 'the journal holds what was done, and the next run goes on; raise the timeout of the function if it comes again',
      retryable: true,
    });
  }
  for (const result of results) tellResult(host, result);
  return results;
}

/** What must be delivered again: it failed, and no open rotation and no later tick takes care of it by itself. */
function needsRedelivery({ status, resumeAt }: AdvanceResult): boolean {
  return status === 'failed' && resumeAt === undefined;
}

export interface BatchMessage {
  readonly id: string;
  /** `{"secret": "NAME"}`, or `{}` for every secret. */
  readonly body: string;
}

/** One message after the other; the ids of those that must come again. A message that nobody can read comes again too, so that it ends in the dead-letter queue. */
export async function tickBatch(host: Host, messages: readonly BatchMessage[]): Promise<string[]> {
  const again: string[] = [];
  for (const { id, body } of messages) {
    try {
      const results = await tick(host, namesIn(body, host));
      if (results.some(needsRedelivery)) again.push(id);
    } catch (error) {
      const told = error instanceof KeywheelError ? { code: error.code, reason: error.message } : { code: 'ERR_INTERNAL' };
      host.log.error('a message could not be worked on', { messageId: id, ...told });
      again.push(id);
    }
  }
  return again;
}

function namesIn(body: string, host: Host): readonly string[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    value = undefined;
  }
  if (typeof value !== 'object' || value === null) {
    throw new KeywheelError('ERR_EVENT_INVALID', 'the message is no JSON object', {
      hint: 'send {"secret": "NAME"}, or {} for every secret',
    });
  }
  const { secret } = value as { secret?: unknown };
  if (secret === undefined) return undefined;
  if (typeof secret === 'string' && Object.hasOwn(host.config.secrets, secret)) return [secret];
  throw new KeywheelError('ERR_EVENT_INVALID', 'the message names a secret that keywheel.yaml does not have', {
    hint: 'add it to secrets in keywheel.yaml and deploy again',
  });
}
