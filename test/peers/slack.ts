/**
 * The part of Slack's Web API that alerts need, as it is documented: tokens, channels, threads, the limits of Block Kit, the rate limit. It answers as
 * Slack does, with status 200 and `ok: false`, and 429 with Retry-After. https://docs.slack.dev/reference/methods/chat.postMessage
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { serve } from '../alerts/serve.ts';

type Json = Readonly<Record<string, unknown>>;

export interface SlackMessage {
  readonly channel: string;
  readonly ts: string;
  readonly thread: string | undefined;
  readonly text: string;
  readonly blocks: readonly Json[];
  /** Everything that was sent, as it was. */
  readonly sent: Json;
  readonly edits: number;
}

export interface SlackServer {
  /** For a channel's `endpoint`. */
  readonly endpoint: string;
  readonly messages: SlackMessage[];
  /** `method: ok` or `method: error`, in order. */
  readonly calls: string[];
  /** The next calls get these instead of an answer; `slow` is never answered, `cut` after it happened. */
  readonly faults: (number | 'slow' | 'cut' | { readonly error: string } | { readonly retryAfter: number })[];
  close(): Promise<void>;
}

export interface SlackOptions {
  readonly token: string;
  readonly channels: readonly string[];
}

export async function startSlack({ token, channels }: SlackOptions): Promise<SlackServer> {
  const messages: (SlackMessage & { edits: number })[] = [];
  const calls: string[] = [];
  const faults: SlackServer['faults'] = [];
  let count = 0;

  const perform = (method: string, given: Json, authorization: string | undefined): Json => {
    if (authorization === undefined) return { ok: false, error: 'not_authed' };
    if (authorization !== `Bearer ${token}`) return { ok: false, error: 'invalid_auth' };
    const { channel, text, thread_ts: thread } = given;
    if (typeof channel !== 'string' || !channels.includes(channel)) return { ok: false, error: 'channel_not_found' };
    const blocks = (typeof given['blocks'] === 'string' ? JSON.parse(given['blocks']) : (given['blocks'] ?? [])) as Json[];
    const problem = problemOf(text, blocks);
    if (problem !== undefined) return { ok: false, error: problem.error, response_metadata: { messages: [problem.why] } };
    if (method === 'chat.update') {
      const found = messages.findIndex((each) => each.ts === given['ts'] && each.channel === channel);
      const old = messages[found];
      if (old === undefined) return { ok: false, error: 'message_not_found' };
      messages[found] = { ...old, text: text as string, blocks, sent: given, edits: old.edits + 1 };
      return { ok: true, channel, ts: old.ts, text };
    }
    if (thread !== undefined && !messages.some((each) => each.ts === thread)) return { ok: false, error: 'thread_not_found' };
    count += 1;
    const ts = `1795402800.${String(count).padStart(6, '0')}`;
    messages.push({ channel, ts, thread: thread as string | undefined, text: text as string, blocks, sent: given, edits: 0 });
    return { ok: true, channel, ts, message: { text, ts } };
  };

  const answer = (request: IncomingMessage, response: ServerResponse, body: string): void => {
    const method = (request.url ?? '').replace(/^\/api\//, '');
    const say = (status: number, json: Json, headers: Record<string, string> = {}): void => {
      calls.push(`${method}: ${json['ok'] === true ? 'ok' : typeof json['error'] === 'string' ? json['error'] : status}`);
      response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers });
      response.end(JSON.stringify(json));
    };
    const fault = faults.shift();
    if (fault === 'slow') return;
    if (typeof fault === 'number') return say(fault, { error: String(fault) });
    if (typeof fault === 'object' && 'retryAfter' in fault) {
      return say(429, { ok: false, error: 'ratelimited' }, { 'retry-after': String(fault.retryAfter) });
    }
    if (typeof fault === 'object') return say(200, { ok: false, error: fault.error });
    if (method !== 'chat.postMessage' && method !== 'chat.update') return say(200, { ok: false, error: 'unknown_method' });
    const given = Object.fromEntries(new URLSearchParams(body));
    const result = perform(method, given, request.headers.authorization);
    if (fault === 'cut') {
      calls.push(`${method}: cut`);
      return void request.socket.destroy();
    }
    say(200, result);
  };

  const server = await serve((request, response, body) => answer(request, response, body.toString()));
  return {
    endpoint: `${server.url}/api/`,
    messages,
    calls,
    faults,
    close: () => server.close(),
  };
}

