import { describe, expect, it } from 'vitest';
import { eventOf, fixturesOf, parsed, type Json } from '../../../../test/audit/sources.ts';
import { FLAG } from '../../event.ts';
import { awsSource } from '../aws.ts';
import { outcomeOf } from './call.ts';

const fixtures = fixturesOf('aws');
const A = '111122223333';
const base = fixtures['get-secret-value'] ?? {};
const kms = fixtures['kms-decrypt-direct'] ?? {};
const ssm = fixtures['get-parameters'] ?? {};
const trail = fixtures['cloudtrail-exclude-kms'] ?? {};
const read = (from: Json, changes: Json) => eventOf(awsSource, { ...from, ...changes });

describe('how a call ended', () => {
  it.each([
    [undefined, 'ok'],
    ['AccessDenied', 'denied'],
    ['AccessDeniedException', 'denied'],
    ['Client.UnauthorizedOperation', 'denied'],
    ['UnauthorizedOperation', 'denied'],
    ['VpceAccessDenied', 'denied'],
    ['ThrottlingException', 'throttled'],
    ['Client.RequestLimitExceeded', 'throttled'],
    ['ResourceNotFoundException', 'notfound'],
    ['ParameterNotFound', 'notfound'],
    ['NoSuchEntityException', 'notfound'],
    ['InvalidClientTokenId', 'authfail'],
    ['ExpiredTokenException', 'authfail'],
    ['SignatureDoesNotMatch', 'authfail'],
    ['UnrecognizedClientException', 'authfail'],
    ['InvalidParameterValue', 'error'],
    ['InternalServiceError', 'error'],
  ])('%s is %s', (code, outcome) => {
    expect(outcomeOf(code)).toBe(outcome);
  });
});

describe('where a call came from', () => {
  it.each([
    ['203.0.113.24', {}, 'public'],
    ['10.0.3.7', {}, 'private'],
    ['203.0.113.24', { vpcEndpointId: 'vpce-1' }, 'private'],
    ['secretsmanager.amazonaws.com', {}, 'service'],
    ['AWS Internal', {}, 'internal'],
    ['somewhere', {}, 'none'],
  ])('%s %j', (sourceIPAddress, more, kind) => {
    expect(read(base, { sourceIPAddress, ...more }).net.kind).toBe(kind);
  });

  it('marks the console, a cloud shell and automation', () => {
    const flags = (changes: Json): number => read(base, changes).flags & (FLAG.console | FLAG.automation);
    expect(flags({ sessionCredentialFromConsole: 'true' })).toBe(FLAG.console);
    expect(flags({ userAgent: 'aws-cli/2.17.40 exec-env/CloudShell ua/2.0' })).toBe(FLAG.console);
    expect(flags({ userAgent: 'APN/1.0 HashiCorp/1.0 Terraform/1.9.5' })).toBe(FLAG.automation);
    expect(flags({})).toBe(0);
  });
});

describe('what KMS records', () => {
  const parameter = { encryptionContext: { PARAMETER_ARN: `arn:aws:ssm:eu-west-1:${A}:parameter/prod/db` } };

  it.each([
    ['a parameter that a service decrypts', { sourceIPAddress: 'ssm.amazonaws.com', requestParameters: parameter }, FLAG.echo],
    ['a parameter that is decrypted from inside', { sourceIPAddress: 'AWS Internal', requestParameters: parameter }, FLAG.echo],
    ['the same from an address of its own', { requestParameters: parameter }, 0],
    [
      'an object that another service decrypts',
      { sourceIPAddress: 'AWS Internal', requestParameters: { encryptionContext: { 'aws:s3:arn': 'arn:aws:s3:::b' } } },
      0,
    ],
  ])('%s', (_name, changes, echo) => {
    expect(read(kms, changes).flags & FLAG.echo).toBe(echo);
  });

  it.each([
    ['ScheduleKeyDeletion', 'destroy'],
    ['DisableKey', 'config'],
    ['DeleteImportedKeyMaterial', 'destroy'],
    ['ReplicateKey', 'backup'],
    ['PutKeyPolicy', 'policy'],
    ['GenerateDataKeyWithoutPlaintext', 'crypto'],
    ['CancelKeyDeletion', 'restore'],
    ['ListKeys', 'list'],
  ])('%s is %s', (eventName, verb) => {
    expect(read(kms, { eventName, readOnly: false }).verb).toBe(verb);
  });
});

