/**
 * Secrets Manager as it is documented, over moto as it is: a proxy that holds the rules which moto does not, and in which a test makes the service
 * slow, forgetful or unwell. Every path `/<account>` is an account of its own, empty at first. Other services pass through as they are.
 */
import { Agent, createServer, request as httpRequest } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

// What moto 5.2.5 does otherwise than the documentation says, and is held here:
// PutSecretValue: a token whose version has another value is ResourceExistsException; the same value changes nothing.
//   https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html (moto: overwrites while AWSPENDING)
// PutSecretValue that makes the first version of a secret attaches AWSCURRENT to it, whatever else it attaches (moto: only what is asked for).
// PutSecretValue with AWSCURRENT moves the label from whoever bears it (moto: from the version that PutSecretValue made current last).
// UpdateSecretVersionStage: all or nothing, and a label that is elsewhere must be named by RemoveFromVersionId.
//   https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html (moto: removes, then fails; bears it twice)
// At most 20 labels on a secret. https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html (moto: any number)
// DescribeSecret and ListSecretVersionIds leave out versions without a label, unless IncludeDeprecated (moto: tells them).
// CreatedDate of ListSecretVersionIds is when the version was made (moto: now).

export interface Fault {
  /** The operation that it meets, such as `GetSecretValue`. */
  readonly on: string;
  /** Only requests whose body holds this text. */
  readonly about?: string;
  /** How many requests it meets; one when absent. */
  times?: number;
  /** `before`: nothing happens. `after`: it happens, and the answer is lost or is this one. */
  readonly when: 'before' | 'after';
  /** The answer; a cut connection when absent. */
  readonly answer?: { readonly status: number; readonly type: string; readonly message?: string; readonly more?: object };
  /** Changes the answer instead. */
  readonly change?: (body: Record<string, unknown>) => void | Promise<unknown>;
}

export interface Account {
  readonly endpoint: string;
  /** In order; each is used up by the requests that it meets. */
  readonly faults: Fault[];
  /** As RotateSecret does before createSecret: AWSPENDING on a version that has no value. Secrets Manager only. */
  announce(secret: string, token: string): void;
  /** Every request since the account was opened: the operation and its body. */
  readonly requests: { readonly operation: string; readonly body: Record<string, unknown> }[];
}

export interface Vendor {
  account(): Account;
  close(): Promise<void>;
}

type Json = Record<string, unknown>;
interface Answer {
  status: number;
  body: Json;
}
interface Inside extends Account {
  readonly id: string;
  /** By secret and version: what was stored, and when. */
  readonly versions: Map<string, { text: unknown; date: number }>;
  /** Announced tokens by secret. */
  readonly announced: Map<string, string>;
  turn: Promise<unknown>;
}