interface Problem {
  readonly error: string;
  readonly why: string;
}

/** https://docs.slack.dev/reference/block-kit/blocks, and what the service is known to refuse beyond it: blocks of some 13,000 characters in all. */
function problemOf(text: unknown, blocks: readonly Json[]): Problem | undefined {
  if (typeof text !== 'string' || (text === '' && blocks.length === 0)) return { error: 'no_text', why: 'no text' };
  if (text.length > 40_000) return { error: 'msg_too_long', why: 'text' };
  if (blocks.length > 50) return { error: 'invalid_blocks', why: 'more than 50 blocks' };
  if (JSON.stringify(blocks).length > 13_000) return { error: 'msg_blocks_too_long', why: 'more than 13,000 characters' };
  const ids = blocks.flatMap((block) => ('block_id' in block ? [block['block_id']] : []));
  if (new Set(ids).size < ids.length) return { error: 'invalid_blocks', why: 'a block_id twice' };
  for (const block of blocks) {
    const wrong = wrongWith(block);
    if (wrong !== undefined) return { error: 'invalid_blocks', why: wrong };
  }
  return undefined;
}

const KEYS: Readonly<Record<string, readonly string[]>> = {
  header: ['type', 'text', 'block_id'],
  section: ['type', 'text', 'fields', 'block_id', 'accessory', 'expand'],
  context: ['type', 'elements', 'block_id'],
  actions: ['type', 'elements', 'block_id'],
  button: ['type', 'text', 'action_id', 'value', 'style', 'url', 'confirm'],
};

function wrongWith(block: Json): string | undefined {
  const type = String(block['type']);
  const known = KEYS[type];
  if (known === undefined) return `block type ${type}`;
  const odd = Object.keys(block).find((key) => !known.includes(key));
  if (odd !== undefined) return `${type} has no ${odd}`;
  if (typeof block['block_id'] === 'string' && block['block_id'].length > 255) return 'block_id';
  const elements = (block['elements'] ?? []) as Json[];
  switch (type) {
    case 'header':
      return textProblem(block['text'], 150, 'plain_text');
    case 'section': {
      const fields = block['fields'] as Json[] | undefined;
      if (fields === undefined) return textProblem(block['text'], 3000);
      if (fields.length < 1 || fields.length > 10) return 'fields';
      return fields.map((field) => textProblem(field, 2000)).find((each) => each !== undefined);
    }
    case 'context':
      if (elements.length < 1 || elements.length > 10) return 'context elements';
      return elements.map((each) => textProblem(each, 3000)).find((each) => each !== undefined);
    case 'actions':
      if (elements.length < 1 || elements.length > 25) return 'actions elements';
      return elements.map(buttonProblem).find((each) => each !== undefined);
    default:
      return `block type ${type}`;
  }
}

function buttonProblem(button: Json): string | undefined {
  const { type, action_id: id, value } = button;
  if (type !== 'button') return 'an element that is no button';
  if (typeof id !== 'string' || id.length > 255) return 'action_id';
  if (typeof value !== 'string' || value.length > 2000) return 'value';
  return textProblem(button['text'], 75, 'plain_text');
}

function textProblem(value: unknown, most: number, only?: 'plain_text'): string | undefined {
  const { type, text, emoji, verbatim } = value as Json;
  if (type !== 'plain_text' && (type !== 'mrkdwn' || only !== undefined)) return `text of type ${String(type)}`;
  if (type === 'mrkdwn' && emoji !== undefined) return 'emoji in mrkdwn';
  if (type === 'plain_text' && verbatim !== undefined) return 'verbatim in plain_text';
  if (typeof text !== 'string' || text.length < 1 || text.length > most)
    return `text of ${String((text as string)?.length)}, at most ${most}`;
  return undefined;
}
