/** The fields of a CloudTrail record that are looked at. No path leads through another, so that one pass over the bytes can take them all. */
import { plan } from '../../view.ts';

const identity = (...path: readonly string[]): readonly string[] => ['userIdentity', ...path];
const request = (name: string): readonly string[] => ['requestParameters', name];
const response = (name: string): readonly string[] => ['responseElements', name];

export const AWS_PLAN = plan({
  eventTime: ['eventTime'],
  eventSource: ['eventSource'],
  eventName: ['eventName'],
  eventCategory: ['eventCategory'],
  eventID: ['eventID'],
  requestID: ['requestID'],
  awsRegion: ['awsRegion'],
  sourceIPAddress: ['sourceIPAddress'],
  userAgent: ['userAgent'],
  errorCode: ['errorCode'],
  errorMessage: ['errorMessage'],
  readOnly: ['readOnly'],
  recipientAccountId: ['recipientAccountId'],
  vpcEndpointId: ['vpcEndpointId'],
  fromConsole: ['sessionCredentialFromConsole'],
  resources: ['resources'],

  type: identity('type'),
  principalId: identity('principalId'),
  arn: identity('arn'),
  accountId: identity('accountId'),
  accessKeyId: identity('accessKeyId'),
  userName: identity('userName'),
  invokedBy: identity('invokedBy'),
  identityProvider: identity('identityProvider'),
  onBehalfOfUser: identity('onBehalfOf', 'userId'),
  onBehalfOfStore: identity('onBehalfOf', 'identityStoreArn'),
  inScopeOf: identity('inScopeOf', 'issuerType'),
  issuerArn: identity('sessionContext', 'sessionIssuer', 'arn'),
  issuerName: identity('sessionContext', 'sessionIssuer', 'userName'),
  mfa: identity('sessionContext', 'attributes', 'mfaAuthenticated'),
  federatedProvider: identity('sessionContext', 'webIdFederationData', 'federatedProvider'),
  ec2RoleDelivery: identity('sessionContext', 'ec2RoleDelivery'),
  sourceIdentity: identity('sessionContext', 'sourceIdentity'),

  secretId: request('secretId'),
  secretIdList: request('secretIdList'),
  filters: request('filters'),
  maxResults: request('maxResults'),
  versionId: request('versionId'),
  versionStage: request('versionStage'),
  clientRequestToken: request('clientRequestToken'),
  moveToVersionId: request('moveToVersionId'),
  force: request('forceDeleteWithoutRecovery'),
  resourcePolicy: request('resourcePolicy'),
  kmsKeyId: request('kmsKeyId'),
  addReplicaRegions: request('addReplicaRegions'),

  name: request('name'),
  names: request('names'),
  path: request('path'),
  recursive: request('recursive'),

  keyId: request('keyId'),
  destinationKeyId: request('destinationKeyId'),
  policy: request('policy'),
  granteePrincipal: request('granteePrincipal'),
  aliasName: request('aliasName'),
  secretContext: ['requestParameters', 'encryptionContext', 'SecretARN'],
  parameterContext: ['requestParameters', 'encryptionContext', 'PARAMETER_ARN'],

  durationSeconds: request('durationSeconds'),
  granteeUser: request('userName'),
  granteeRole: request('roleName'),
  granteeGroup: request('groupName'),
  policyArn: request('policyArn'),
  policyDocument: request('policyDocument'),
  trustPolicy: request('assumeRolePolicyDocument'),

  eventSelectors: request('eventSelectors'),
  advancedEventSelectors: request('advancedEventSelectors'),
  isMultiRegionTrail: request('isMultiRegionTrail'),
  includeGlobal: request('includeGlobalServiceEvents'),
  logGroupName: request('logGroupName'),
  streamName: request('streamName'),
  deliveryStreamName: request('deliveryStreamName'),
  bucketName: request('bucketName'),
  rule: request('rule'),

  madeVersion: response('versionId'),
  parameterVersion: response('version'),
  loginResult: response('ConsoleLogin'),
  arnMade: response('arn'),
  arnMadeUpper: response('ARN'),
  // As Secrets Manager wrote it before February 2024: https://docs.aws.amazon.com/secretsmanager/latest/userguide/cloudtrail_log_entries.html
  arnMadeOdd: response('aRN'),
  keyMade: ['responseElements', 'keyMetadata', 'arn'],

  secretArn: ['additionalEventData', 'ARN'],
  secretArnOdd: ['additionalEventData', 'aRN'],
  secretIdOfService: ['additionalEventData', 'SecretId'],
  mfaUsed: ['additionalEventData', 'MFAUsed'],
  userAuthentication: ['serviceEventDetails', 'UserAuthentication'],
  credentialVerification: ['serviceEventDetails', 'CredentialVerification'],
});

/** The index of each field, for `View`. */
export const AWS = AWS_PLAN.at;
