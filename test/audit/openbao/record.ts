/** A record as Vault's servers write it, with what a test changes. */
import { FLAG } from '../../../shared/audit/event.ts';
import type { Json } from '../sources.ts';

export const HMAC = `hmac-sha256:${'ab'.repeat(32)}`;

export interface Over {
  readonly type?: string;
  readonly error?: string;
  readonly auth?: Json;
  readonly request?: Json;
  readonly response?: Json;
}

/** A response to an AppRole's request, as servers write it. */
export const record = ({ type = 'response', error, auth, request, response }: Over = {}): Json => ({
  time: '2026-11-20T08:00:00.123456789Z',
  type,
  auth: auth ?? {
    client_token: HMAC,
    accessor: HMAC,
    display_name: 'approle',
    policies: ['app', 'default'],
    policy_results: { allowed: true },
    metadata: { role_name: 'app' },
    entity_id: 'e-1',
    token_ttl: 3_600,
    token_type: 'service',
  },
  request: {
    id: 'r-1',
    operation: 'read',
    client_token: HMAC,
    client_token_accessor: HMAC,
    mount_point: 'kv/',
    mount_type: 'kv',
    mount_class: 'secret',
    namespace: { id: 'root' },
    path: 'kv/data/app/db',
    remote_address: '10.0.0.5',
    ...request,
  },
  ...(type === 'response' ? { response: response ?? { mount_type: 'kv', data: { data: {}, metadata: { version: 2 } } } } : {}),
  ...(error === undefined ? {} : { error }),
});
/** What a request is asked with. */
export const at = (operation: string, where: string, type?: string, mount?: string): Json => ({
  operation,
  path: where,
  mount_type: type,
  mount_point: mount,
});

export const flagsOf = (flags: number): string[] =>
  Object.entries(FLAG).flatMap(([name, bit]) => ((flags & bit) === 0 ? [] : [name]));
