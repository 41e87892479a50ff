import type { HttpTargetConfig } from '../../config/index.ts';
import type { Clock, Gate } from '../../deps.ts';
import { exchangeError, statusError } from './answer.ts';
import type { Item } from './list.ts';
import type { OwnProbes } from './own-probes.ts';
import type { Values } from './render.ts';
import { exchange, type Connection, type HttpAnswer, type HttpRequest } from './request.ts';

export interface HttpContext {
  readonly config: HttpTargetConfig;
  readonly clock: Clock;
  readonly gate: Gate;
  readonly probes: OwnProbes;
  /** What a rehearsal would have changed. */
  readonly overlay: { readonly made: Item[]; readonly removed: Set<string> };
  /** Read at each use, so that the admin token's own rotation needs no restart. */
  adminValues(): Promise<Values>;
  connection(): Promise<Connection>;
}

/** One request with the admin token. Any status but the expected ones is an error. */
export async function send(
  context: HttpContext,
  what: string,
  request: HttpRequest,
  expected: readonly number[],
): Promise<HttpAnswer> {
  const connection = await context.connection();
  let answer: HttpAnswer;
  try {
    answer = await exchange(request, connection);
  } catch (error) {
    throw exchangeError(what, error);
  }
  if (!expected.includes(answer.status)) throw statusError(what, answer);
  return answer;
}
