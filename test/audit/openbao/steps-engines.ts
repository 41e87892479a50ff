/** Other engines and the system, down to the seal. */
import { CANARY, DEFAULT_TTL, keeping, password, root, type Step } from './step.ts';

export const ENGINES: readonly Step[] = [
  ['enables transit', root('POST', 'sys/mounts/transit', { type: 'transit' }), 'config ok by root [root]'],
  ['makes a key', root('POST', 'transit/keys/k', {}), 'create ok vault:transit:k by root [root]'],
  [
    'makes it exportable, in words',
    root('POST', 'transit/keys/k/config', { exportable: 'true' }),
    'config ok vault:transit:k by root [exportable root]',
  ],
  [
    'makes it deletable',
    root('POST', 'transit/keys/k/config', { deletion_allowed: true }),
    'config ok vault:transit:k by root [exportable root]',
  ],
  [
    'encrypts',
    keeping(
      root('POST', 'transit/encrypt/k', { plaintext: 'Y2FuYXJ5LTNmOWE=' }),
      (k, a) => void (k.ciphertext = String(a.data['ciphertext'])),
    ),
    'crypto ok vault:transit:k by root [root]',
  ],
  [
    'decrypts',
    (b, k) => b.ask('POST', 'transit/decrypt/k', { token: b.root, body: { ciphertext: k.ciphertext } }),
    'crypto ok vault:transit:k by root [root]',
  ],
  ['exports the key', root('GET', 'transit/export/encryption-key/k'), 'backup ok vault:transit:k by root [root]'],
  ['may not back it up', root('GET', 'transit/backup/k'), 'backup error vault:transit:k by root [root]'],
  ['rotates it', root('POST', 'transit/keys/k/rotate'), 'write ok vault:transit:k by root [root]'],
  ['deletes it', root('DELETE', 'transit/keys/k'), 'destroy ok vault:transit:k by root [force root]'],
  ['enables PKI', root('POST', 'sys/mounts/pki', { type: 'pki' }), 'config ok by root [root]'],
  [
    'exports an authority',
    root('POST', 'pki/root/generate/exported', { common_name: CANARY, ttl: '1h' }),
    'create ok vault:pki:root/generate/exported by root [exportable root]',
  ],
  [
    'makes a PKI role',
    root('POST', 'pki/roles/server', { allow_any_name: true }),
    'config ok vault:pki:roles/server by root [root]',
  ],
  [
    'issues a certificate',
    root('POST', 'pki/issue/server', { common_name: `${CANARY}.test`, ttl: '20m' }),
    'read ok vault:pki:issue/server by root [root]',
  ],
  ['enables SSH', root('POST', 'sys/mounts/ssh', { type: 'ssh' }), 'config ok by root [root]'],
  [
    'makes an SSH authority',
    root('POST', 'ssh/config/ca', { generate_signing_key: true }),
    'create ok vault:ssh:config/ca by root [root]',
  ],
  [
    'cannot sign without a role',
    root('POST', 'ssh/sign/ops', { public_key: CANARY }),
    'crypto error vault:ssh:sign/ops by root [root]',
  ],
  ['lists mounts', root('GET', 'sys/mounts'), 'list ok by root [root]'],
  ['looks at audit devices', root('GET', 'sys/audit'), 'describe ok by root [root]'],
  ['adds an audit device', root('POST', 'sys/audit/more', { type: 'file' }), 'audit error by root [root]'],
  ['removes an audit device', root('DELETE', 'sys/audit/more'), 'audit ok by root [auditOff root]'],
  ['makes an entity', root('POST', 'identity/entity', { name: 'bob' }), 'policy ok by root [root]'],
  ['revokes leases by prefix', root('POST', 'sys/leases/revoke-prefix/pki', {}), 'destroy ok by root [force root]'],
  ['makes a namespace', root('POST', 'sys/namespaces/team', {}), 'config ok by root [root]'],
  ['enables KV there', root('POST', 'team/sys/mounts/kv', { type: 'kv', options: { version: '2' } }), 'config ok by root [root]'],
  ['writes there', root('POST', 'team/kv/data/a/b', { data: { password } }), 'create ok vault:team/kv:a/b#1 by root [root]'],
  ['disables an engine', root('DELETE', 'sys/mounts/old'), 'destroy ok vault:old: by root [force root]'],
  [
    'revokes itself',
    (b, k) => b.ask('POST', 'auth/token/revoke-self', { token: k.ann }),
    `other ok by userpass-ann ${DEFAULT_TTL}s`,
  ],
  ['seals', root('PUT', 'sys/seal'), 'config ok by root [root]'],
];
