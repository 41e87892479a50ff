/**
 * Google Cloud's audit logs: Secret Manager, Cloud KMS, and of IAM, Logging and Pub/Sub what decides who gets in and what is logged. Reading a secret
 * is a Data Access log, which is off by default. https://docs.cloud.google.com/logging/docs/audit
 */
import { FLAG, type AuditEvent, type Net, type Outcome, type Parsed, type SecretRef, type Verb } from '../event.ts';
import type { ParseContext, SourceParser } from '../source.ts';
import type { View } from '../view.ts';
import {
  capped,
  clientOf,
  isAutomation,
  listOf,
  NAME_MAX,
  netOf,
  objectOf,
  own,
  skewOf,
  SKIP,
  textOf,
  timeOf,
} from './common.ts';
import { mayConcern } from './gcp/concern.ts';
import { AT, FIELDS } from './gcp/fields.ts';
import { methodOf } from './gcp/methods.ts';
import { resourceOf, type Resource } from './gcp/names.ts';
import { policyChangeOf } from './gcp/policy.ts';
import { callerOf, memberOf } from './gcp/principal.ts';

export const gcpSource: SourceParser = { source: 'gcp', plan: FIELDS, mayConcern, parse };

const NONE: readonly SecretRef[] = [];
/** Secret Manager's own agent, which opens secrets that a customer's key encrypts. https://docs.cloud.google.com/secret-manager/docs/cmek */
const STORE_AGENT = '@gcp-sa-secretmanager.';
const INTERNAL: Net = Object.freeze({ kind: 'internal' });

function parse(view: View, context: ParseContext): Parsed {
  const full = view.text(AT.method);
  const service = view.text(AT.service);
  // Other logs go through the same sinks.
  if (full === undefined || service === undefined) return view.has(AT.logName) ? SKIP.irrelevant : SKIP.malformed;
  const method = methodOf(service, full);
  if (method === undefined) return SKIP.irrelevant;
  const { name } = method;
  // A long operation is told when it begins, with its request, and again when it ends. A large entry is split, with the request in the first part.
  if (view.flag(AT.last) === true && view.flag(AT.first) === false) return SKIP.paired;
  if (view.flag(AT.last) === true && !view.has(AT.first)) return SKIP.paired;
  if ((view.number(AT.splitIndex) ?? 0) > 0) return SKIP.paired;
  const time = timeOf(view.text(AT.timestamp)) ?? timeOf(view.text(AT.received));
  const insertId = view.text(AT.insertId);
  if (time === undefined || insertId === undefined) return SKIP.malformed;

  const logName = view.text(AT.logName);
  const resource = resourceOf(view.text(AT.resource) ?? '', view.text(AT.projectId), logName);
  const { principal, chain } = callerOf(view, resource.project);
  const act = actOf(view, name, method.verb, resource, principal.id);
  const agent = view.text(AT.userAgent);
  const client = clientOf(agent);
  const typed = client === 'browser' || agent?.includes('environment/devshell') === true;
  return {
    source: 'gcp',
    // https://docs.cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry: copies of one entry share these.
    id: `gcp|${capped(logName ?? '', NAME_MAX)}|${capped(view.text(AT.timestamp) ?? String(time), 64)}|${capped(insertId, 256)}`,
    ref: capped(insertId, 128),
    time,
    action: capped(name, 120),
    verb: act.verb ?? method.verb,
    outcome: outcomeOf(view.number(AT.status), method.verb),
    principal,
    secrets: resource.secret === undefined ? NONE : [resource.secret],
    weight: 1,
    net: netIn(view.text(AT.callerIp)),
    client,
    account: resource.project === '' ? 'unknown' : resource.project,
    region: regionOf(view, resource),
    flags:
      method.flags |
      (act.flags ?? 0) |
      skewOf(time, context) |
      (typed ? FLAG.console : 0) |
      (method.verb === 'crypto' && principal.id.includes(STORE_AGENT) ? FLAG.echo : 0) |
      (isAutomation(client) ? FLAG.automation : 0),
    ttl: act.ttl,
    grantee: act.grantee,
    chain,
  } satisfies AuditEvent;
}

