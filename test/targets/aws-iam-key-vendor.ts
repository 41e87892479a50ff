/**
 * A strict stand-in for IAM and STS as AWS documents them, where emulators are lenient: signatures are checked for every request, inactive keys are refused,
 * errors carry AWS's own codes, reads may lag writes, and answers can be lost. https://docs.aws.amazon.com/IAM/latest/APIReference/
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Key {
  readonly id: string;
  readonly secret: string;
  readonly createdAt: number;
  active: boolean;
  lastUse?: { at: number; service: string };
}

interface User {
  readonly name: string;
  keys: Key[];
  tags: Map<string, string>;
}

interface Seen {
  readonly at: number;
  readonly keys: readonly Key[];
  readonly tags: ReadonlyMap<string, string>;
}

class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message = code) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export interface Trouble {
  readonly action: string;
  /** A refusal, or a connection that ends without an answer. */
  readonly answer: { readonly status: number; readonly code: string; readonly message?: string } | 'hang-up';
  /** True: it takes effect before it is answered so. */
  readonly after?: boolean;
}

export interface AwsVendor {
  readonly endpoint: string;
  readonly admin: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly account: string;
  /** Actions that were asked for, oldest first. */
  readonly actions: readonly string[];
  addUser(name: string): User;
  addKey(user: User, ago?: number): Key;
  trouble(next: Trouble): void;
  /** Lists and tags are shown as they were at this time, until told otherwise. */
  showAsOf(time: number | undefined): void;
  /** Lets lists show what a test changed in `user`. */
  remember(user: User): void;
  /** What the next GetCallerIdentity calls say of a key, in place of the truth. */
  identity(...answers: ('accepted' | 'refused')[]): void;
  /** Runs before the next request with this action is answered. */
  before(action: string, hook: () => void | Promise<void>): void;
  close(): Promise<void>;
}

const ACCOUNT = '123456789012';
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const xml = (text: string): string => text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
const instant = (at: number): string => `${new Date(at).toISOString().slice(0, 19)}Z`;

