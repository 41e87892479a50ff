/** How a call ended. `resultType` says Success of requests that were refused, so it is asked last. */
import type { Outcome } from '../../event.ts';
import type { View } from '../../view.ts';
import { AZURE } from './plan.ts';

/** What `resultSignature` says where no status code is given. https://learn.microsoft.com/azure/key-vault/general/rest-error-codes */
const SIGNATURES: ReadonlyMap<string, number> = new Map([
  ['ok', 200],
  ['created', 201],
  ['accepted', 202],
  ['nocontent', 204],
  ['badrequest', 400],
  ['unauthorized', 401],
  ['forbidden', 403],
  ['notfound', 404],
  ['conflict', 409],
  ['toomanyrequests', 429],
]);

/** A status by its name, spaces and case aside, or by its number as text. */
export function statusNamed(text: string | undefined): number | undefined {
  if (text === undefined || text.length > 64) return undefined;
  const number = Number(text);
  if (Number.isInteger(number) && number >= 100 && number <= 599) return number;
  return SIGNATURES.get(text.toLowerCase().replaceAll(' ', ''));
}

function statusOf(view: View): number | undefined {
  const code = view.number(AZURE.httpStatusCode) ?? view.number(AZURE.resultSignature);
  if (code !== undefined) return code;
  return statusNamed(view.text(AZURE.httpStatusCode)) ?? statusNamed(view.text(AZURE.resultSignature));
}

/** `known`: the record names who asked. Without that, 401 is the hop in which a client learns where to get a token. */
export function outcomeOf(view: View, known: boolean): Outcome {
  const status = statusOf(view);
  if (status !== undefined && status >= 200 && status <= 299) return 'ok';
  if (status === 401) return known ? 'authfail' : 'challenge';
  if (status !== undefined && status !== 403) return outcomeOfStatus(status);
  if (status === 403 || isRefused(view)) return 'denied';
  const type = view.text(AZURE.resultType)?.toLowerCase();
  return type === undefined || type === '' || type.startsWith('succe') ? 'ok' : 'error';
}

const isRefused = (view: View): boolean =>
  view.flag(AZURE.isAccessPolicyMatch) === false ||
  view.flag(AZURE.isRbacAuthorized) === false ||
  view.flag(AZURE.isAddressAuthorized) === false;

export function outcomeOfStatus(status: number): Outcome {
  if (status >= 200 && status <= 299) return 'ok';
  if (status === 401) return 'authfail';
  if (status === 403) return 'denied';
  if (status === 404) return 'notfound';
  return status === 429 ? 'throttled' : 'error';
}
