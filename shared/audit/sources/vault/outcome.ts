/** What became of a request. Errors of the core are in clear, those of an engine are hashed in `response.data.error`. */
import type { Outcome } from '../../event.ts';
import type { View } from '../../view.ts';
import { own } from '../common.ts';
import { AT, hasMade } from './fields.ts';
import type { Route } from './route.ts';

/**
 * A refused request is written twice, as a request with an error and as its response: both say the same here, whichever comes first. `known` is false
 * where the server did not know the token: it says "permission denied" then as well, but knows neither policies nor accessor.
 */
export function outcomeOf(view: View, route: Route, known: boolean, data: Data): Outcome {
  const error = view.text(AT.error);
  const isLogin = route.verb === 'login';
  if (error !== undefined && error !== '') {
    const of = ofText(error.length > 512 ? error.slice(0, 512).toLowerCase() : error.toLowerCase());
    if (of === 'throttled') return of;
    if (of === 'denied') return known && !isLogin ? 'denied' : 'authfail';
    // What else a login says when it refuses differs by method and version; only what tells of the server's own trouble is not a refusal.
    return isLogin && of !== 'trouble' ? 'authfail' : of === 'trouble' ? 'error' : of;
  }
  if (view.flag(AT.allowed) === false) return known ? 'denied' : 'authfail';
  if (own(data, 'error') !== undefined) return isLogin ? 'authfail' : 'error';
  const status = own(data, 'http_status_code');
  if (typeof status === 'number' && status >= 400) return ofStatus(status);
  return route.misses === true && isEmpty(view) ? 'notfound' : 'ok';
}

/** `response.data`, where it is to be looked into. */
export type Data = Readonly<Record<string, unknown>> | undefined;

type Told = Outcome | 'trouble';

function ofText(text: string): Told {
  if (text.includes('rate limit') || text.includes('quota exceeded')) return 'throttled';
  if (text.includes('permission denied')) return 'denied';
  if (text.includes('wrapping token') || text.includes('missing client token') || text.includes('invalid token'))
    return 'authfail';
  if (text.includes('bad token') || text.includes('token not found') || text.includes('invalid credentials')) return 'authfail';
  if (text.includes('unsupported path') || text.includes('no handler for route')) return 'notfound';
  if (text.includes('not found') || text.includes('does not exist')) return 'notfound';
  const trouble =
    text.includes('context deadline') ||
    text.includes('context canceled') ||
    text.includes('connection refused') ||
    text.includes('i/o timeout') ||
    text.includes('no such host') ||
    text.includes('internal error') ||
    text.includes('sealed');
  return trouble ? 'trouble' : 'error';
}

function ofStatus(status: number): Outcome {
  if (status === 404) return 'notfound';
  if (status === 403) return 'denied';
  if (status === 401) return 'authfail';
  return status === 429 ? 'throttled' : 'error';
}

/**
 * An answer that names its mount and nothing else is the 404 of a read or list. An answer with nothing at all says nothing: audit filters and old
 * versions leave out more than this.
 */
const isEmpty = (view: View): boolean =>
  view.has(AT.answeredMount) &&
  !view.has(AT.data) &&
  !hasMade(view) &&
  !view.has(AT.wrapped) &&
  !view.has(AT.leased) &&
  !view.has(AT.redirected) &&
  !view.has(AT.warned);
