/** How a call came and how it ended. */
import type { Net, Outcome } from '../../event.ts';
import type { View } from '../../view.ts';
import { netOf, NO_NET } from '../common.ts';
import { AWS } from './plan.ts';

const SERVICE: Net = Object.freeze({ kind: 'service' });
const INTERNAL: Net = Object.freeze({ kind: 'internal' });
const endpoints = new WeakMap<Net, Net>();

/** Whether an address, a user agent or an invoker is a service: `secretsmanager.amazonaws.com`. */
export const isService = (text: string | undefined): boolean =>
  text !== undefined &&
  text.length < 128 &&
  (text.endsWith('.amazonaws.com') || text.endsWith('.amazonaws.com.cn') || text.endsWith('.amazon.com'));

/**
 * The network that a call came from. Through a VPC endpoint it is private whatever the address, as a VPC may use public ranges inside.
 * https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html says of sourceIPAddress that it can
 * be a service's DNS name or `AWS Internal`.
 */
export function netOfCall(view: View): Net {
  const address = view.text(AWS.sourceIPAddress);
  const net = netOf(address);
  if (net.kind === 'none') {
    if (isService(address)) return SERVICE;
    return address === 'AWS Internal' || address === 'AWS internal' ? INTERNAL : NO_NET;
  }
  if (net.kind !== 'public' || view.text(AWS.vpcEndpointId) === undefined) return net;
  let inside = endpoints.get(net);
  if (inside === undefined) {
    inside = Object.freeze({ ...net, kind: 'private' });
    endpoints.set(net, inside);
  }
  return inside;
}

/** In this order: `UnauthorizedOperation` is known and refused, `UnrecognizedClient` is not known. */
const CLASSES: readonly (readonly [part: string, outcome: Outcome])[] = [
  ['AccessDenied', 'denied'],
  ['AccessDisabled', 'denied'],
  ['Unauthorized', 'denied'],
  ['NotAuthorized', 'denied'],
  ['Forbidden', 'denied'],
  ['Throttl', 'throttled'],
  ['TooManyRequests', 'throttled'],
  ['RequestLimitExceeded', 'throttled'],
  ['SlowDown', 'throttled'],
  ['NotFound', 'notfound'],
  ['NoSuchEntity', 'notfound'],
  ['InvalidClientTokenId', 'authfail'],
  ['UnrecognizedClient', 'authfail'],
  ['ExpiredToken', 'authfail'],
  ['InvalidAccessKeyId', 'authfail'],
  ['InvalidIdentityToken', 'authfail'],
  ['IDPRejectedClaim', 'authfail'],
  ['SignatureDoesNotMatch', 'authfail'],
  ['InvalidSignature', 'authfail'],
  ['IncompleteSignature', 'authfail'],
  ['MissingAuthenticationToken', 'authfail'],
  ['AuthFailure', 'authfail'],
  ['InvalidToken', 'authfail'],
  ['Failed authentication', 'authfail'],
];

/** https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html, with and without `Client.` and `Exception`. */
export function outcomeOf(errorCode: string | undefined): Outcome {
  if (errorCode === undefined || errorCode === '') return 'ok';
  const code = errorCode.slice(0, 128);
  for (const [part, outcome] of CLASSES) if (code.includes(part)) return outcome;
  return 'error';
}

const ON = ' on resource: ';

/**
 * What somebody was refused: `… is not authorized to perform: secretsmanager:GetSecretValue on resource: NAME because …`. A refused request's
 * parameters are often left out. https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
 */
export function refusedResource(view: View): string | undefined {
  if (view.text(AWS.errorCode) === undefined) return undefined;
  const message = view.text(AWS.errorMessage)?.slice(0, 2_048) ?? '';
  const at = message.indexOf(ON);
  if (at === -1) return undefined;
  const name = message.slice(at + ON.length).split(' ', 1)[0] ?? '';
  return name === '' || name === '*' ? undefined : name;
}
