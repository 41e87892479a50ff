/** All keys that the vendor lists. A page that cannot be read is an error, never an empty list. */
import { KeywheelError } from '../../errors.ts';
import { dateOf, jsonOf, pick, textAt } from './answer.ts';
import type { HttpContext } from './context.ts';
import { send } from './context.ts';
import { parseName, type Marker } from './marker.ts';
import { render, tell, type Values } from './render.ts';
import type { HttpAnswer, HttpRequest } from './request.ts';

export interface Item {
  readonly id: string;
  readonly name: string;
  /** Present on keys that Keywheel made, for whomever. */
  readonly marker?: Marker;
  /** Milliseconds; absent when it was never used, or the vendor does not tell. */
  readonly lastUsedAt?: number;
}

export interface Listed {
  readonly items: readonly Item[];
  /** The vendor's clock, in milliseconds. */
  readonly at: number;
}

const MOST_PAGES = 100;
const DAY = 86_400_000;

export async function list(context: HttpContext): Promise<Listed> {
  const { config, gate, overlay } = context;
  const values = await context.adminValues();
  const listed = await gate.run(
    { port: 'target', kind: 'read', text: tell(config, config.list, values) },
    () => readAll(context, values),
    () => {
      throw new TypeError('reads are made in rehearsals too');
    },
  );
  const items = [...listed.items, ...overlay.made].filter((item) => !overlay.removed.has(item.id));
  return { ...listed, items };
}

async function readAll(context: HttpContext, values: Values): Promise<Listed> {
  const { config, clock } = context;
  const { paging } = config.list;
  const first = render(config, config.list, config, values);
  if (paging?.page !== undefined) first.url.searchParams.set(paging.page, String(paging.from));
  const items: Item[] = [];
  const seen = new Set<string>();
  let next: URL | undefined = first.url;
  let at: number | undefined;
  for (let page = 0; next !== undefined; page += 1) {
    if (page >= MOST_PAGES || seen.has(next.href)) throw endless(config.principal);
    seen.add(next.href);
    const request: HttpRequest = { ...first, url: next };
    const answer = await send(context, `listing the keys of ${config.principal}`, request, [200]);
    const body = jsonOf(answer);
    const found = pick(body, config.list.items);
    if (!Array.isArray(found))
      throw unreadable('has no array of keys', `list.items (${config.list.items || 'the whole answer'})`);
    for (const each of found) items.push(...itemOf(context, each));
    at = dateOf(answer) ?? at;
    next = nextPage(context, request, answer, body, found.length);
  }
  return { items, at: at ?? clock.now() };
}

function itemOf({ config }: HttpContext, each: unknown): Item[] {
  const { list } = config;
  if (list.only.some(({ at, equals }) => pick(each, at) !== equals)) return [];
  const id = textAt(each, list.id);
  if (id === undefined) throw unreadable('has a key without an id', `list.id (${list.id})`);
  const name = textAt(each, list.name) ?? '';
  const marker = parseName(name);
  const lastUsedAt = list.lastUsed === undefined ? undefined : instantOf(pick(each, list.lastUsed), list.lastUsed);
  return [{ id, name, ...(marker === undefined ? {} : { marker }), ...(lastUsedAt === undefined ? {} : { lastUsedAt }) }];
}

/** RFC 3339, or seconds or milliseconds since the epoch. A date without a time is taken for the end of that day: the key may have been used then. */
function instantOf(value: unknown, pointer: string): number | undefined {
  if (value === undefined || value === null || value === '' || value === 0) return undefined;
  if (typeof value === 'number' && Number.isFinite(value)) return value < 1e11 ? value * 1000 : value;
  if (typeof value === 'string') {
    const at = Date.parse(value);
    if (!Number.isNaN(at)) return /^\d{4}-\d{2}-\d{2}$/.test(value) ? at + DAY - 1 : at;
  }
  throw unreadable('tells a last use that is no time', `list.lastUsed (${pointer})`);
}

function nextPage(
  { config }: HttpContext,
  request: HttpRequest,
  answer: HttpAnswer,
  body: unknown,
  count: number,
): URL | undefined {
  const { paging } = config.list;
  if (paging === undefined) return undefined;
  if (paging.page !== undefined) {
    if (count === 0) return undefined;
    return withQuery(request.url, paging.page, String(Number(request.url.searchParams.get(paging.page)) + 1));
  }
  if (paging.token !== undefined && paging.query !== undefined) {
    const token = textAt(body, paging.token);
    return token === undefined ? undefined : withQuery(request.url, paging.query, token);
  }
  const address = paging.link === true ? linkOf(answer) : textAt(body, paging.url ?? '');
  if (address === undefined) return undefined;
  const next = URL.canParse(address, request.url) ? new URL(address, request.url) : undefined;
  if (next === undefined || next.origin !== request.url.origin)
    throw unreadable('names a next page elsewhere', 'the admin token is sent to baseUrl only');
  return next;
}

function withQuery(url: URL, name: string, value: string): URL {
  const next = new URL(url.href);
  next.searchParams.set(name, value);
  return next;
}

/** RFC 8288: `<https://…>; rel="next"`. */
function linkOf({ headers }: HttpAnswer): string | undefined {
  const links = [headers.link ?? []].flat().join(', ');
  return /<([^>]*)>\s*;[^,<]*\brel="?next"?/i.exec(links)?.[1];
}

function unreadable(what: string, where: string): KeywheelError {
  return new KeywheelError('ERR_TARGET_FAILED', `the vendor’s list of keys ${what}, so nothing was changed`, {
    hint: `compare with the vendor’s documentation: ${where}`,
  });
}

function endless(principal: string): KeywheelError {
  return new KeywheelError(
    'ERR_TARGET_FAILED',
    `the list of keys of ${principal} does not end: a page came twice, or there are more than ${MOST_PAGES}`,
    {
      hint: 'check list.paging, and ask for larger pages with list.query',
    },
  );
}