// https://docs.cloud.google.com/logging/docs/reference/audit/auditlog/rest/Shared.Types/AuditLog: google.rpc.Code; `{}` and 0 are success.
const OUTCOMES: Readonly<Record<number, Outcome>> = { 0: 'ok', 5: 'notfound', 7: 'denied', 8: 'throttled', 16: 'authfail' };
function outcomeOf(code: number | undefined, verb: Verb): Outcome {
  const outcome = code === undefined ? 'ok' : (OUTCOMES[code] ?? 'error');
  // A federated token that is not exchanged is nobody's.
  return verb === 'login' && outcome === 'denied' ? 'authfail' : outcome;
}

/** An address; `private` and `gce-internal-ip` where Google does not tell one of its own. */
const netIn = (callerIp: string | undefined): Net =>
  callerIp === 'private' || callerIp === 'gce-internal-ip' ? INTERNAL : netOf(callerIp);

interface Details {
  readonly verb?: Verb;
  readonly flags?: number;
  readonly ttl?: number | undefined;
  readonly grantee?: string | undefined;
}

/** What the request tells beyond its method. Most records are not asked. */
function actOf(view: View, name: string, verb: Verb, resource: Resource, callerId: string): Details {
  if (verb === 'policy' && name.toLowerCase() === 'setiampolicy') {
    const deltas = view.has(AT.deltas) ? view.json(AT.deltas) : view.json(AT.metadataDeltas);
    const isWide = resource.secret === undefined && view.text(AT.resource)?.includes('serviceAccounts/') !== true;
    const around = { project: resource.project, callerId, isWide };
    const { flags, grantee, blinds } = policyChangeOf(view.json(AT.request), deltas, around);
    return blinds ? { verb: 'audit', flags: flags | FLAG.auditOff, grantee } : { flags, grantee };
  }
  if (verb === 'token') {
    const lifetime = textOf(own(objectOf(view.json(AT.request)), 'lifetime'));
    return { ttl: secondsOf(lifetime), grantee: accountOf(view) };
  }
  if (name === 'UpdateSink') return { flags: sinkIsBlinded(view.json(AT.request)) ? FLAG.auditOff : 0 };
  if (name === 'UpdateCryptoKeyVersion') {
    const version = objectOf(own(objectOf(view.json(AT.request)), 'cryptoKeyVersion'));
    const state = own(version, 'state');
    return state === 'DISABLED' ? { verb: 'delete' } : state === 'ENABLED' ? { verb: 'restore' } : {};
  }
  return {};
}

function regionOf(view: View, { location }: Resource): string | undefined {
  const region = location ?? view.text(AT.location);
  return region === undefined || region === '' ? undefined : capped(region, 64);
}

/** A Duration in JSON: `3600s`. */
function secondsOf(duration: string | undefined): number | undefined {
  if (duration === undefined || !/^\d{1,12}(?:\.\d{1,9})?s$/u.test(duration)) return undefined;
  const seconds = Number.parseFloat(duration);
  return seconds > 0 ? seconds : undefined;
}

/** The service account that the token is of: `projects/-/serviceAccounts/E-MAIL`, or its number and the label with its e-mail. */
function accountOf(view: View): string | undefined {
  const name = view.text(AT.resource) ?? '';
  const at = name.indexOf('serviceAccounts/');
  const account = at === -1 ? '' : (name.slice(at + 'serviceAccounts/'.length).split('/', 1)[0] ?? '');
  if (account.includes('@')) return memberOf(account);
  const label = view.text(AT.account);
  return label === undefined || label === '' ? (account === '' ? undefined : capped(account, NAME_MAX)) : memberOf(label);
}

/** Switched off, narrowed or sent elsewhere. Without a mask the whole sink is replaced, and what it was before, no record tells. */
function sinkIsBlinded(request: unknown): boolean {
  const asked = objectOf(request);
  const sink = objectOf(own(asked, 'sink'));
  if (own(sink, 'disabled') === true || listOf(own(sink, 'exclusions'), 1).length > 0) return true;
  const mask = own(asked, 'updateMask') ?? own(asked, 'update_mask');
  const masked =
    textOf(mask) ??
    listOf(own(objectOf(mask), 'paths'), 32)
      .filter((path) => typeof path === 'string')
      .join(',');
  return masked === '' || masked.includes('filter') || masked.includes('destination');
}
