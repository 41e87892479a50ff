/** Logins, refusals, tokens and wrapping. */
import { CANARY, DEFAULT_TTL, app, keeping, nobody, password, root, type Step } from './step.ts';

export const PEOPLE: readonly Step[] = [
  [
    'logs in',
    keeping(nobody('POST', 'auth/userpass/login/ann', { password }), (k, a) => void (k.ann = a.token)),
    `login ok by userpass-ann ${DEFAULT_TTL}s`,
  ],
  [
    'has a wrong password',
    nobody('POST', 'auth/userpass/login/ann', { password: `${CANARY}-wrong` }),
    'login authfail by userpass-ann',
  ],
  ['is nobody', nobody('POST', 'auth/userpass/login/Bob', { password: `${CANARY}-wrong` }), 'login authfail by userpass-bob'],
  [
    'logs in by AppRole',
    keeping(
      (b, k) => b.ask('POST', 'auth/approle/login', { body: { role_id: k.role, secret_id: k.secret } }),
      (k, a) => void (k.app = a.token),
    ),
    'login ok by approle app 3600s',
  ],
  [
    'has a wrong secret id',
    (b, k) => b.ask('POST', 'auth/approle/login', { body: { role_id: k.role, secret_id: CANARY } }),
    'login authfail by unknown by approle',
  ],
  [
    'has a wrong role',
    nobody('POST', 'auth/approle/login', { role_id: CANARY, secret_id: CANARY }),
    'login authfail by unknown by approle',
  ],
  ['logs in nowhere', nobody('POST', 'auth/nope/login', { password }), 'login authfail by unknown by nope'],
  [
    'reads as a person',
    (b, k) => b.ask('GET', 'kv/data/app/db', { token: k.ann }),
    `read ok vault:kv:app/db#3 by userpass-ann ${DEFAULT_TTL}s`,
  ],
  ['reads as a workload', app('GET', 'kv/data/app/db'), 'read ok vault:kv:app/db#3 by approle app 3600s'],
  ['is denied', app('GET', 'kv/data/other'), 'read denied vault:kv:other by approle app 3600s'],
  ['is denied a list', app('LIST', 'kv/metadata'), 'list denied vault:kv: by approle app 3600s'],
  ['is denied raw storage', app('GET', 'sys/raw/core/mounts'), 'read denied vault:sys:raw/core/mounts by approle app 3600s'],
  ['is denied a snapshot', app('GET', 'sys/storage/raft/snapshot'), 'backup denied by approle app 3600s'],
  ['is denied a root token', app('POST', 'auth/token/create', { policies: ['root'] }), 'token denied by approle app 3600s'],
  [
    'has a dead token',
    (b) => b.ask('GET', 'kv/data/app/db', { token: `s.${CANARY}` }),
    'read authfail vault:kv:app/db by unknown',
  ],
  ['has no token', (b) => b.ask('GET', 'kv/data/app/db'), 'read authfail vault:kv:app/db by unknown'],
  ['asks who it is', app('GET', 'auth/token/lookup-self'), 'whoami ok by approle app 3600s'],
  ['renews itself', app('POST', 'auth/token/renew-self', {}), 'other ok by approle app 3600s'],
  ['asks what it may', app('POST', 'sys/capabilities-self', { paths: ['kv/data/app/db'] }), 'whoami ok by approle app 3600s'],
  ['asks for its mount', app('GET', 'sys/internal/ui/mounts/kv'), 'other ok by approle app 3600s'],
  ['makes a root token', root('POST', 'auth/token/create', { policies: ['root'] }), 'token ok by root [endless makesRoot root]'],
  [
    'makes a periodic token',
    root('POST', 'auth/token/create', { policies: ['reader'], period: '24h' }),
    'token ok by root [endless root] 86400s',
  ],
  [
    'makes an orphan',
    root('POST', 'auth/token/create-orphan', { policies: ['reader'] }),
    `token ok by root [endless root] ${DEFAULT_TTL}s`,
  ],
  [
    'makes one without a parent',
    root('POST', 'auth/token/create', { policies: ['reader'], no_parent: true, ttl: '2h' }),
    'token ok by root [endless root] 7200s',
  ],
  [
    'makes a long one',
    root('POST', 'auth/token/create', { policies: ['reader'], ttl: '700h' }),
    `token ok by root [root] ${700 * 3_600}s`,
  ],
  [
    'makes a batch token',
    root('POST', 'auth/token/create', { policies: ['reader'], type: 'batch', ttl: '1h' }),
    'token ok by root [root] 3600s',
  ],
  ['lists accessors', root('LIST', 'auth/token/accessors'), 'list ok by root [root]'],
  [
    'writes a token role',
    root('POST', 'auth/token/roles/ci', { allowed_policies: ['reader'], orphan: true }),
    'policy ok to ci by root [root]',
  ],
  [
    'wraps a read',
    keeping(
      (b, k) => b.ask('GET', 'kv/data/app/db', { token: k.app, wrap: '60s' }),
      (k, a) => void (k.wrapping = a.wrapping),
    ),
    'read ok vault:kv:app/db by approle app [wrapped] 3600s',
  ],
  [
    'looks at the wrapping',
    (b, k) => b.ask('POST', 'sys/wrapping/lookup', { body: { token: k.wrapping } }),
    'describe ok by unknown',
  ],
  [
    'unwraps',
    (b, k) => b.ask('POST', 'sys/wrapping/unwrap', { token: k.wrapping }),
    'read ok by who unwraps for approle [unwrap] 60s',
  ],
  ['unwraps again', (b, k) => b.ask('POST', 'sys/wrapping/unwrap', { token: k.wrapping }), 'read authfail by unknown [unwrap]'],
  ['uses its cubbyhole', app('POST', 'cubbyhole/x', { password }), 'create ok vault:cubbyhole:x by approle app 3600s'],
];