export async function startVendor(moto: string): Promise<Vendor> {
  const accounts = new Map<string, Inside>();
  const agent = new Agent({ keepAlive: true });
  const server = createServer((request, response) => {
    void answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const account = accounts.get((request.url ?? '').split('/')[1] ?? '');
    if (account === undefined) return void response.writeHead(404).end();
    const target = String(request.headers['x-amz-target']);
    const operation = target.split('.')[1] ?? '';
    const body = JSON.parse((await textOf(request)) || '{}') as Json;
    account.requests.push({ operation, body });
    const fault = takeFault(account, operation, body);
    if (fault?.when === 'before') return send(response, fault.answer);
    const call = (name: string, sent: Json) => forward(account, target.replace(operation, name), sent, request);
    // One at a time, as the rules are held by more than one request to moto.
    const done = account.turn.then(() => hold(account, operation, body, call));
    account.turn = done.catch(() => undefined);
    const result = await done;
    if (fault !== undefined && fault.change === undefined) return send(response, fault.answer);
    await fault?.change?.(result.body);
    response.writeHead(result.status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(result.body));
  }

  async function forward(account: Inside, target: string, sent: Json, from: IncomingMessage): Promise<Answer> {
    const text = JSON.stringify(sent);
    const headers = {
      'content-type': from.headers['content-type'] ?? 'application/x-amz-json-1.1',
      'x-amz-target': target,
      'x-moto-account-id': account.id,
      authorization: from.headers.authorization ?? '',
      'content-length': Buffer.byteLength(text),
    };
    return new Promise((resolve, reject) => {
      const request = httpRequest(moto, { method: 'POST', headers, agent }, (response) => {
        textOf(response).then(
          (body) => resolve({ status: response.statusCode ?? 0, body: JSON.parse(body || '{}') as Json }),
          reject,
        );
      });
      request.on('error', reject).end(text);
    });
  }

  return {
    account() {
      const id = String(100_000_000_000 + accounts.size);
      const announced = new Map<string, string>();
      const made: Inside = {
        id,
        endpoint: `${base}/${id}`,
        faults: [],
        requests: [],
        versions: new Map(),
        announced,
        announce: (secret, token) => void announced.set(secret, token),
        turn: Promise.resolve(),
      };
      accounts.set(id, made);
      return made;
    },
    async close() {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

type Call = (operation: string, body: Json) => Promise<Answer>;

async function hold(account: Inside, operation: string, body: Json, call: Call): Promise<Answer> {
  const secret = String(body['SecretId'] ?? body['Name']);
  const key = (version: unknown) => `${secret} ${String(version)}`;
  const stagesOf = async () =>
    ((await call('DescribeSecret', { SecretId: secret })).body['VersionIdsToStages'] ?? {}) as Record<string, string[]>;
  const holderOf = async (label: unknown) =>
    Object.entries(await stagesOf()).find(([, labels]) => labels.includes(String(label)))?.[0];
  switch (operation) {
    case 'CreateSecret': {
      const made = await call(operation, body);
      if (made.status === 200)
        account.versions.set(key(made.body['VersionId']), { text: body['SecretString'], date: Date.now() / 1000 });
      return made;
    }
    case 'PutSecretValue': {
      const token = body['ClientRequestToken'];
      const known = account.versions.get(key(token));
      if (known !== undefined) {
        if (known.text !== body['SecretString'])
          return refusal('ResourceExistsException', 'the token is in use for another value');
        return { status: 200, body: { Name: secret, VersionId: token, VersionStages: (await stagesOf())[String(token)] ?? [] } };
      }
      const given = (body['VersionStages'] as string[] | undefined) ?? ['AWSCURRENT'];
      const first = Object.keys(await stagesOf()).length === 0 && !given.includes('AWSCURRENT');
      const wanted = first ? [...given, 'AWSCURRENT'] : given;
      const current = await holderOf('AWSCURRENT');
      const moves = wanted.includes('AWSCURRENT') && current !== undefined;
      const made = await call(operation, {
        ...body,
        VersionStages: moves ? [...wanted.filter((label) => label !== 'AWSCURRENT'), 'moto'] : wanted,
      });
      if (made.status !== 200) return made;
      if (wanted.includes('AWSPENDING')) account.announced.delete(secret);
      account.versions.set(key(token), { text: body['SecretString'], date: Date.now() / 1000 });
      if (moves) {
        const way = { SecretId: secret, MoveToVersionId: token, RemoveFromVersionId: current };
        await call('UpdateSecretVersionStage', { ...way, VersionStage: 'AWSCURRENT' });
        await call('UpdateSecretVersionStage', { SecretId: secret, RemoveFromVersionId: token, VersionStage: 'moto' });
      }
      return { ...made, body: { ...made.body, VersionStages: wanted } };
    }
    case 'UpdateSecretVersionStage': {
      const { VersionStage: label, MoveToVersionId: to, RemoveFromVersionId: from } = body as Record<string, string | undefined>;
      if (label === 'AWSPENDING' && account.announced.get(secret) === from) {
        account.announced.delete(secret);
        return to === undefined
          ? { status: 200, body: { Name: secret } }
          : call(operation, { ...body, RemoveFromVersionId: undefined });
      }
      const stages = await stagesOf();
      const holder = Object.entries(stages).find(([, labels]) => labels.includes(label ?? ''))?.[0];
      if (to !== undefined && stages[to] === undefined) return refusal('InvalidParameterException', 'no such version');
      if (from !== undefined && from !== holder) return refusal('InvalidParameterException', 'the label is not there');
      if (from === undefined && holder !== undefined && holder !== to)
        return refusal('InvalidParameterException', 'RemoveFromVersionId is missing');
      if (to !== undefined && holder === to) return { status: 200, body: { Name: secret } };
      if (holder === undefined && Object.values(stages).flat().length >= 20)
        return refusal('LimitExceededException', 'too many labels');
      return call(operation, body);
    }
    case 'DescribeSecret': {
      const said = await call(operation, body);
      const stages = Object.entries((said.body['VersionIdsToStages'] ?? {}) as Record<string, string[]>);
      const token = account.announced.get(secret);
      if (token !== undefined) stages.push([token, ['AWSPENDING']]);
      if (said.status === 200)
        said.body['VersionIdsToStages'] = Object.fromEntries(stages.filter(([, labels]) => labels.length > 0));
      return said;
    }
    case 'ListSecretVersionIds': {
      const said = await call(operation, body);
      const all = (said.body['Versions'] ?? []) as { VersionId: string; VersionStages: string[]; CreatedDate: number }[];
      for (const one of all) one.CreatedDate = account.versions.get(key(one.VersionId))?.date ?? one.CreatedDate;
      said.body['Versions'] = all.filter(({ VersionStages }) => body['IncludeDeprecated'] === true || VersionStages.length > 0);
      return said;
    }
    case 'GetSecretValue': {
      const said = await call(operation, body);
      const date = account.versions.get(key(said.body['VersionId']))?.date;
      if (date !== undefined) said.body['CreatedDate'] = date;
      return said;
    }
    default:
      return call(operation, body);
  }
}

const refusal = (type: string, message: string): Answer => ({ status: 400, body: { __type: type, message } });

function takeFault(account: Inside, operation: string, body: Json): Fault | undefined {
  const index = account.faults.findIndex(
    ({ on, about }) => on === operation && (about === undefined || JSON.stringify(body).includes(about)),
  );
  const fault = account.faults[index];
  if (fault === undefined) return undefined;
  fault.times = (fault.times ?? 1) - 1;
  if (fault.times === 0) account.faults.splice(index, 1);
  return fault;
}

function send(response: ServerResponse, answer: Fault['answer']): void {
  if (answer === undefined) return void response.destroy();
  const body = JSON.stringify({ __type: answer.type, message: answer.message ?? 'as the test wants it', ...answer.more });
  response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.1' }).end(body);
}

async function textOf(stream: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
