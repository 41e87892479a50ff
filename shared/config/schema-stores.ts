/** The stores that keywheel.yaml may name, and how each is reached. Credentials are never in the file: default chains and identities. */
import * as z from 'zod';
import { duration, endpoint } from './schema-basics.ts';

const localStore = z.strictObject({
  kind: z.literal('local'),
  path: z.string().min(1).describe('The store file, relative to keywheel.yaml. Values in it are encrypted with AES-256-GCM.'),
  keyFile: z.string().min(1).optional().describe('A file with mode 0600 that holds the 32-byte key in base64.'),
  keyEnv: z.string().min(1).optional().describe('The environment variable that holds the key in base64 instead of a file.'),
});

const awsStore = z.strictObject({
  kind: z.literal('aws'),
  region: z
    .string()
    .min(1)
    .optional()
    .describe('The region of the primary secrets. Default: AWS_REGION and the SDK’s own chain.'),
  account: z
    .string()
    .regex(/^\d{12}$/, 'write the 12 digits of an AWS account')
    .optional()
    .describe('The AWS account that the secrets belong to; events from another one are refused.'),
  endpoint: endpoint.optional(),
  replicaTimeout: duration
    .default(900_000)
    .describe('How long replicas may take to be InSync after publishing, before a warning.'),
});

const gcpStore = z.strictObject({
  kind: z.literal('gcp'),
  project: z.string().min(1).describe('The project id. Secret names are ids inside it.'),
  projectNumber: z
    .string()
    .regex(/^\d+$/, 'write the project’s number')
    .optional()
    .describe('The project’s number, which notifications carry; when set, notifications of another project are refused.'),
  location: z.string().min(1).optional().describe('The location of regional secrets; global secrets when absent.'),
  endpoint: endpoint.optional(),
  pendingSuffix: z
    .string()
    .min(1)
    .default('--pending')
    .describe('The companion secret that holds pending is the name with this suffix.'),
  readLag: duration
    .optional()
    .describe(
      'How long consumers may read the old current after publishing; grace is longer by this. Default 10m: Google says minutes.',
    ),
});

const azureStore = z.strictObject({
  kind: z.literal('azure'),
  vaultUrl: endpoint.describe('The address of the Key Vault, for example https://NAME.vault.azure.net.'),
  pendingSuffix: z
    .string()
    .min(1)
    .default('--pending')
    .describe('The companion secret that holds pending is the name with this suffix.'),
  expiresAfter: duration
    .optional()
    .describe('Published versions get an expiry this far ahead, so that Event Grid tells when it nears.'),
});

const vaultPath = (ends: '' | '/' | '/?', write: string) =>
  z.string().regex(new RegExp(String.raw`^(?!.*\.\.)(?!(.*\/)?\.(\/|$))[^\s/?#%]+(\/[^\s/?#%]+)*${ends}$`), write);
const vaultMount = vaultPath('', 'write the path of a mount such as secret or team/kv, without slashes at its ends');

const vaultLogin = z.discriminatedUnion('method', [
  z.strictObject({
    method: z.literal('approle'),
    mount: vaultMount.default('approle').describe('Where the AppRole auth method is mounted, below auth/.'),
    roleIdEnv: z.string().min(1).optional().describe('The environment variable that holds the role id.'),
    roleIdFile: z.string().min(1).optional().describe('The file that holds the role id, instead of a variable.'),
    secretIdEnv: z.string().min(1).optional().describe('The environment variable that holds the secret id.'),
    secretIdFile: z
      .string()
      .min(1)
      .optional()
      .describe('The file that holds the secret id, read at each login. Without either the role must not bind one.'),
  }),
  z.strictObject({
    method: z.literal('kubernetes'),
    mount: vaultMount.default('kubernetes').describe('Where the Kubernetes auth method is mounted, below auth/.'),
    role: z.string().min(1),
    jwtFile: z
      .string()
      .min(1)
      .default('/var/run/secrets/kubernetes.io/serviceaccount/token')
      .describe('The service account token, read at each login, since Kubernetes rotates it.'),
  }),
  z.strictObject({
    method: z.literal('jwt'),
    mount: vaultMount.default('jwt').describe('Where the JWT auth method is mounted, below auth/.'),
    role: z.string().min(1),
    jwtEnv: z.string().min(1).optional().describe('The environment variable that holds the token.'),
    jwtFile: z.string().min(1).optional().describe('The file that holds the token, read at each login.'),
  }),
  z.strictObject({
    method: z.literal('token'),
    tokenEnv: z.string().min(1).optional().describe('Default VAULT_TOKEN.'),
    tokenFile: z
      .string()
      .min(1)
      .optional()
      .describe('A token that an agent keeps fresh. It is read at each run and never revoked.'),
  }),
]);

const vaultStore = z.strictObject({
  kind: z.literal('vault'),
  address: endpoint.describe('The address of Vault or OpenBao.'),
  namespace: vaultPath('/?', 'write a namespace such as admin/team')
    .optional()
    .describe('Sent as X-Vault-Namespace. Default: VAULT_NAMESPACE.'),
  mount: vaultMount.default('secret').describe('The mount of the KV v2 engine. Secret names are paths in it.'),
  pendingPrefix: vaultPath('/', 'write a folder of the mount that ends with a slash, such as keywheel-pending/')
    .default('keywheel-pending/')
    .describe('Pending versions are under this path of the mount, which consumers are not granted.'),
  ca: z
    .string()
    .min(1)
    .optional()
    .describe('A PEM file with the certificate authorities to trust instead of the system ones. Default: VAULT_CACERT.'),
  login: vaultLogin,
});

export const store = z.discriminatedUnion('kind', [localStore, awsStore, gcpStore, azureStore, vaultStore]);
