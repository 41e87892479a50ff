export const TEMPLATE_FOLDER = '.keywheel';
export const TEMPLATE_KEY = `${TEMPLATE_FOLDER}/store.key`;

/** What `keywheel init` writes. It loads as it stands; `keywheel doctor` says what the example still lacks. */
export const TEMPLATE = `# keywheel.yaml: what Keywheel rotates, where it keeps it, and how.
# No secret belongs in this file. Unknown keys are refused; \`keywheel doctor\` checks the rest.
version: 1

# The journal and the leases of rotations. Paths are relative to this file.
state:
  kind: sqlite
  path: ${TEMPLATE_FOLDER}/state.db

# Where consumers read secrets.
stores:
  local:
    kind: local
    path: ${TEMPLATE_FOLDER}/store.db
    # 32 random bytes in base64, mode 0600. Without it the store cannot be read: back it up.
    keyFile: ${TEMPLATE_KEY}
  # Or a cloud's own, with the credentials that its SDK finds by itself (docs/guides):
  # aws: { kind: aws, region: eu-central-1 }
  # gcp: { kind: gcp, project: my-project }
  # azure: { kind: azure, vaultUrl: https://my-vault.vault.azure.net }
  # vault: { kind: vault, address: https://vault.example.com:8200, login: { method: kubernetes, role: keywheel } }

# Times in which no rotation starts and nothing is retired.
# blackouts:
#   - from: 2026-12-24T00:00:00Z
#     to: 2026-12-27T00:00:00Z
#     reason: holidays

secrets:
  # The name under which consumers read it: keywheel get app/db
  app/db:
    store: local
    # dual-account: two login roles take turns, so the old password works until nobody uses it.
    strategy: dual-account
    target:
      kind: postgres
      # The only host that the admin credential is ever sent to.
      host: db.example.com
      port: 5432
      database: app
      tls:
        # The certificate and the host name are checked. There is no mode that falls back.
        mode: verify-full
        # ca: ca.pem
      admin:
        # A role with CREATEROLE and ADMIN OPTION on both accounts.
        username: keywheel_admin
        # Exactly one of passwordEnv, passwordFile (mode 0600) or secret (in the same store).
        passwordEnv: KEYWHEEL_PG_ADMIN_PASSWORD
      # Pinned: whoever can write the secret cannot point the admin credential at another role.
      accounts: [app_a, app_b]
      # The NOLOGIN role that both accounts SET ROLE to, so that neither owns objects.
      ownerRole: app_owner
      # Every endpoint that consumers connect to; a new password is tried at each before it is published.
      # endpoints:
      #   - { name: writer, host: db.example.com }
      #   - { name: reader, host: db-ro.example.com }
    schedule:
      # Either every or cron ("0 3 * * 1").
      every: 30d
      timeZone: UTC
      window: { from: '01:00', to: '05:00' }
      jitter: 30m
    consumers:
      # The longest that any consumer keeps a password that it has read.
      maxCacheAge: 1h
    # How long the previous password keeps working; never less than maxCacheAge.
    grace: 2h
`;
