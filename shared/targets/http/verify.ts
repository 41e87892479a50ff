/** A request with the key alone, as a consumer makes it. */
import type { SecretValue } from '../../stores/index.ts';
import type { Probe } from '../port.ts';
import { jsonOf, pick, textAt } from './answer.ts';
import type { HttpContext } from './context.ts';
import { networkFailure } from './network.ts';
import { render, tell, type Values } from './render.ts';
import { exchange, type HttpAnswer } from './request.ts';

type Answer = Pick<Probe, 'outcome' | 'detail'>;

const valuesOf = (value: SecretValue): Values =>
  new Map(
    Object.entries(value)
      .filter(([, each]) => each !== null && each !== '')
      .map(([field, each]) => [`value.${field}`, { text: String(each), told: `<${field}>` }]),
  );

export async function verify(context: HttpContext, value: SecretValue, endpoint: string): Promise<Probe> {
  const { config, gate, overlay } = context;
  const values = valuesOf(value);
  const id = String(value['keyId']);
  const request = render(config, config.verify, { headers: {}, basic: undefined }, values);
  return gate.run(
    { port: 'target', kind: 'login', text: tell(config, config.verify, values) },
    async () => ({ endpoint, ...(await context.probes.during(id, () => ask(context, request, id))) }),
    () => ({ endpoint, outcome: overlay.removed.has(id) ? 'refused' : 'accepted', detail: 'rehearsed, nothing was asked' }),
  );
}

async function ask(context: HttpContext, request: Parameters<typeof exchange>[0], id: string): Promise<Answer> {
  const connection = await context.connection();
  try {
    return judgeAnswer(context, await exchange(request, connection), id);
  } catch (error) {
    const failure = networkFailure(error);
    return { outcome: failure?.outcome ?? 'unreachable', detail: failure?.detail ?? 'the answer could not be read' };
  }
}

/** Only the answers that configuration lists say something of the key. Everything else is no answer, and never a refusal. */
function judgeAnswer({ config: { verify } }: HttpContext, answer: HttpAnswer, id: string): Answer {
  const detail = `status ${answer.status}`;
  if (verify.accepted.includes(answer.status)) return judgeBody(verify, jsonOf(answer), id, detail);
  if (verify.refused.includes(answer.status)) return { outcome: 'refused', detail };
  if (verify.forbidden.includes(answer.status)) return { outcome: 'forbidden', detail };
  if (verify.throttled.includes(answer.status)) return { outcome: 'throttled', detail };
  return { outcome: 'unreachable', detail: `${detail}, which says nothing of the key` };
}

function judgeBody(verify: HttpContext['config']['verify'], body: unknown, id: string, detail: string): Answer {
  if (verify.body !== undefined) {
    const found = pick(body, verify.body.at);
    const is = (each: unknown): boolean => each === found;
    if (verify.body.refused.some(is))
      return { outcome: 'refused', detail: `${detail}, and the answer says that the key is dead` };
    if (!verify.body.accepted.some(is))
      return { outcome: 'unreachable', detail: `${detail}, and the answer says nothing of the key` };
  }
  if (verify.id !== undefined && textAt(body, verify.id) !== id) {
    return { outcome: 'forbidden', detail: `${detail}, but the key’s id is not the keyId that stands beside it in the secret` };
  }
  return { outcome: 'accepted', detail };
}
