/** CloudTrail, as its record contents are documented: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html */
import type { Random } from '../random.ts';
import type { Act, Seat, Secret } from '../types.ts';
import { roleArn, secretArn, userArn } from './arns.ts';
import { callOf } from './aws-calls.ts';
import type { Call } from './aws-others.ts';
import { json, seconds, type Out, type Writer } from './writer.ts';

/** Open at its end: `invokedBy` may follow. */
function identityHead(seat: Seat): string {
  const { identity, session, key, born } = seat;
  const { store, kind, id } = identity;
  const account = store.name;
  if (kind === 'user' || kind === 'app') {
    return `{"type":"IAMUser","principalId":"${id}","arn":"${userArn(identity)}","accountId":"${account}","accessKeyId":"${key}","userName":"${identity.name}"`;
  }
  if (kind === 'root')
    return `{"type":"Root","principalId":"${account}","arn":"arn:aws:iam::${account}:root","accountId":"${account}","accessKeyId":"${key}"`;
  if (kind === 'foreign') return `{"type":"AWSAccount","principalId":"${id}:${session}","accountId":"${identity.home}"`;
  const arn = roleArn(identity);
  const role = arn.slice(arn.lastIndexOf('/') + 1);
  const federated =
    kind === 'pod'
      ? `"webIdFederationData":{"federatedProvider":"arn:aws:iam::${account}:oidc-provider/oidc.eks.${store.regions[0]}.amazonaws.com/id/${id.slice(4).toUpperCase()}","attributes":{}},`
      : kind === 'ci'
        ? `"webIdFederationData":{"federatedProvider":"arn:aws:iam::${account}:oidc-provider/token.actions.githubusercontent.com","attributes":{}},`
        : '';
  return (
    `{"type":"AssumedRole","principalId":"${id}:${session}","arn":"arn:aws:sts::${account}:assumed-role/${role}/${session}","accountId":"${account}","accessKeyId":"${key}",` +
    `"sessionContext":{"sessionIssuer":{"type":"Role","principalId":"${id}","arn":"${arn}","accountId":"${account}","userName":"${role}"},${federated}"attributes":{"creationDate":"${seconds(born)}Z","mfaAuthenticated":"false"}${kind === 'instance' ? ',"ec2RoleDelivery":"2.0"' : ''}}`
  );
}

const callerArn = (seat: Seat): string => {
  const { identity, session } = seat;
  if (identity.kind === 'user' || identity.kind === 'app') return userArn(identity);
  if (identity.kind === 'root') return `arn:aws:iam::${identity.store.name}:root`;
  const role = roleArn(identity);
  return `arn:aws:sts::${identity.store.name}:assumed-role/${role.slice(role.lastIndexOf('/') + 1)}/${session}`;
};

function failure(act: Act, call: Call): string {
  const service = call.source.split('.')[0] ?? '';
  switch (act.result as string) {
    case 'denied': {
      const on = act.secret === undefined ? '*' : secretArn(act.secret);
      return `"errorCode":"AccessDenied","errorMessage":${json(`User: ${callerArn(act.seat)} is not authorized to perform: ${service}:${call.name} on resource: ${on} because no identity-based policy allows the ${service}:${call.name} action`)},`;
    }
    case 'notfound':
      return service === 'ssm'
        ? '"errorCode":"ParameterNotFound",'
        : `"errorCode":"ResourceNotFoundException","errorMessage":"Secrets Manager can't find the specified secret${act.op === 'pending' ? ' value for staging label: AWSPENDING' : ''}.",`;
    case 'throttled':
      return '"errorCode":"ThrottlingException","errorMessage":"Rate exceeded",';
    case 'expired':
      return '"errorCode":"ExpiredTokenException","errorMessage":"The security token included in the request is expired",';
    case 'authfail':
      return call.name === 'ConsoleLogin'
        ? '"errorMessage":"Failed authentication",'
        : '"errorCode":"UnrecognizedClientException","errorMessage":"The security token included in the request is invalid.",';
    case 'error':
      return '"errorCode":"InternalServiceError","errorMessage":"An error occurred on the server side.",';
    default:
      return '';
  }
}

const consoleUser = ({ client }: Seat): string => (client.console ? ',"sessionCredentialFromConsole":"true"' : '');

