/** What is recorded beside the stores: STS, IAM, sign-in, KMS, CloudTrail. */
import type { Random } from '../random.ts';
import type { Act } from '../types.ts';
import { roleArn } from './arns.ts';
import { json } from './writer.ts';

export interface Call {
  readonly source: string;
  readonly name: string;
  /** JSON texts. */
  readonly request: string;
  readonly response?: string;
  readonly extra?: string;
  readonly resources?: string;
  readonly identity?: string;
  readonly readOnly: boolean;
  readonly type?: string;
  readonly global?: boolean;
}

const KMS = 'kms.amazonaws.com';
const STS = 'sts.amazonaws.com';
const IAM = 'iam.amazonaws.com';

export function identityServices(act: Act, random: Random): Call | undefined {
  const { seat, extras, store } = act;
  const { identity } = seat;
  const grantee = extras.grantee ?? identity;
  const people = grantee.kind === 'user' || grantee.kind === 'app';
  switch (act.op as string) {
    case 'whoami':
      return { source: STS, name: 'GetCallerIdentity', request: 'null', readOnly: true };
    case 'enumerate': {
      const name = extras.detail ?? 'ListUsers';
      const source =
        name === 'DescribeInstances' || name === 'DescribeRegions'
          ? 'ec2.amazonaws.com'
          : name === 'ListBuckets'
            ? 's3.amazonaws.com'
            : IAM;
      return {
        source,
        name,
        request: name.startsWith('List') ? '{"maxItems":100}' : 'null',
        readOnly: true,
        global: source === IAM,
      };
    }
    case 'login': {
      const role = roleArn(identity);
      const ttl = 3600;
      if (identity.kind === 'function') {
        const service = 'lambda.amazonaws.com';
        return {
          source: STS,
          name: 'AssumeRole',
          request: json({ roleArn: role, roleSessionName: seat.session }),
          response: credentials(seat.key, role, seat.session),
          readOnly: true,
          identity: `{"type":"AWSService","invokedBy":"${service}"}`,
        };
      }
      const subject =
        identity.kind === 'pod'
          ? `system:serviceaccount:${identity.name}:${identity.name}`
          : `repo:${store.owner}/${identity.name}:ref:refs/heads/main`;
      const provider =
        identity.kind === 'pod'
          ? `arn:aws:iam::${store.name}:oidc-provider/oidc.eks.${store.regions[0]}.amazonaws.com/id/${identity.id.slice(4)}`
          : `arn:aws:iam::${store.name}:oidc-provider/token.actions.githubusercontent.com`;
      return {
        source: STS,
        name: 'AssumeRoleWithWebIdentity',
        request: json({ roleArn: role, roleSessionName: seat.session, durationSeconds: ttl }),
        response: credentials(seat.key, role, seat.session),
        readOnly: true,
        identity: json({
          type: 'WebIdentityUser',
          principalId: `${provider}:sts.amazonaws.com:${subject}`,
          userName: subject,
          identityProvider: provider,
        }),
      };
    }
    case 'assume':
      return {
        source: STS,
        name: 'AssumeRole',
        request: json({
          roleArn: roleArn(grantee),
          roleSessionName: extras.name ?? seat.session,
          durationSeconds: extras.ttl ?? 3600,
        }),
        response: credentials(`ASIA${random.base32(16)}`, roleArn(grantee), seat.session),
        readOnly: true,
      };
    case 'token':
      return {
        source: STS,
        name: 'GetSessionToken',
        request: json({ durationSeconds: extras.ttl ?? 43_200 }),
        response: `{"credentials":{"accessKeyId":"ASIA${random.base32(16)}"}}`,
        readOnly: true,
      };
    case 'newKey':
      return {
        source: IAM,
        name: 'CreateAccessKey',
        request: json({ userName: grantee.name }),
        response: json({ accessKey: { accessKeyId: `AKIA${random.base32(16)}`, status: 'Active', userName: grantee.name } }),
        readOnly: false,
        global: true,
      };
    case 'grant': {
      const policy = json({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: ['secretsmanager:*', 'ssm:GetParameter*', 'kms:Decrypt'], Resource: '*' }],
      });
      return people
        ? {
            source: IAM,
            name: 'PutUserPolicy',
            request: json({ userName: grantee.name, policyName: extras.name ?? 'access', policyDocument: policy }),
            readOnly: false,
            global: true,
          }
        : {
            source: IAM,
            name: 'PutRolePolicy',
            request: json({
              roleName: roleArn(grantee).split('/').at(-1),
              policyName: extras.name ?? 'access',
              policyDocument: policy,
            }),
            readOnly: false,
            global: true,
          };
    }
    case 'consoleLogin': {
      const failed = act.result !== 'ok';
      return {
        source: 'signin.amazonaws.com',
        name: 'ConsoleLogin',
        request: 'null',
        response: '{"ConsoleLogin":"Success"}',
        extra: `{"LoginTo":"https://console.aws.amazon.com/console/home","MobileVersion":"No","MFAUsed":"${identity.kind === 'sso' ? 'Yes' : 'No'}"}`,
        readOnly: false,
        type: 'AwsConsoleSignIn',
        ...(failed
          ? {
              identity: json({ type: 'IAMUser', accountId: store.name, accessKeyId: '', userName: extras.name ?? identity.name }),
            }
          : {}),
      };
    }
    default:
      return undefined;
  }
}

