/**
 * HashiCorp Vault's and OpenBao's audit devices. Each operation is written twice: as a request and, when it has been answered, as a response; devices
 * beside each other write the same once more. One event comes of it: from the response, and from a request that carries an error, since some refusals
 * have no response. Both halves have one id. https://developer.hashicorp.com/vault/docs/audit, https://openbao.org/docs/audit/
 */
import { FLAG, type AuditEvent, type Parsed, type SecretRef, type Source, type Verb } from '../event.ts';
import type { ParseContext, SourceParser } from '../source.ts';
import type { View } from '../view.ts';
import { capped, clientOf, isAutomation, listOf, netOf, objectOf, own, skewOf, SKIP, textOf, timeOf } from './common.ts';
import { AT, FIELDS, hasMade } from './vault/fields.ts';
import { outcomeOf, type Data } from './vault/outcome.ts';
import { isBroadPolicy } from './vault/policy.ts';
import { isKnown, policiesOf, principalOf } from './vault/principal.ts';
import { routeOf, type Route } from './vault/route.ts';
import { isHashed } from './vault/tokens.ts';

export const vaultSource: SourceParser = {
  // Of an OpenBao too, whose events say so themselves.
  source: 'vault',
  plan: FIELDS,
  // Nothing else writes to an audit device.
  mayConcern: () => true,
  parse,
};

/** A server that seals itself or steps down answers nobody. */
const UNANSWERED: ReadonlySet<string> = new Set(['sys/seal', 'sys/step-down']);
/** Lookups that the server makes for itself and for its clients' quotas. */
const LOOKAHEADS: ReadonlySet<string> = new Set(['alias-lookahead', 'resolve-role']);

function parse(view: View, context: ParseContext): Parsed {
  const type = view.text(AT.type);
  // `kmip-request` and `kmip-response` among others.
  if (type !== 'request' && type !== 'response') return type === undefined ? SKIP.malformed : SKIP.unknown;
  const path = view.text(AT.path);
  const operation = view.text(AT.operation);
  if (path === undefined || operation === undefined) return SKIP.malformed;
  const isResponse = type === 'response';
  if (!isResponse && !hasText(view, AT.error) && !UNANSWERED.has(path)) return SKIP.paired;
  if (LOOKAHEADS.has(operation)) return SKIP.irrelevant;
  const time = timeOf(view.text(AT.time));
  if (time === undefined) return SKIP.malformed;

  const route = routeOf(
    operation.slice(0, 32),
    view.text(AT.namespace) ?? '',
    path,
    view.text(AT.mountType),
    view.text(AT.mountPoint),
  );
  const policies = policiesOf(view, route.verb === 'login' && !view.has(AT.policies) ? AT.madePolicies : AT.policies);
  // One of two alike; the new one of a login stands in `response.auth`.
  const token = view.text(AT.token) ?? view.text(AT.requestToken);
  const net = netOf(view.text(AT.address));
  const data = looksInside(route) ? objectOf(view.json(AT.data)) : undefined;
  const outcome = outcomeOf(view, route, isKnown(view), data);
  const client = clientOf(agentOf(view));
  const flags =
    route.flags |
    skewOf(time, context) |
    tokenFlags(view, route) |
    (policies.includes('root') ? FLAG.root : 0) |
    (isAutomation(client) ? FLAG.automation : 0) |
    (view.has(AT.wrapped) || (view.number(AT.wrapTtl) ?? 0) > 0 ? FLAG.wrapped : 0) |
    (view.flag(AT.override) === true ? FLAG.policyOverride : 0) |
    detailFlags(view, route, data) |
    (isClear(token) || isInClear(view, route) ? FLAG.clear : 0);
  const space = route.place.namespace;
  const id = view.text(AT.id);
  const ref = id === undefined ? `${time} ${route.action}` : capped(id, 128);
  return {
    source: sourceOf(view),
    // The time alone does not tell two operations apart, but both halves of one have different times.
    id: `vault|${capped(view.text(AT.cluster) ?? '', 128)}|${capped(view.text(AT.namespaceId) ?? space, 128)}|${ref}`,
    ref,
    time,
    action: route.action,
    verb: route.verb,
    outcome,
    principal: principalOf(view, route, policies, token, net),
    secrets: secretsOf(view, route, data),
    weight: 1,
    net,
    client,
    account: space === '' ? 'root' : space.slice(0, -1),
    flags,
    ttl: ttlOf(view, route, data),
    grantee: route.grantee,
  } satisfies AuditEvent;
}

/** Only OpenBao's own engines say that they are; a record of no mount, or of a plugin, does not tell. */
function sourceOf(view: View): Source {
  const running = view.text(AT.running) ?? view.text(AT.answeredRunning);
  return running !== undefined && running.endsWith('.bao') ? 'openbao' : 'vault';
}