export function awsWriter(random: Random): Writer {
  function record(act: Act, call: Call, out: Out, invokedBy = ''): void {
    const { seat } = act;
    const head = seat.head === '' ? (seat.head = identityHead(seat)) : seat.head;
    const id = random.uuid();
    const service = invokedBy === '' && seat.identity.kind === 'agent' ? `${seat.identity.name}.amazonaws.com` : invokedBy;
    const region = act.secret?.region ?? act.store.regions[0] ?? 'us-east-1';
    const where = service === '' ? seat.address : service;
    const agent = service === '' ? json(seat.client.agents.aws) : `"${service}"`;
    const identity = call.identity ?? (service === '' ? `${head}}` : `${head},"invokedBy":"${service}"}`);
    const tail =
      service !== ''
        ? ''
        : seat.endpoint === ''
          ? `,"tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"${call.source.replace('.amazonaws', `.${region}.amazonaws`)}"}`
          : `,"vpcEndpointId":"${seat.endpoint}","vpcEndpointAccountId":"${act.store.name}","tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"${call.source.replace('.amazonaws', `.${region}.amazonaws`)}"}`;
    out(
      `{"eventVersion":"1.11","userIdentity":${identity},"eventTime":"${seconds(act.time)}Z","eventSource":"${call.source}","eventName":"${call.name}","awsRegion":"${call.global === true ? 'us-east-1' : region}","sourceIPAddress":"${call.type === 'AwsServiceEvent' ? call.source : where}","userAgent":${call.type === 'AwsServiceEvent' ? `"${call.source}"` : agent},` +
        `${failure(act, call)}"requestParameters":${call.request},"responseElements":${act.result === 'ok' ? (call.response ?? 'null') : call.name === 'ConsoleLogin' ? '{"ConsoleLogin":"Failure"}' : 'null'},${call.extra === undefined ? '' : `"additionalEventData":${call.extra},`}"requestID":"${random.uuid()}","eventID":"${id}","readOnly":${call.readOnly},` +
        `${call.resources === undefined ? '' : `"resources":${call.resources},`}"eventType":"${call.type ?? 'AwsApiCall'}","managementEvent":true,"recipientAccountId":"${act.store.name}",${seat.identity.kind === 'foreign' ? `"sharedEventID":"${random.uuid()}",` : ''}"eventCategory":"Management"${tail}${consoleUser(seat)}}`,
      id,
    );
  }

  /** The store's own use of the key leaves a record of its own. */
  function echo(act: Act, secret: Secret, out: Out, name: 'Decrypt' | 'GenerateDataKey'): void {
    const service = secret.type === 'param' ? 'ssm.amazonaws.com' : 'secretsmanager.amazonaws.com';
    const context =
      secret.type === 'param'
        ? `"PARAMETER_ARN":"${secretArn(secret)}"`
        : `"SecretARN":"${secretArn(secret)}","SecretVersionId":"${secret.version}"`;
    const request =
      name === 'Decrypt'
        ? `{"encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{${context}}}`
        : `{"keySpec":"AES_256","encryptionContext":{${context}},"keyId":"${act.store.key}"}`;
    const call: Call = {
      source: 'kms.amazonaws.com',
      name,
      request,
      readOnly: true,
      resources: `[{"accountId":"${act.store.name}","type":"AWS::KMS::Key","ARN":"${act.store.key}"}]`,
    };
    record(act, call, out, service);
  }

  return (act, out) => {
    const call = callOf(act, random);
    if (call === undefined) return;
    record(act, call, out);
    if (act.result !== 'ok') return;
    const { secret, store } = act;
    if (act.op === 'readMany' || act.op === 'readAll') {
      // "Secrets Manager generates CloudTrail GetSecretValue log entries for each secret": API reference of BatchGetSecretValue.
      for (const one of act.extras.secrets ?? []) {
        if (one.type !== 'secret') continue;
        const each = callOf({ ...act, op: 'read', secret: one }, random);
        if (each !== undefined) record({ ...act, secret: one }, each, out);
        if (store.echoes) echo(act, one, out, 'Decrypt');
      }
      return;
    }
    if (!store.echoes || secret === undefined) return;
    if (act.op === 'read' || act.op === 'readOld' || act.op === 'pending') echo(act, secret, out, 'Decrypt');
    else if (act.op === 'write' || (act.op === 'create' && secret.type === 'param')) echo(act, secret, out, 'GenerateDataKey');
  };
}