const credentials = (key: string, role: string, session: string): string =>
  json({
    credentials: { accessKeyId: key, expiration: 'Jan 1, 2026, 1:00:00 AM' },
    assumedRoleUser: { arn: `${role.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}/${session}` },
  });

export function keysAndTrails(act: Act): Call | undefined {
  const { store, extras } = act;
  const resources = json([{ accountId: store.name, type: 'AWS::KMS::Key', ARN: store.key }]);
  switch (act.op as string) {
    case 'decrypt':
      return {
        source: KMS,
        name: 'Decrypt',
        request: json({ encryptionAlgorithm: 'SYMMETRIC_DEFAULT', encryptionContext: { purpose: 'field' }, keyId: store.key }),
        readOnly: true,
        resources,
      };
    case 'encrypt':
      return {
        source: KMS,
        name: 'GenerateDataKey',
        request: json({ keySpec: 'AES_256', encryptionContext: { purpose: 'field' }, keyId: store.key }),
        readOnly: true,
        resources,
      };
    case 'keyConfig':
      return {
        source: KMS,
        name: 'PutKeyPolicy',
        request: json({
          keyId: store.key,
          policyName: 'default',
          policy: json({
            Version: '2012-10-17',
            Statement: [
              {
                Effect: 'Allow',
                Principal: { AWS: extras.elsewhere === undefined ? '*' : `arn:aws:iam::${extras.elsewhere}:root` },
                Action: 'kms:*',
                Resource: '*',
              },
            ],
          }),
        }),
        readOnly: false,
        resources,
      };
    case 'keyDelete':
      return {
        source: KMS,
        name: 'ScheduleKeyDeletion',
        request: json({ keyId: store.key, pendingWindowInDays: 7 }),
        response: json({ keyId: store.key, keyState: 'PendingDeletion' }),
        readOnly: false,
        resources,
      };
    case 'auditOff': {
      const name = extras.detail ?? 'StopLogging';
      const trail = `arn:aws:cloudtrail:${store.regions[0]}:${store.name}:trail/${extras.name ?? 'management'}`;
      const request =
        name === 'PutEventSelectors'
          ? {
              trailName: trail,
              eventSelectors: [
                {
                  readWriteType: 'WriteOnly',
                  includeManagementEvents: true,
                  dataResources: [],
                  excludeManagementEventSources: ['kms.amazonaws.com'],
                },
              ],
            }
          : { name: trail };
      return { source: 'cloudtrail.amazonaws.com', name, request: json(request), readOnly: false };
    }
    case 'sinkOff':
      return {
        source: 'logs.amazonaws.com',
        name: 'DeleteSubscriptionFilter',
        request: json({ logGroupName: 'aws-cloudtrail-logs', filterName: extras.name ?? 'to-siem' }),
        readOnly: false,
      };
    default:
      return undefined;
  }
}
