/** The targets that keywheel.yaml may name. */
import * as z from 'zod';
import { duration, endpoint, host, port } from './schema-basics.ts';
import { httpTarget } from './schema-http.ts';

const tls = z.strictObject({
  mode: z
    .enum(['verify-full', 'disable'])
    .describe(
      'verify-full checks the certificate and the host name. disable is refused for hosts other than loopback. There is no mode that falls back.',
    ),
  ca: z.string().min(1).optional().describe('A PEM file with the certificate authorities to trust instead of the system ones.'),
  serverName: z.string().min(1).optional().describe('The name the certificate must carry, where it is not the host.'),
});

const postgresTarget = z.strictObject({
  kind: z.literal('postgres'),
  host: host.describe('The only host that the admin credential is ever sent to.'),
  port: port.default(5432),
  database: z.string().min(1),
  tls: tls.default({ mode: 'verify-full' }),
  admin: z
    .strictObject({
      username: z.string().min(1),
      passwordEnv: z.string().min(1).optional().describe('The environment variable that holds the password.'),
      passwordFile: z.string().min(1).optional().describe('A file with mode 0600 that holds the password.'),
      secret: z.string().min(1).optional().describe('A secret in the same store whose `password` field is used.'),
    })
    .describe('The role that changes passwords: CREATEROLE with ADMIN OPTION on the accounts is enough.'),
  accounts: z
    .array(z.string().min(1).max(63))
    .min(1)
    .max(2)
    .describe(
      'The login roles this secret may name: two for dual-account, one for in-place. Pinned: nothing in the secret can change them, and no ' +
        'name is made from another one.',
    ),
  ownerRole: z
    .string()
    .min(1)
    .max(63)
    .optional()
    .describe(
      'The NOLOGIN role that both accounts SET ROLE to, so that neither owns objects. Required for dual-account. For a pair that AWS’s ' +
        'multi-user template made (`app`, and `app_clone` as a member of it), the account that the other one is a member of: it owns the ' +
        'objects and holds the grants, and nothing is granted to the other. docs/guides/from-aws-templates.md tells more.',
    ),
  endpoints: z
    .array(z.strictObject({ name: z.string().min(1), host, port: port.default(5432) }))
    .min(1)
    .optional()
    .describe(
      'Every endpoint that consumers connect to (writer, readers, pooler); new material is verified at each. Default: the host above.',
    ),
  connectTimeout: duration.default(5000),
  statementTimeout: duration.default(10_000),
});

const awsIamKeyTarget = z.strictObject({
  kind: z.literal('aws-iam-key'),
  userName: z
    .string()
    .regex(/^[\w+=,.@-]{1,64}$/, 'write the name of an IAM user')
    .describe('The IAM user whose access keys are rotated. Pinned: nothing in the secret can change it.'),
  account: z
    .string()
    .regex(/^\d{12}$/, 'write the 12 digits of an AWS account')
    .optional()
    .describe('The AWS account that the user belongs to; another one is refused.'),
  region: z
    .string()
    .min(1)
    .default('us-east-1')
    .describe('The region that IAM is asked through, and whose STS endpoint new keys are verified at.'),
  verifyRegions: z
    .array(z.string().min(1))
    .min(1)
    .max(20)
    .optional()
    .describe('Every region whose STS endpoint new keys are verified at, where consumers work in several. Default: region.'),
  endpoint: endpoint.optional(),
  stsEndpoint: endpoint
    .optional()
    .describe('Another address for STS, where it is not that of endpoint: a VPC endpoint, for example.'),
});

export const target = z.discriminatedUnion('kind', [postgresTarget, awsIamKeyTarget, httpTarget]);
