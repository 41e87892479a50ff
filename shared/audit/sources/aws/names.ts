/** One key for each secret, parameter and key, however a caller spells it. */
import type { SecretRef } from '../../event.ts';
import { capped, NAME_MAX, words } from '../common.ts';

export interface Named {
  readonly ref: SecretRef;
  /** The account and region of an ARN; absent where a bare name was given. */
  readonly owner: string | undefined;
  readonly region: string | undefined;
}

interface Arn {
  readonly service: string;
  readonly region: string;
  readonly account: string;
  readonly rest: string;
}

/** `arn:partition:service:region:account:rest`. */
export function arnOf(text: string): Arn | undefined {
  if (!text.startsWith('arn:')) return undefined;
  const parts = text.slice(0, NAME_MAX * 2).split(':', 5);
  if (parts.length < 5) return undefined;
  const [, partition = '', service = '', region = '', account = ''] = parts;
  const rest = text.slice(4 + partition.length + 1 + service.length + 1 + region.length + 1 + account.length + 1);
  return { service, region, account, rest };
}

/**
 * The words that names of secrets end with and that are as long as the suffix of an ARN. A partial ARN, which lacks the suffix, would lose them.
 * https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html#ARN_secretnamehyphen
 */
const WORDS: ReadonlySet<string> = new Set(
  words(
    'secret config tokens apikey passwd master backup bearer signer reader writer client server system docker ' +
      'github gitlab oracle stripe twilio lambda worker public access export import string values params shared ' +
      'common global portal mobile stable canary aurora rotate pepper cookie signed jwtkey dbuser dbpass deploy ' +
      'grants webapp',
  ),
);

/** The name of a secret from the part of its ARN after `secret:`: without the hyphen and six random characters that AWS adds to it. */
function bareName(text: string): string {
  const cut = text.length - 7;
  if (cut < 1 || text[cut] !== '-') return text;
  const suffix = text.slice(cut + 1);
  for (let at = 0; at < 6; at += 1) {
    const letter = suffix.charCodeAt(at);
    const isDigit = letter >= 48 && letter <= 57;
    const isLetter = (letter >= 65 && letter <= 90) || (letter >= 97 && letter <= 122);
    if (!isDigit && !isLetter) return text;
  }
  return WORDS.has(suffix) ? text : text.slice(0, cut);
}

/** What was named in one account and region. */
interface Place {
  readonly account: string;
  readonly region: string;
  readonly secrets: Map<string, Named>;
  readonly parameters: Map<string, Named>;
  readonly keys: Map<string, Named>;
}

const places = new Map<string, Place>();
let last: Place | undefined;
let kept = 0;
/** In all places: a flood of names only empties the memory. */
const MOST_KEPT = 32_768;

/** The same few names come again and again: each is read once, and its key is one string in memory. */
function placeOf(account: string, region: string): Place {
  if (last !== undefined && last.account === account && last.region === region) return last;
  const name = `${account}|${region}`;
  last = places.get(name);
  if (last === undefined) {
    last = { account, region, secrets: new Map(), parameters: new Map(), keys: new Map() };
    keep(places, name, last);
  }
  return last;
}

function keep<Value>(among: Map<string, Value>, text: string, value: Value): Value {
  kept += 1;
  if (kept > MOST_KEPT) {
    places.clear();
    last = undefined;
    kept = 0;
  }
  among.set(text, value);
  return value;
}

const secretKey = (account: string, region: string, name: string): string => `aws:sm:${account}:${region}:${name}`;

/** A secret by its name, partial ARN or full ARN. Names keep their case: they are case-sensitive. */
export function secretNamed(text: string, account: string, region: string): Named {
  const { secrets } = placeOf(account, region);
  const known = secrets.get(text);
  if (known !== undefined) return known;
  const given = capped(text, NAME_MAX + 128);
  return keep(secrets, given, readSecret(given, account, region));
}

function readSecret(given: string, account: string, region: string): Named {
  const arn = arnOf(given);
  if (arn?.service !== 'secretsmanager' || !arn.rest.startsWith('secret:'))
    return local(given, secretKey(account, region, given));
  const tail = arn.rest.slice(7);
  const colon = tail.indexOf(':');
  const name = bareName(colon === -1 ? tail : tail.slice(0, colon));
  return { ref: { key: secretKey(arn.account, arn.region, name), name }, owner: arn.account, region: arn.region };
}

const local = (name: string, key: string): Named => ({ ref: { key, name }, owner: undefined, region: undefined });

/** Published by AWS for everybody: nobody's secret. https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-finding-public-parameters.html */
export const isPublicParameter = (name: string): boolean =>
  name.startsWith('/aws/service/') || name.includes(':parameter/aws/service/');

/** A secret that is read through Parameter Store. https://docs.aws.amazon.com/systems-manager/latest/userguide/integration-ps-secretsmanager.html */
const REFERENCE = '/aws/reference/secretsmanager/';

/** A parameter by its name or ARN, with or without the `:version` or `:label` that a reader may add. */
export function parameterNamed(text: string, account: string, region: string): Named {
  const { parameters } = placeOf(account, region);
  const known = parameters.get(text);
  if (known !== undefined) return known;
  const given = capped(text, NAME_MAX + 128);
  return keep(parameters, given, readParameter(given, account, region));
}

function readParameter(given: string, account: string, region: string): Named {
  const arn = arnOf(given);
  const foreign = arn?.service === 'ssm' && arn.rest.startsWith('parameter');
  // The ARN of `/a/b` ends in `parameter/a/b`, and that of `b` in `parameter/b`.
  const path = foreign ? arn.rest.slice('parameter'.length) : given;
  const colon = path.indexOf(':', path.lastIndexOf('/') + 1);
  const full = colon === -1 ? path : path.slice(0, colon);
  const version = colon === -1 || colon === path.length - 1 ? undefined : path.slice(colon + 1);
  const owner = foreign ? arn.account : account;
  const where = foreign ? arn.region : region;
  if (full.startsWith(REFERENCE)) return withVersion(secretNamed(full.slice(REFERENCE.length), owner, where), version);
  // A name of one word may be written with a slash or without.
  const name = full.startsWith('/') && full.indexOf('/', 1) === -1 ? full.slice(1) : full;
  const ref: SecretRef = { key: `aws:ssm:${owner}:${where}:${name}`, name, version };
  return { ref, owner: foreign ? owner : undefined, region: foreign ? where : undefined };
}

export const withVersion = (named: Named, version: string | undefined): Named =>
  version === undefined || version === '' ? named : { ...named, ref: { ...named.ref, version: capped(version, 128) } };

/** A KMS key by its ARN, id or alias. Ids of an ARN and bare ids give one key; an alias stands for itself. */
export function keyNamed(text: string, account: string, region: string): Named {
  const { keys } = placeOf(account, region);
  const known = keys.get(text);
  if (known !== undefined) return known;
  const given = capped(text, NAME_MAX);
  return keep(keys, given, readKey(given, account, region));
}

function readKey(given: string, account: string, region: string): Named {
  const arn = arnOf(given);
  const foreign = arn?.service === 'kms';
  const rest = foreign ? arn.rest : given;
  const name = rest.startsWith('key/') ? rest.slice(4) : rest;
  const owner = foreign ? arn.account : account;
  const where = foreign ? arn.region : region;
  const ref: SecretRef = { key: `aws:kms:${owner}:${where}:${name}`, name };
  return { ref, owner: foreign ? owner : undefined, region: foreign ? where : undefined };
}