describe('what Parameter Store records', () => {
  it('leaves what AWS publishes for everybody alone', () => {
    const names = ['/aws/service/eks/optimized-ami/1.30/amazon-linux-2023/recommended/image_id'];
    expect(parsed(awsSource, { ...ssm, requestParameters: { names } })).toEqual({ skip: 'irrelevant' });
    expect(parsed(awsSource, { ...ssm, eventName: 'GetParameter', requestParameters: { name: names[0] } })).toEqual({
      skip: 'irrelevant',
    });
  });

  it('reaches all only from the root and below', () => {
    const catchAll = (requestParameters: Json): number =>
      read(ssm, { eventName: 'GetParametersByPath', requestParameters }).flags & FLAG.catchAll;
    expect(catchAll({ path: '/', recursive: true })).toBe(FLAG.catchAll);
    expect(catchAll({ path: '/' })).toBe(0);
    expect(catchAll({ path: '/prod', recursive: true })).toBe(0);
  });

  it('names the secret of a refused request by its message', () => {
    const refused = {
      eventName: 'GetParameter',
      requestParameters: null,
      errorCode: 'AccessDenied',
      errorMessage: `User: x is not authorized to perform: ssm:GetParameter on resource: arn:aws:ssm:eu-west-1:${A}:parameter/prod/db because no policy allows it`,
    };
    expect(read(ssm, refused)).toMatchObject({ outcome: 'denied', secrets: [{ key: `aws:ssm:${A}:eu-west-1:/prod/db` }] });
  });
});

describe('a batch', () => {
  it.each([
    ['only excludes', [{ key: 'tag-key', values: ['!a', '!b'] }], true],
    ['has no filter', undefined, true],
    [
      'excludes and takes',
      [
        { key: 'name', values: ['prod/'] },
        { key: 'tag-key', values: ['!a'] },
      ],
      false,
    ],
  ])('that %s', (_name, filters, all) => {
    const event = read(base, { eventName: 'BatchGetSecretValue', requestParameters: { filters } });
    expect((event.flags & FLAG.catchAll) !== 0).toBe(all);
  });

  it('names at most a hundred', () => {
    const secretIdList = Array.from({ length: 5_000 }, (_, index) => `s${index}`);
    expect(read(base, { eventName: 'BatchGetSecretValue', requestParameters: { secretIdList } }).secrets).toHaveLength(100);
  });
});

describe('what trails are told to record', () => {
  const off = (requestParameters: Json): boolean => (read(trail, { requestParameters }).flags & FLAG.auditOff) !== 0;
  const all = { readWriteType: 'All', includeManagementEvents: true };
  const field = (name: string, more: Json): Json => ({ field: name, ...more });

  it.each([
    ['all', { eventSelectors: [all] }, false],
    ['all but keys', { eventSelectors: [{ ...all, excludeManagementEventSources: ['kms.amazonaws.com'] }] }, true],
    ['writes only', { eventSelectors: [{ ...all, readWriteType: 'WriteOnly' }] }, true],
    ['no management events', { eventSelectors: [{ ...all, includeManagementEvents: false }] }, true],
    [
      'management events',
      { advancedEventSelectors: [{ fieldSelectors: [field('eventCategory', { equals: ['Management'] })] }] },
      false,
    ],
    [
      'management events but for keys',
      {
        advancedEventSelectors: [
          {
            fieldSelectors: [
              field('eventCategory', { equals: ['Management'] }),
              field('eventSource', { notEquals: ['kms.amazonaws.com'] }),
            ],
          },
        ],
      },
      true,
    ],
    [
      'management events that change something',
      {
        advancedEventSelectors: [
          { fieldSelectors: [field('eventCategory', { equals: ['Management'] }), field('readOnly', { equals: ['false'] })] },
        ],
      },
      true,
    ],
    ['data events', { advancedEventSelectors: [{ fieldSelectors: [field('eventCategory', { equals: ['Data'] })] }] }, true],
  ])('%s', (_name, parameters, expected) => {
    expect(off(parameters)).toBe(expected);
  });

  it('sees the log group of a trail deleted, and no other', () => {
    const logs = { ...trail, eventSource: 'logs.amazonaws.com', eventName: 'DeleteLogGroup' };
    expect(read(logs, { requestParameters: { logGroupName: 'aws-cloudtrail-logs-1' } })).toMatchObject({
      verb: 'audit',
      flags: FLAG.auditOff,
    });
    expect(parsed(awsSource, { ...logs, requestParameters: { logGroupName: '/aws/lambda/f' } })).toEqual({ skip: 'irrelevant' });
  });
});
