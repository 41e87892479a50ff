/** What Slack answers, by the names that its methods document. https://docs.slack.dev/reference/methods/chat.postMessage#errors */
import type { ErrorCode } from '@slack/web-api';
import type { Failure } from '../failure.ts';
import { failureOfStatus } from '../failure.ts';

const LOGIN = new Set([
  'account_inactive',
  'invalid_auth',
  'not_authed',
  'not_allowed_token_type',
  'token_expired',
  'token_revoked',
  'two_factor_setup_required',
  'org_login_required',
]);
const FORBIDDEN = new Set([
  'access_denied',
  'ekm_access_denied',
  'enterprise_is_restricted',
  'missing_scope',
  'no_permission',
  'not_in_channel',
  'restricted_action',
  'restricted_action_read_only_channel',
  'restricted_action_thread_only_channel',
  'restricted_action_non_threadable_channel',
  'restricted_action_thread_locked',
  'team_access_not_granted',
]);
const THROTTLED = new Set(['rate_limited', 'ratelimited', 'message_limit_exceeded']);
const UNAVAILABLE = new Set(['fatal_error', 'internal_error', 'request_timeout', 'service_unavailable', 'team_added_to_org']);
/** The message that was to be changed is not there, or can no longer be. */
const GONE = new Set(['message_not_found', 'cant_update_message', 'edit_window_closed', 'thread_not_found']);

const HINTS: Readonly<Record<string, string>> = {
  missing_scope: 'the app needs the scope chat:write; install it again after adding it',
  not_in_channel: 'invite the app to the channel',
  channel_not_found: 'write the id of a channel that the app was invited to',
  is_archived: 'name a channel that is not archived',
};

interface Told {
  readonly code?: `${ErrorCode}`;
  readonly data?: { readonly error?: unknown };
  readonly statusCode?: unknown;
  readonly retryAfter?: unknown;
}

/** The failure, and whether it says that the message is gone. Judges what the SDK throws by codes only. */
export function slackFailure(error: unknown): Failure & { readonly gone: boolean } {
  const { code, data, statusCode, retryAfter } = (typeof error === 'object' && error !== null ? error : {}) as Told;
  if (code === 'slack_webapi_rate_limited_error') {
    const wait = typeof retryAfter === 'number' ? retryAfter * 1000 : undefined;
    return { kind: 'throttled', why: 'Slack asks to wait', retryAfter: wait, gone: false };
  }
  if (code === 'slack_webapi_http_error' && typeof statusCode === 'number')
    return { ...failureOfStatus(statusCode), gone: false };
  if (code !== 'slack_webapi_platform_error') return { kind: 'unavailable', why: 'Slack does not answer', gone: false };
  const said = typeof data?.error === 'string' && /^\w{1,64}$/.test(data.error) ? data.error : 'an unknown error';
  const kind = LOGIN.has(said)
    ? 'login'
    : FORBIDDEN.has(said)
      ? 'forbidden'
      : THROTTLED.has(said)
        ? 'throttled'
        : UNAVAILABLE.has(said)
          ? 'unavailable'
          : 'failed';
  return { kind, why: `Slack answered ${said}`, gone: GONE.has(said), hint: HINTS[said] };
}