/** Signature Version 4: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
function signatureOf(secret: string, incoming: IncomingMessage, body: string, scope: string, signed: string): string {
  const names = signed.split(';');
  const headers = names.map((name) => `${name}:${String(incoming.headers[name] ?? '').trim()}\n`).join('');
  const canonical = [incoming.method, '/', '', headers, signed, sha256(body)].join('\n');
  const [date = '', region = '', service = ''] = scope.split('/');
  const text = ['AWS4-HMAC-SHA256', incoming.headers['x-amz-date'], scope, sha256(canonical)].join('\n');
  return hmac(hmac(hmac(hmac(hmac(`AWS4${secret}`, date), region), service), 'aws4_request'), text).toString('hex');
}

export async function startAws(): Promise<AwsVendor> {
  const users = new Map<string, User>();
  const histories = new Map<string, Seen[]>();
  const actions: string[] = [];
  const hooks = new Map<string, () => void | Promise<void>>();
  const identities: ('accepted' | 'refused')[] = [];
  let trouble: Trouble | undefined;
  let asOf: number | undefined;

  const remember = (user: User, at = Date.now()): void => {
    const seen = { at, keys: user.keys.map((key) => ({ ...key })), tags: new Map(user.tags) };
    histories.set(user.name, [...(histories.get(user.name) ?? []), seen]);
  };
  const shown = (user: User): Seen => {
    const history = histories.get(user.name) ?? [];
    const found = history.findLast((each) => each.at <= (asOf ?? Date.now())) ?? history[0];
    return found ?? { at: 0, keys: [], tags: new Map() };
  };
  const addUser = (name: string): User => {
    const user: User = { name, keys: [], tags: new Map() };
    users.set(name, user);
    remember(user, 0);
    return user;
  };
  const addKey = (user: User, ago = 0): Key => {
    const id = `AKIA${randomBytes(10).toString('hex').toUpperCase().slice(0, 16)}`;
    const key: Key = { id, secret: randomBytes(30).toString('base64'), createdAt: Date.now() - ago, active: true };
    user.keys.push(key);
    remember(user, key.createdAt);
    return key;
  };

  const authenticate = (incoming: IncomingMessage, body: string): { user: User; key: Key; service: string } => {
    const [, id = '', scope = '', signed = '', signature = ''] =
      /^AWS4-HMAC-SHA256 Credential=([^/]+)\/([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
        incoming.headers.authorization ?? '',
      ) ?? [];
    const user = [...users.values()].find((each) => each.keys.some((key) => key.id === id));
    const key = user?.keys.find((each) => each.id === id);
    const service = scope.split('/')[2] ?? '';
    // An inactive key is answered as one that does not exist.
    if (user === undefined || key?.active !== true) throw new Refusal(403, 'InvalidClientTokenId');
    const right = signatureOf(key.secret, incoming, body, scope, signed);
    if (!timingSafeEqual(Buffer.from(right), Buffer.from(signature))) throw new Refusal(403, 'SignatureDoesNotMatch');
    return { user, key, service };
  };

  const act = (action: string, form: URLSearchParams, who: { user: User; key: Key; service: string }): string => {
    if (action === 'GetCallerIdentity') {
      const said = identities.shift();
      if (said === 'refused') throw new Refusal(403, 'InvalidClientTokenId');
      who.key.lastUse = { at: Date.now(), service: 'sts' };
      return `<Arn>arn:aws:iam::${ACCOUNT}:user/team/${who.user.name}</Arn><UserId>AIDA</UserId><Account>${ACCOUNT}</Account>`;
    }
    if (who.user.name !== 'keywheel-admin') throw new Refusal(403, 'AccessDenied');
    const keyId = form.get('AccessKeyId') ?? '';
    if (action === 'GetAccessKeyLastUsed') {
      const use = [...users.values()].flatMap((each) => each.keys).find((key) => key.id === keyId)?.lastUse;
      // Told to the minute.
      const date = use === undefined ? '' : `<LastUsedDate>${instant(Math.floor(use.at / 60_000) * 60_000)}</LastUsedDate>`;
      return `<AccessKeyLastUsed>${date}<ServiceName>${use?.service ?? 'N/A'}</ServiceName><Region>us-east-1</Region></AccessKeyLastUsed>`;
    }
    const name = form.get('UserName');
    // Without UserName, IAM would act on the caller: nothing that Keywheel ever wants.
    if (name === null) throw new Refusal(400, 'ValidationError', 'UserName is missing');
    const user = users.get(name);
    if (user === undefined) throw new Refusal(404, 'NoSuchEntity');
    const key = user.keys.find((each) => each.id === keyId);
    switch (action) {
      case 'GetUser':
        return `<User><Arn>arn:aws:iam::${ACCOUNT}:user/team/${name}</Arn><UserName>${name}</UserName></User>`;
      case 'ListAccessKeys': {
        const members = shown(user).keys.map(
          (each) =>
            `<member><UserName>${name}</UserName><AccessKeyId>${each.id}</AccessKeyId><Status>${each.active ? 'Active' : 'Inactive'}</Status><CreateDate>${instant(each.createdAt)}</CreateDate></member>`,
        );
        return `<AccessKeyMetadata>${members.join('')}</AccessKeyMetadata><IsTruncated>false</IsTruncated>`;
      }
      case 'ListUserTags': {
        // Two at a time, so that whoever forgets IsTruncated sees half.
        const from = Number(form.get('Marker') ?? 0);
        const all = [...shown(user).tags];
        const members = all
          .slice(from, from + 2)
          .map(([k, v]) => `<member><Key>${xml(k)}</Key><Value>${xml(v)}</Value></member>`);
        const more = from + 2 < all.length;
        return `<Tags>${members.join('')}</Tags><IsTruncated>${more}</IsTruncated>${more ? `<Marker>${from + 2}</Marker>` : ''}`;
      }
      case 'TagUser':
        for (let index = 1; form.has(`Tags.member.${index}.Key`); index += 1) {
          const [k = '', v = ''] = ['Key', 'Value'].map((part) => form.get(`Tags.member.${index}.${part}`) ?? '');
          if (!/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u.test(k) || !/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u.test(v)) {
            throw new Refusal(400, 'InvalidInput');
          }
          user.tags.set(k, v);
        }
        if (user.tags.size > 50) throw new Refusal(409, 'LimitExceeded');
        remember(user);
        return '';
      case 'UntagUser':
        for (let index = 1; form.has(`TagKeys.member.${index}`); index += 1)
          user.tags.delete(form.get(`TagKeys.member.${index}`) ?? '');
        remember(user);
        return '';
      case 'CreateAccessKey': {
        if (user.keys.length >= 2) throw new Refusal(409, 'LimitExceeded', 'Cannot exceed quota for AccessKeysPerUser: 2');
        const made = addKey(user);
        return `<AccessKey><UserName>${name}</UserName><AccessKeyId>${made.id}</AccessKeyId><Status>Active</Status><SecretAccessKey>${made.secret}</SecretAccessKey><CreateDate>${instant(made.createdAt)}</CreateDate></AccessKey>`;
      }
      case 'UpdateAccessKey':
        if (key === undefined) throw new Refusal(404, 'NoSuchEntity');
        key.active = form.get('Status') === 'Active';
        remember(user);
        return '';
      case 'DeleteAccessKey':
        if (key === undefined) throw new Refusal(404, 'NoSuchEntity');
        user.keys = user.keys.filter((each) => each !== key);
        remember(user);
        return '';
      default:
        throw new Refusal(400, 'InvalidAction');
    }
  };

  const answer = async (incoming: IncomingMessage, body: string): Promise<{ status: number; text: string } | 'hang-up'> => {
    const form = new URLSearchParams(body);
    const action = form.get('Action') ?? '';
    actions.push(action);
    const hook = hooks.get(action);
    hooks.delete(action);
    await hook?.();
    const now = trouble?.action === action ? trouble : undefined;
    if (now !== undefined) trouble = undefined;
    try {
      const who = authenticate(incoming, body);
      if (now !== undefined && now.after !== true) {
        if (now.answer === 'hang-up') return 'hang-up';
        throw new Refusal(now.answer.status, now.answer.code, now.answer.message);
      }
      const result = act(action, form, who);
      if (now?.answer === 'hang-up') return 'hang-up';
      if (now !== undefined) throw new Refusal(now.answer.status, now.answer.code, now.answer.message);
      const inner = `<${action}Result>${result}</${action}Result><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>`;
      return { status: 200, text: `<${action}Response>${inner}</${action}Response>` };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const type = error.status < 500 ? 'Sender' : 'Receiver';
      const inner = `<Type>${type}</Type><Code>${error.code}</Code><Message>${xml(error.message)}</Message>`;
      return { status: error.status, text: `<ErrorResponse><Error>${inner}</Error><RequestId>r</RequestId></ErrorResponse>` };
    }
  };

  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      void answer(incoming, Buffer.concat(chunks).toString('utf8')).then((reply) => {
        if (reply === 'hang-up') {
          incoming.socket.destroy();
          return;
        }
        outgoing.writeHead(reply.status, { 'content-type': 'text/xml' }).end(reply.text);
      });
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const admin = addKey(addUser('keywheel-admin'));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    admin: { accessKeyId: admin.id, secretAccessKey: admin.secret },
    account: ACCOUNT,
    actions,
    addUser,
    addKey,
    trouble: (next) => void (trouble = next),
    showAsOf: (time) => void (asOf = time),
    remember: (user) => remember(user),
    identity: (...answers) => void identities.push(...answers),
    before: (action, hook) => void hooks.set(action, hook),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
