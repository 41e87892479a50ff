/**
 * The IAM statements of the AWS functions, made from keywheel.yaml: a function may touch the secrets, the users and the one table that the
 * configuration names, and nothing beside them. Pure, so that a test can hold every action and every resource.
 * Actions and their resource types: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
 */
import type { Config } from '../../../shared/config/index.ts';
import { KeywheelError } from '../../../shared/errors.ts';
import { scoreStatements } from './policy-score.ts';
import {
  encryption,
  logs,
  network,
  PARTITION,
  READ_ACTIONS,
  secretArn,
  sub,
  table,
  type FunctionName,
  type Named,
  type PolicyOptions,
  type Statement,
  type Text,
} from './statements.ts';

export type { FunctionName, PolicyOptions, Statement } from './statements.ts';

/** A role's inline policies together; white space does not count. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
const ROLE_LIMIT = 10_240;
/** What the intrinsics become is shorter than they are, but for a partition or region with a long name. */
const MARGIN = 1000;

const SCORING: ReadonlySet<FunctionName> = new Set(['score', 'scoreTick', 'ack']);

export function statementsOf(name: FunctionName, config: Config, options: PolicyOptions = {}): Statement[] {
  const statements = SCORING.has(name)
    ? scoreStatements(name, config, options)
    : [
        logs(name),
        ...secrets(config, options),
        ...encryption(options),
        table(config),
        ...users(config),
        ...(name === 'advance' ? queues() : []),
        ...(options.vpc === true ? network(name) : []),
      ];
  const length = JSON.stringify(statements).length;
  if (length > ROLE_LIMIT - MARGIN) {
    throw new KeywheelError('ERR_CONFIG_INVALID', `the role of ${name} would hold ${length} characters, more than IAM allows`, {
      hint: 'give the secrets names with a common beginning, and pass it as --param="secretPrefix=prod/"',
    });
  }
  return statements;
}

function secrets(config: Config, { secretPrefix }: PolicyOptions): Statement[] {
  const rotated = new Map<string, Named>();
  const admins = new Map<string, Named>();
  for (const [name, { store: storeName, target }] of Object.entries(config.secrets)) {
    const store = config.stores[storeName];
    if (store?.kind !== 'aws') continue;
    const place = { region: store.region ?? '${AWS::Region}', account: store.account ?? '${AWS::AccountId}' };
    if (secretPrefix !== undefined && !name.startsWith(secretPrefix)) {
      throw new KeywheelError('ERR_CONFIG_INVALID', `secretPrefix is ${secretPrefix}, and ${name} does not begin so`, {
        hint: 'name a beginning that all secrets in AWS stores share, or leave secretPrefix out',
        subject: name,
      });
    }
    rotated.set(JSON.stringify([place, name]), { name, ...place });
    const admin = 'admin' in target ? target.admin.secret : undefined;
    if (admin !== undefined) admins.set(JSON.stringify([place, admin]), { name: admin, ...place });
  }
  for (const key of rotated.keys()) admins.delete(key); // read with the others already
  const arns = [...rotated.values()].map(secretArn);
  const places = new Map([...rotated.values()].map((each) => [`${each.region} ${each.account}`, each]));
  const prefixed = [...places.values()].map(({ region, account }) =>
    sub(`arn:${PARTITION}:secretsmanager:${region}:${account}:secret:${secretPrefix}*`),
  );
  return [
    ...(arns.length === 0
      ? []
      : [
          {
            Sid: 'RotatedSecrets',
            Effect: 'Allow' as const,
            Action: SECRET_ACTIONS,
            Resource: secretPrefix === undefined ? arns : prefixed,
          },
        ]),
    ...(admins.size === 0
      ? []
      : [
          {
            Sid: 'AdminSecrets',
            Effect: 'Allow' as const,
            Action: READ_ACTIONS,
            Resource: [...admins.values()].map(secretArn),
          },
        ]),
  ];
}

const SECRET_ACTIONS = [
  'secretsmanager:DescribeSecret',
  'secretsmanager:GetSecretValue',
  'secretsmanager:ListSecretVersionIds',
  'secretsmanager:PutSecretValue',
  'secretsmanager:UpdateSecretVersionStage',
];

function users(config: Config): Statement[] {
  const arns = Object.values(config.secrets).flatMap(({ target }): Text[] => {
    if (target.kind !== 'aws-iam-key') return [];
    const user = `arn:${PARTITION}:iam::${target.account ?? '${AWS::AccountId}'}:user`;
    // A name is unique in its account, and its ARN also holds the path that the user was made under. A name holds no slash.
    return [sub(`${user}/${target.userName}`), sub(`${user}/*/${target.userName}`)];
  });
  if (arns.length === 0) return [];
  return [{ Sid: 'UserKeys', Effect: 'Allow', Action: USER_ACTIONS, Resource: arns }];
}

/** docs/guides/api-keys.md says why each. */
const USER_ACTIONS = [
  'iam:CreateAccessKey',
  'iam:DeleteAccessKey',
  'iam:GetAccessKeyLastUsed',
  'iam:GetUser',
  'iam:ListAccessKeys',
  'iam:ListUserTags',
  'iam:TagUser',
  'iam:UntagUser',
  'iam:UpdateAccessKey',
];

/** Lambda polls the queue as the function's role, and leaves there what failed for good. */
function queues(): Statement[] {
  return [
    {
      Sid: 'Queue',
      Effect: 'Allow',
      Action: ['sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ReceiveMessage'],
      Resource: [{ 'Fn::GetAtt': ['AdvanceQueue', 'Arn'] }],
    },
    {
      Sid: 'DeadLetters',
      Effect: 'Allow',
      Action: ['sqs:SendMessage'],
      Resource: [{ 'Fn::GetAtt': ['DeadLetterQueue', 'Arn'] }],
    },
  ];
}
