/**
 * What a policy document opens: to everybody, to another account, or everything. A short look, not an evaluation: it takes the statements that
 * allow, and holds a condition on the caller for a restriction.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
 */
import { FLAG } from '../../event.ts';
import { capped, listOf, objectOf, own, textOf, words } from '../common.ts';
import { arnOf } from './names.ts';

export interface Judged {
  readonly public: boolean;
  readonly external: boolean;
  readonly broad: boolean;
  /** The first who is let in. */
  readonly grantee: string | undefined;
}

const CLOSED: Judged = Object.freeze({ public: false, external: false, broad: false, grantee: undefined });
/** Larger than any document that AWS takes. */
const LONGEST = 65_536;
const MOST = 200;

export const flagsOf = (judged: Judged): number =>
  (judged.public ? FLAG.public : 0) | (judged.external ? FLAG.external : 0) | (judged.broad ? FLAG.broad : 0);

type Statement = Readonly<Record<string, unknown>>;

function statementsOf(text: string | undefined): readonly Statement[] {
  if (text === undefined || text.length > LONGEST) return [];
  try {
    // IAM writes documents percent-encoded in some of its records.
    const document = objectOf(JSON.parse(text.startsWith('%7B') ? decodeURIComponent(text) : text));
    return listOf(own(document, 'Statement'), MOST)
      .map(objectOf)
      .filter((each) => each !== undefined)
      .filter((each) => own(each, 'Effect') === 'Allow');
  } catch {
    return [];
  }
}

/** Of a secret, a key or a role's trust: who is let in. `account` owns it. */
export function judgeResourcePolicy(text: string | undefined, account: string): Judged {
  let open = false;
  let external = false;
  let broad = false;
  let grantee: string | undefined;
  for (const statement of statementsOf(text)) {
    const limited = isLimited(own(statement, 'Condition'));
    if (own(statement, 'NotPrincipal') !== undefined && !limited) open = true;
    const principal = own(statement, 'Principal');
    const people = typeof principal === 'string' ? [principal] : listOf(own(objectOf(principal), 'AWS'), MOST);
    for (const each of people) {
      const who = textOf(each);
      if (who === undefined) continue;
      if (who === '*') {
        open ||= !limited;
        continue;
      }
      const home = accountOf(who);
      external ||= home !== undefined && home !== account;
      grantee = prefer(grantee, who);
    }
    // Everybody whom the provider knows, where no condition says which of them.
    if (own(objectOf(principal), 'Federated') !== undefined && objectOf(own(statement, 'Condition')) === undefined) broad = true;
  }
  return open || external || broad || grantee !== undefined
    ? { public: open, external, broad, grantee: grantee === undefined ? undefined : capped(grantee, 256) }
    : CLOSED;
}

/** The account itself stands in most policies: whoever else is named says more. */
const prefer = (grantee: string | undefined, who: string): string =>
  grantee === undefined || grantee.endsWith(':root') || isAccount(grantee) ? who : grantee;

function isAccount(text: string): boolean {
  if (text.length !== 12) return false;
  for (let at = 0; at < 12; at += 1) if (text.charCodeAt(at) < 48 || text.charCodeAt(at) > 57) return false;
  return true;
}

/** The account of a principal: of its ARN, or the bare number. A deleted principal's id (AROA…) tells none. */
export function accountOf(who: string): string | undefined {
  if (isAccount(who)) return who;
  const account = arnOf(who)?.account;
  return account !== undefined && isAccount(account) ? account : undefined;
}

/** Keys that say who or from where; with a positive operator and a value that is not everything they narrow. */
const NARROWING = words(
  'aws:principalorgid aws:principalorgpaths aws:principalaccount aws:principalarn aws:sourceaccount aws:sourcearn ' +
    'aws:sourceorgid aws:sourcevpc aws:sourcevpce aws:sourceip aws:userid aws:username aws:principaltag ' +
    'kms:calleraccount kms:viaservice sts:externalid secretsmanager:resource',
);

function isLimited(condition: unknown): boolean {
  const operators = objectOf(condition);
  if (operators === undefined) return false;
  return Object.entries(operators).some(([operator, tests]) => {
    const lower = operator.toLowerCase();
    if (lower.includes('not') || lower.startsWith('null') || lower.endsWith('ifexists')) return false;
    return Object.entries(objectOf(tests) ?? {}).some(
      ([key, values]) =>
        NARROWING.some((each) => key.toLowerCase().startsWith(each)) &&
        listOf(values, MOST).every(
          (value) => textOf(value) !== undefined && value !== '*' && value !== '0.0.0.0/0' && value !== '::/0',
        ),
    );
  });
}

/** Services whose wildcards reach secrets, or whoever may read them. */
const SENSITIVE = ['secretsmanager', 'ssm', 'kms', 'iam', 'sts'];

/** Of a user, role or group: what it may do. */
export function judgeIdentityPolicy(text: string | undefined): Judged {
  const broad = statementsOf(text).some((statement) => {
    const everywhere = listOf(own(statement, 'Resource'), MOST).some((each) => each === '*' || isAllOfService(each));
    if (!everywhere || objectOf(own(statement, 'Condition')) !== undefined) return false;
    return own(statement, 'NotAction') !== undefined || listOf(own(statement, 'Action'), MOST).some(isWild);
  });
  return broad ? { ...CLOSED, broad } : CLOSED;
}

/** `arn:aws:secretsmanager:*:*:secret:*` and its like. */
const isAllOfService = (resource: unknown): boolean => {
  const arn = arnOf(textOf(resource) ?? '');
  return (
    arn !== undefined &&
    SENSITIVE.includes(arn.service) &&
    (arn.rest === '*' || arn.rest === 'secret:*' || arn.rest === 'parameter/*' || arn.rest === 'key/*')
  );
};

const isWild = (action: unknown): boolean => {
  const text = (textOf(action) ?? '').toLowerCase();
  if (text === '*' || text === '*:*') return true;
  const colon = text.indexOf(':');
  if (colon === -1 || !SENSITIVE.includes(text.slice(0, colon))) return false;
  const operation = text.slice(colon + 1);
  return (
    operation === '*' ||
    operation === 'get*' ||
    operation === 'getsecret*' ||
    operation === 'getparameter*' ||
    operation === 'put*'
  );
};

/** Managed policies that reach every secret or let their holder give itself more. */
const MANAGED: ReadonlySet<string> = new Set(
  words(
    'AdministratorAccess PowerUserAccess IAMFullAccess SecretsManagerReadWrite AmazonSSMFullAccess ' +
      'AdministratorAccess-Amplify',
  ),
);

export const isBroadManagedPolicy = (arn: string | undefined): boolean =>
  arn !== undefined && arn.includes(':iam::aws:policy/') && MANAGED.has(arn.slice(arn.lastIndexOf('/') + 1));
