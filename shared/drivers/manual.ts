/** Manual invocation by HTTP: the same request and reply as `keywheel rotate` at the terminal, for who may. */
import { nearest, secretOf } from '../config/index.ts';
import { isKeywheelError, KeywheelError, type ErrorCode } from '../errors.ts';
import { combine, EXIT, exitCodeOf, outcomeOf, rehearsalRecord, type ExitCode } from '../reply/index.ts';
import type { Selection } from '../rotation/index.ts';
import { authenticate, type Caller } from './authenticate.ts';
import { rehearseSecret, rotateSecrets } from '../engine/index.ts';
import { eventLogger, seamsOf, tellResult, type Host } from './host.ts';

export interface ManualRequest {
  readonly method: string;
  /** The value of the Authorization header. */
  readonly authorization: string | undefined;
  readonly contentType: string | undefined;
  readonly body: string | undefined;
  /** Whom the platform itself has authenticated, and how; absent where it has not. Never taken from a header that a caller can send. */
  readonly caller?: Caller | undefined;
}

export interface ManualReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface Wanted {
  readonly names: readonly string[];
  readonly selection: Selection;
  readonly dryRun: boolean;
}

const MOST_BYTES = 16 * 1024;
/** Milliseconds that a request may wait for next steps; grace is left to the timer. */
const WAIT = 20_000;

/** Never throws. Who is not authenticated learns nothing: not whether a secret exists, nor what is wrong with the request. */
export async function manual(request: ManualRequest, host: Host): Promise<ManualReply> {
  try {
    const caller = await authenticate(request, host);
    if (request.method.toUpperCase() !== 'POST') {
      return {
        ...reply(405, failure(usage('only POST is answered', 'send the request as a POST with a JSON body'))),
        headers: { ...HEADERS, allow: 'POST' },
      };
    }
    const wanted = await wantedBy(request, host, caller);
    host.log.info('manual rotation asked for', {
      caller: caller.subject,
      names: wanted.names,
      mode: wanted.selection.mode,
      dryRun: wanted.dryRun,
    });
    return wanted.dryRun ? await rehearse(wanted, host) : await rotate(wanted, host);
  } catch (error) {
    const code = isKeywheelError(error) ? error.code : 'ERR_INTERNAL';
    host.log.warn('manual request refused or failed', { code, ...(isKeywheelError(error) ? { reason: error.message } : {}) });
    return reply(statusOf(code), failure(error));
  }
}

async function rotate({ names, selection }: Wanted, host: Host): Promise<ManualReply> {
  const { config, deps, env, signal, log } = host;
  const results = await rotateSecrets({
    config,
    names,
    selection,
    waitUpTo: WAIT,
    env,
    signal,
    deps,
    onEvent: eventLogger(log),
    ...seamsOf(host),
  });
  if (results === undefined) return reply(503, { interrupted: true, exitCode: EXIT.interrupted });
  for (const result of results) tellResult(host, result);
  const outcomes = results.map((result) => outcomeOf(result, selection.mode !== 'due', (at) => new Date(at).toISOString()));
  const code = combine(outcomes.map((outcome) => outcome.code));
  return reply(STATUS_OF_EXIT[code], {
    results,
    messages: outcomes.map(({ message, hint }) => (hint === undefined ? message : `${message} (${hint})`)),
    exitCode: code,
  });
}

async function rehearse({ names, selection }: Wanted, host: Host): Promise<ManualReply> {
  const { config, deps, env } = host;
  const rehearsals: object[] = [];
  const codes: ExitCode[] = [];
  for (const name of names) {
    const rehearsal = await rehearseSecret({ config, env, selection, deps }, name);
    if (rehearsal === undefined) {
      rehearsals.push({ secret: name, lines: [], status: 'idle' });
      continue;
    }
    const good = rehearsal.result.status === 'closed' && rehearsal.result.rotation?.outcome === 'rotated';
    codes.push(good ? EXIT.done : outcomeOf(rehearsal.result, selection.mode === 'named', String).code);
    rehearsals.push(rehearsalRecord(rehearsal));
  }
  const code = combine(codes);
  return reply(STATUS_OF_EXIT[code], { dryRun: true, rehearsals, exitCode: code });
}

const KEYS = ['names', 'due', 'resume', 'dryRun', 'reason'];

