/** What each act is called in CloudTrail, and with which parameters. */
import type { Random } from '../random.ts';
import type { Act, Secret } from '../types.ts';
import { secretArn } from './arns.ts';
import { identityServices, keysAndTrails, type Call } from './aws-others.ts';
import { json } from './writer.ts';

const SM = 'secretsmanager.amazonaws.com';
const SSM = 'ssm.amazonaws.com';

const idOf = (secret: Secret): string => (secret.byArn ? secretArn(secret) : secret.name);

function secretsManager(act: Act, secret: Secret | undefined): Call | undefined {
  const name = secret === undefined ? (act.extras.name ?? 'x') : idOf(secret);
  const arn = secret === undefined ? '' : secretArn(secret);
  const read = (event: string, request: string): Call => ({ source: SM, name: event, request, readOnly: true });
  const change = (event: string, request: string, response = `{"arn":"${arn}","name":"${secret?.name ?? ''}"}`): Call => ({
    source: SM,
    name: event,
    request,
    response,
    readOnly: false,
  });
  switch (act.op as string) {
    case 'read':
      return read('GetSecretValue', `{"secretId":"${name}"}`);
    case 'readOld':
      return read('GetSecretValue', `{"secretId":"${name}","versionStage":"AWSPREVIOUS"}`);
    case 'pending':
      return read('GetSecretValue', `{"secretId":"${arn}","versionId":"${secret?.version ?? ''}","versionStage":"AWSPENDING"}`);
    case 'describe':
      return read('DescribeSecret', `{"secretId":"${name}"}`);
    case 'policyRead':
      return read('GetResourcePolicy', `{"secretId":"${name}"}`);
    case 'history':
      return read('ListSecretVersionIds', `{"secretId":"${name}","includeDeprecated":true}`);
    case 'readMany':
      return read('BatchGetSecretValue', json({ secretIdList: (act.extras.secrets ?? []).map(idOf) }));
    case 'readAll':
      return read(
        'BatchGetSecretValue',
        json({ filters: [{ key: 'tag-key', values: [act.extras.detail ?? '!x'] }], maxResults: 20 }),
      );
    case 'create':
      return change(
        'CreateSecret',
        `{"name":"${secret?.name ?? name}","description":"","clientRequestToken":"${secret?.version ?? ''}"}`,
      );
    case 'write':
      return change(
        'PutSecretValue',
        `{"secretId":"${name}","clientRequestToken":"${secret?.version ?? ''}"${act.extras.detail === 'current' ? '' : ',"versionStages":["AWSPENDING"]'}}`,
      );
    case 'stage':
      return change(
        'UpdateSecretVersionStage',
        `{"secretId":"${arn}","versionStage":"AWSCURRENT","moveToVersionId":"${secret?.version ?? ''}","removeFromVersionId":"${secret?.previous ?? ''}"}`,
      );
    case 'delete':
      return change('DeleteSecret', `{"secretId":"${name}","recoveryWindowInDays":30}`);
    case 'destroy':
      return change('DeleteSecret', `{"secretId":"${name}","forceDeleteWithoutRecovery":true}`);
    case 'restore':
      return change('RestoreSecret', `{"secretId":"${name}"}`);
    case 'replicate':
      return change(
        'ReplicateSecretToRegions',
        json({
          secretId: name,
          addReplicaRegions: [{ region: act.extras.elsewhere ?? 'sa-east-1' }],
          forceOverwriteReplicaSecret: false,
        }),
      );
    case 'rotationOff':
      return change('CancelRotateSecret', `{"secretId":"${name}"}`);
    case 'policy':
    case 'public': {
      const who =
        act.op === 'public'
          ? '*'
          : {
              AWS:
                act.extras.detail === 'narrow'
                  ? `arn:aws:iam::${act.store.name}:role/${secret?.name.split(/[/-]/)[0] ?? 'x'}`
                  : `arn:aws:iam::${act.extras.elsewhere ?? '000000000000'}:root`,
            };
      const policy = {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: who, Action: 'secretsmanager:GetSecretValue', Resource: '*' }],
      };
      return change('PutResourcePolicy', json({ secretId: name, resourcePolicy: json(policy), blockPublicPolicy: false }));
    }
    case 'rotated':
      return {
        source: SM,
        name: act.extras.detail ?? 'RotationSucceeded',
        request: 'null',
        extra: `{"SecretId":"${arn}"}`,
        identity: `{"accountId":"${act.store.name}","invokedBy":"${SM}"}`,
        type: 'AwsServiceEvent',
        readOnly: false,
      };
    default:
      return undefined;
  }
}

function parameters(act: Act, secret: Secret): Call | undefined {
  const read = (event: string, request: string): Call => ({ source: SSM, name: event, request, readOnly: true });
  const change = (event: string, request: string, response = 'null'): Call => ({
    source: SSM,
    name: event,
    request,
    response,
    readOnly: false,
  });
  switch (act.op as string) {
    case 'read':
    case 'pending':
      return read('GetParameter', `{"name":"${secret.name}","withDecryption":true}`);
    case 'readOld':
    case 'history':
      return read('GetParameterHistory', `{"name":"${secret.name}","withDecryption":true}`);
    case 'readMany':
      return read('GetParameters', json({ names: (act.extras.secrets ?? []).map(({ name }) => name), withDecryption: true }));
    case 'readPath':
      return read(
        'GetParametersByPath',
        json({ path: act.extras.name ?? '/', recursive: true, withDecryption: true, maxResults: 10 }),
      );
    case 'describe':
      return read('DescribeParameters', json({ parameterFilters: [{ key: 'Name', option: 'Equals', values: [secret.name] }] }));
    case 'create':
      return change(
        'PutParameter',
        `{"name":"${secret.name}","type":"SecureString","value":"HIDDEN_DUE_TO_SECURITY_REASONS","tier":"Standard"}`,
        '{"version":1,"tier":"Standard"}',
      );
    case 'write':
      return change(
        'PutParameter',
        `{"name":"${secret.name}","type":"SecureString","value":"HIDDEN_DUE_TO_SECURITY_REASONS","overwrite":true}`,
        `{"version":${secret.serial},"tier":"Standard"}`,
      );
    case 'delete':
    case 'destroy':
      return change('DeleteParameter', `{"name":"${secret.name}"}`);
    default:
      return undefined;
  }
}

/** Undefined where AWS has nothing of the kind. */
export function callOf(act: Act, random: Random): Call | undefined {
  if (act.op === 'list') {
    const params = act.extras.detail === 'param' || (act.store.secrets[0]?.type === 'param' && act.extras.detail !== 'secret');
    return params
      ? { source: SSM, name: 'DescribeParameters', request: json({ maxResults: 50 }), readOnly: true }
      : { source: SM, name: 'ListSecrets', request: json({ maxResults: 100, sortOrder: 'asc' }), readOnly: true };
  }
  const secret = act.secret ?? act.extras.secrets?.[0];
  const parameter = secret?.type === 'param' || act.op === 'readPath';
  const own = parameter && secret !== undefined ? parameters(act, secret) : secretsManager(act, act.secret);
  return own ?? identityServices(act, random) ?? keysAndTrails(act);
}