/**
 * Lists may be long, and tell what they are by being there. What KV version 1 and cubbyhole answer with is the secret, whose keys are anybody's: one
 * may be called `error`.
 */
function looksInside({ verb, detail, place: { type } }: Route): boolean {
  if (verb === 'list') return false;
  return verb !== 'read' || detail === 'version' || (type !== 'kv' && type !== 'generic' && type !== 'cubbyhole');
}

/** Of the token that is made, else of the one that is asked about, else of the one that asks. */
function ttlOf(view: View, { verb }: Route, data: Data): number | undefined {
  const created = verb === 'whoami' ? own(data, 'creation_ttl') : undefined;
  const ttl = view.number(AT.madeTtl) ?? (typeof created === 'number' ? created : view.number(AT.tokenTtl));
  return ttl !== undefined && ttl > 0 ? ttl : undefined;
}

function hasText(view: View, field: number): boolean {
  const text = view.text(field);
  return text !== undefined && text !== '';
}

/** An array with one text, or a text; hashed where the header is not one of those that are kept in clear. */
function agentOf(view: View): string | undefined {
  if (!view.has(AT.userAgent)) return undefined;
  const agent = view.text(AT.userAgent) ?? textOf(listOf(view.json(AT.userAgent), 1)[0]);
  return agent === undefined || isHashed(agent) ? undefined : agent;
}

/** Of a token that was made: without expiry or parent, periodic, root. */
function tokenFlags(view: View, route: Route): number {
  let flags = 0;
  if (route.detail === 'token') {
    const isOrphan = route.action.includes('create-orphan') || (view.has(AT.noParent) && view.flag(AT.noParent) !== false);
    if (isOrphan || view.has(AT.period)) flags |= FLAG.endless;
  }
  if ((route.detail === 'token' || route.verb === 'login') && hasMade(view)) {
    // Root tokens alone may have no lifetime.
    const isRoot = policiesOf(view, AT.madePolicies).includes('root');
    if (isRoot) flags |= FLAG.makesRoot | ((view.number(AT.madeTtl) ?? 0) === 0 ? FLAG.endless : 0);
  }
  return flags;
}

function detailFlags(view: View, route: Route, data: Data): number {
  if (route.detail === 'key') {
    // Clients that send texts have them hashed; the answer then tells what the key has become.
    const opens =
      becomes(view, AT.exportable, own(data, 'exportable')) ||
      becomes(view, AT.plaintextBackup, own(data, 'allow_plaintext_backup')) ||
      becomes(view, AT.deletable, own(data, 'deletion_allowed'));
    return opens ? FLAG.exportable : 0;
  }
  if (route.detail === 'policy') {
    const text = view.text(AT.policy) ?? view.text(AT.rules);
    return text !== undefined && !isHashed(text) && isBroadPolicy(text) ? FLAG.broad : 0;
  }
  // Which version is hashed; who asks for the newest names none.
  return route.detail === 'version' && view.has(AT.version) ? FLAG.history : 0;
}

const becomes = (view: View, asked: number, answered: unknown): boolean =>
  view.flag(asked) ?? (view.has(asked) && answered === true);

/** `log_raw`, or a field that an administrator exempted from hashing and that must not be: a token, a password. */
function isInClear(view: View, route: Route): boolean {
  if (clear(view, AT.madeToken)) return true;
  if (view.has(AT.wrapped) && isClear(textOf(own(objectOf(view.json(AT.wrapped)), 'token')))) return true;
  if (route.detail !== 'login') return false;
  return clear(view, AT.password) || clear(view, AT.secretId) || clear(view, AT.jwt) || clear(view, AT.dataToken);
}

const clear = (view: View, field: number): boolean => isClear(view.text(field));
const isClear = (text: string | undefined): boolean => text !== undefined && text !== '' && !isHashed(text);

function secretsOf(view: View, { secrets, detail, verb }: Route, data: Data): readonly SecretRef[] {
  const [secret] = secrets;
  if (secret === undefined) return secrets;
  const version = detail === 'versions' ? askedVersion(view) : answeredVersion(verb, detail, data);
  return typeof version === 'number' ? [{ ...secret, version: String(version) }] : secrets;
}

function answeredVersion(verb: Verb, detail: Route['detail'], data: Data): unknown {
  if (detail === 'version') return own(objectOf(own(data, 'metadata')), 'version');
  return verb === 'write' || verb === 'create' ? own(data, 'version') : undefined;
}

/** Several are told by the first. */
const askedVersion = (view: View): unknown => (view.has(AT.versions) ? listOf(view.json(AT.versions), 1)[0] : undefined);