async function wantedBy({ body, contentType }: ManualRequest, { config }: Host, caller: Caller): Promise<Wanted> {
  if (contentType !== undefined && !/^application\/json\b/i.test(contentType))
    throw usage('the body is not JSON', 'send it with content-type: application/json');
  if (body !== undefined && Buffer.byteLength(body) > MOST_BYTES)
    throw usage(`the body is larger than ${MOST_BYTES} bytes`, 'name fewer secrets, or use "due"');
  const value = parsed(body);
  for (const key of Object.keys(value)) {
    if (KEYS.includes(key)) continue;
    const near = nearest(key, KEYS);
    throw usage(
      `unknown key ${JSON.stringify(key.slice(0, 64))}${near === undefined ? '' : `, did you mean ${JSON.stringify(near)}`}`,
      `a request has: ${KEYS.join(', ')}`,
    );
  }
  const flag = (key: string): boolean => {
    if (value[key] !== undefined && typeof value[key] !== 'boolean')
      throw usage(`${key} must be true or false`, 'leave it out for false');
    return value[key] === true;
  };
  const names: readonly unknown[] = Array.isArray(value['names'])
    ? value['names']
    : value['names'] === undefined
      ? []
      : [value['names']];
  if (!names.every((name) => typeof name === 'string'))
    throw usage('names must be a list of secret names', '{"names": ["app/db"]}');
  const { reason } = value;
  if (reason !== undefined && (typeof reason !== 'string' || reason.length > 256))
    throw usage('reason must be text of up to 256 characters', 'say why in a sentence');
  const [due, resume, dryRun] = [flag('due'), flag('resume'), flag('dryRun')];
  if (due && resume) throw usage('due and resume cannot be given together', 'due also goes on with open rotations');
  if (names.length === 0 && !due && !resume)
    throw usage('no secret is named', 'name the secrets, or use "due" for what the schedule asks for');
  for (const name of names) await secretOf(config, name);
  return {
    names: names.length === 0 ? Object.keys(config.secrets) : [...new Set(names)],
    selection: {
      mode: due ? 'due' : resume ? 'resume' : 'named',
      reason: `${reason ?? (due ? 'schedule' : 'asked for by HTTP')} (${caller.subject})`,
    },
    dryRun,
  };
}

function parsed(body: string | undefined): Readonly<Record<string, unknown>> {
  if (body === undefined || body.trim() === '')
    throw usage('the request has no body', 'send a JSON object such as {"names": ["app/db"], "dryRun": true}');
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Told below; the parser's own message would repeat a part of the body.
  }
  throw usage('the body is no JSON object', 'send a JSON object such as {"names": ["app/db"], "dryRun": true}');
}

const usage = (message: string, hint: string): KeywheelError => new KeywheelError('ERR_USAGE', message, { hint });

const STATUS_OF_EXIT: Readonly<Record<ExitCode, number>> = {
  [EXIT.done]: 200,
  [EXIT.failed]: 409,
  [EXIT.usage]: 400,
  [EXIT.permission]: 502,
  [EXIT.unreachable]: 503,
  [EXIT.partial]: 202,
  [EXIT.interrupted]: 503,
};

function statusOf(code: ErrorCode): number {
  if (code === 'ERR_REQUEST_UNAUTHENTICATED') return 401;
  if (code === 'ERR_REQUEST_FORBIDDEN') return 403;
  return code === 'ERR_INTERNAL' ? 500 : STATUS_OF_EXIT[exitCodeOf(code)];
}

function failure(error: unknown): object {
  if (!isKeywheelError(error)) {
    const message = 'an unexpected error; its text is withheld because it may hold material';
    return { error: { code: 'ERR_INTERNAL', message }, exitCode: EXIT.failed };
  }
  const { code, message, hint } = error;
  return { error: { code, message, ...(hint === undefined ? {} : { hint }) }, exitCode: exitCodeOf(code) };
}

const HEADERS = {
  'content-type': 'application/json; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
};

function reply(status: number, value: object): ManualReply {
  const challenge = status === 401 ? { 'www-authenticate': 'Bearer realm="keywheel"' } : {};
  return { status, headers: { ...HEADERS, ...challenge }, body: `${JSON.stringify({ schemaVersion: 1, ...value })}\n` };
}
