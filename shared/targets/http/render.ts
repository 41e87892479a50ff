/** Fills templates. Each place encodes what is put into it, so no value can become path, query, header or JSON syntax. Pure. */
import { parseTemplate, type HttpTargetConfig } from '../../config/index.ts';
import { KeywheelError } from '../../errors.ts';
import type { HttpRequest } from './request.ts';

type Described = Pick<HttpTargetConfig['create'], 'method' | 'path' | 'query' | 'headers' | 'basic' | 'json' | 'form'>;

/** What a name stands for, and how it is told in a dry run: as it is when `told` is absent. */
export interface Filled {
  readonly text: string;
  readonly told?: string;
}
export type Values = ReadonlyMap<string, Filled>;

/** ERR_SECRET_INVALID when a name has no value, or one that its place cannot hold; the value is not in the message. */
export function render(
  target: Pick<HttpTargetConfig, 'baseUrl'>,
  request: Described,
  shared: Pick<HttpTargetConfig, 'headers' | 'basic'>,
  values: Values,
): HttpRequest {
  const plain = (template: string): string => fill(template, values, (text) => text);
  const url = new URL(target.baseUrl.replace(/\/$/, '') + fill(request.path, values, segment));
  for (const [name, template] of Object.entries(request.query ?? {})) url.searchParams.append(name, plain(template));
  const headers: Record<string, string> = {};
  const put = (name: string, text: string): void => {
    if (/[^\t\u0020-\u007e]/.test(text)) throw unfit(name, 'a header');
    headers[name.toLowerCase()] = text;
  };
  for (const each of [shared, request]) {
    for (const [name, template] of Object.entries(each.headers ?? {})) put(name, plain(template));
    if (each.basic === undefined) continue;
    const user = plain(each.basic.username);
    if (user.includes(':')) throw unfit('basic.username', 'a user name');
    put('authorization', `Basic ${Buffer.from(`${user}:${plain(each.basic.password)}`).toString('base64')}`);
  }
  const base = { method: request.method, url, headers };
  if (request.json !== undefined) {
    headers['content-type'] = 'application/json';
    return { ...base, body: JSON.stringify(inJson(request.json, plain)) };
  }
  if (request.form !== undefined) {
    headers['content-type'] = 'application/x-www-form-urlencoded';
    const form = new URLSearchParams();
    for (const [name, template] of Object.entries(request.form)) form.append(name, plain(template));
    return { ...base, body: form.toString() };
  }
  return base;
}

/** The request as people are told it: no headers, and no material anywhere else. */
export function tell(target: Pick<HttpTargetConfig, 'baseUrl'>, request: Described, values: Values): string {
  const masked = new Map([...values].map(([name, { text, told }]) => [name, { text: told ?? text }]));
  const plain = (template: string): string => fill(template, masked, (text) => text);
  const query = Object.entries(request.query ?? {}).map(([name, template]) => `${name}=${plain(template)}`);
  const address = `${target.baseUrl.replace(/\/$/, '')}${plain(request.path)}${query.length === 0 ? '' : `?${query.join('&')}`}`;
  const form = Object.entries(request.form ?? {}).map(([name, template]) => `${name}=${plain(template)}`);
  const body = request.json === undefined ? form.join('&') : JSON.stringify(inJson(request.json, plain));
  return `http ${request.method} ${address}${body === '' ? '' : ` ${body}`}`;
}

function fill(template: string, values: Values, encode: (text: string, name: string) => string): string {
  const { texts, names } = parseTemplate(template) ?? { texts: [template], names: [] };
  return texts
    .map((text, index) => {
      const name = index === 0 ? undefined : names[index - 1];
      return name === undefined ? text : encode(valueOf(values, name), name) + text;
    })
    .join('');
}

function valueOf(values: Values, name: string): string {
  const found = values.get(name);
  if (found !== undefined) return found.text;
  throw new KeywheelError('ERR_SECRET_INVALID', `{{${name}}} has no value: the secret has no such field, or it is empty`, {
    hint: 'write the field with: keywheel put',
    subject: name,
  });
}

/** One segment of a path: it can neither end the segment nor be one of those that a client resolves. */
function segment(text: string, name: string): string {
  if (text === '' || text === '.' || text === '..') throw unfit(name, 'a part of a path');
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function inJson(value: unknown, plain: (template: string) => string): unknown {
  if (typeof value === 'string') return plain(value);
  if (Array.isArray(value)) return value.map((each) => inJson(each, plain));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, inJson(each, plain)]));
}

function unfit(name: string, place: string): KeywheelError {
  return new KeywheelError('ERR_SECRET_INVALID', `the value of ${name} cannot stand in ${place}, so nothing was sent`, {
    hint: 'look for line ends, spaces at the end and characters outside ASCII',
    subject: name,
  });
}
