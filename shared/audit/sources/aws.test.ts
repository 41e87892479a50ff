import { describe, expect, it } from 'vitest';
import { eventOf, fixturesOf, holdsTheContract, parsed, concerns, type Json } from '../../../test/audit/sources.ts';
import { FLAG, type AuditEvent } from '../event.ts';
import { awsSource } from './aws.ts';

const fixtures = fixturesOf('aws');
const fixture = (name: string): Json => fixtures[name] ?? {};

const A = '111122223333';
const ROLE = `arn:aws:iam::${A}:role/app-role`;
const DB = `aws:sm:${A}:eu-west-1:prod/db`;
const KEY = `aws:kms:${A}:eu-west-1:1234abcd-12ab-34cd-56ef-1234567890ab`;

const brief = ({ verb, outcome, principal, secrets, weight, flags, net, client }: AuditEvent): Json => ({
  verb,
  outcome,
  who: `${principal.kind} ${principal.id}`,
  what: secrets.map(({ key, version }) => (version === undefined ? key : `${key}#${version}`)),
  weight,
  flags: Object.entries(FLAG)
    .filter(([, bit]) => (flags & bit) !== 0)
    .map(([name]) => name),
  net: net.kind,
  client,
});

const app = { outcome: 'ok', who: `workload ${ROLE}`, weight: 1, flags: [], net: 'public', client: 'boto3' };
const service = {
  who: 'service aws:service:secretsmanager.amazonaws.com',
  net: 'service',
  client: 'service',
  weight: 1,
  outcome: 'ok',
};

const EXPECTED: readonly (readonly [string, Json])[] = [
  ['get-secret-value', { ...app, verb: 'read', what: [DB] }],
  ['get-previous-by-full-arn', { ...app, verb: 'read', what: [`${DB}#AWSPREVIOUS`], flags: ['history'] }],
  [
    'get-cross-account',
    {
      ...app,
      verb: 'read',
      who: 'unknown aws:444455556666:AROAEXAMPLEEXAMPLE009',
      what: [`aws:sm:${A}:eu-west-1:shared/token`],
      flags: ['external'],
    },
  ],
  ['batch-by-list', { ...app, verb: 'read', what: [DB, `aws:sm:${A}:eu-west-1:prod/mail`], weight: 2, flags: ['batch'] }],
  ['batch-only-excludes', { ...app, verb: 'read', what: [], weight: 20, flags: ['batch', 'byPath', 'catchAll'] }],
  ['delete-without-recovery', { ...app, verb: 'destroy', what: [DB], flags: ['force'] }],
  ['put-resource-policy-public', { ...app, verb: 'policy', what: [DB], flags: ['public'] }],
  ['rotation-failed', { ...service, verb: 'config', what: [DB], flags: ['system'] }],
  ['end-secret-version-delete', { ...service, verb: 'delete', what: [DB], flags: ['echo', 'system'] }],
  ['denied-read', { ...app, verb: 'read', outcome: 'denied', what: [DB] }],
  [
    'get-parameters',
    {
      ...app,
      verb: 'read',
      what: [`aws:ssm:${A}:eu-west-1:/prod/app/db`, `aws:ssm:${A}:eu-west-1:token#3`],
      weight: 2,
      flags: ['batch'],
    },
  ],
  ['get-parameters-by-path-root', { ...app, verb: 'read', what: [], weight: 10, flags: ['byPath', 'catchAll'] }],
  ['put-parameter', { ...app, verb: 'write', what: [`aws:ssm:${A}:eu-west-1:/prod/app/db#4`] }],
  ['kms-decrypt-echo', { ...app, verb: 'crypto', what: [KEY], flags: ['echo'], net: 'service', client: 'service' }],
  ['kms-decrypt-direct', { ...app, verb: 'crypto', what: [KEY] }],
  ['kms-create-grant-external', { ...app, verb: 'policy', what: [KEY], flags: ['external'] }],
  ['sts-assume-role-chained', { ...app, verb: 'login', what: [] }],
  [
    'sts-get-caller-identity-sso',
    {
      ...app,
      verb: 'whoami',
      who: `human arn:aws:iam::${A}:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Developer_0123456789abcdef/jo@example.com`,
      what: [],
      client: 'aws-cli',
    },
  ],
  ['iam-create-access-key', { ...app, verb: 'token', who: `unknown arn:aws:iam::${A}:user/ops/ci`, what: [] }],
  ['iam-put-role-policy-broad', { ...app, verb: 'policy', what: [], flags: ['broad'] }],
  [
    'console-login-root-no-mfa',
    {
      ...app,
      verb: 'login',
      who: `root arn:aws:iam::${A}:root`,
      what: [],
      flags: ['console', 'root', 'noMfa'],
      client: 'browser',
    },
  ],
  [
    'console-login-failed',
    {
      ...app,
      verb: 'login',
      outcome: 'authfail',
      who: `human arn:aws:iam::${A}:user/HIDDEN_DUE_TO_SECURITY_REASONS`,
      what: [],
      flags: ['console', 'noMfa'],
      client: 'browser',
    },
  ],
  ['cloudtrail-stop-logging', { ...app, verb: 'audit', what: [], flags: ['auditOff'] }],
  ['cloudtrail-exclude-kms', { ...app, verb: 'audit', what: [], flags: ['auditOff'] }],
  [
    'vpc-endpoint-denied',
    {
      ...app,
      verb: 'read',
      outcome: 'denied',
      who: 'unknown aws:444455556666:AIDAEXAMPLEEXAMPLE077',
      what: [],
      flags: ['external'],
      net: 'private',
    },
  ],
  ['unknown-version', { ...app, verb: 'read', who: `workload arn:aws:iam::${A}:role/node`, what: [DB] }],
];

describe('awsSource', () => {
  holdsTheContract(awsSource, fixtures);

  it.each(EXPECTED)('reads %s', (name, expected) => {
    expect(brief(eventOf(awsSource, fixture(name)))).toEqual(expected);
  });

  it.each([
    ['ec2-describe-instances', 'irrelevant'],
    ['sts-assume-role-by-service', 'irrelevant'],
  ])('skips %s', (name, skip) => {
    expect(parsed(awsSource, fixture(name))).toEqual({ skip });
  });

  it('turns irrelevant records away by their bytes', () => {
    expect(concerns(awsSource, JSON.stringify(fixture('ec2-describe-instances')))).toBe(false);
    const noise = { ...fixture('get-parameters'), eventName: 'UpdateInstanceInformation' };
    expect(concerns(awsSource, JSON.stringify(noise))).toBe(false);
  });

  it('is not deceived by a look-alike in a nested object, before or after', () => {
    const record = fixture('get-secret-value');
    const decoy = { eventSource: 'ec2.amazonaws.com', eventName: 'DescribeInstances' };
    expect(concerns(awsSource, JSON.stringify({ decoy, ...record }))).toBe(true);
    expect(concerns(awsSource, JSON.stringify({ ...record, decoy }))).toBe(true);
    expect(eventOf(awsSource, { decoy, ...record })).toEqual(eventOf(awsSource, record));
  });

  it('carries the whole of one event', () => {
    expect(eventOf(awsSource, fixture('sts-assume-role-chained'))).toMatchObject({
      source: 'aws',
      time: Date.parse('2026-11-20T09:15:42Z'),
      action: 'AssumeRole',
      account: A,
      region: 'eu-west-1',
      ttl: 3600,
      chain: 2,
      principal: { session: 'worker-7f3c', credential: 'ASIAEXAMPLEEXAMPLE01', name: 'app-role', home: A },
      net: { kind: 'public', ip: '203.0.113.24', prefix: '203.0.113.0/24', wide: '203.0.0.0/16' },
    });
  });

  it('tells one event by account and id, so that copies are one and accounts are two', () => {
    const record = fixture('get-secret-value');
    const copy = eventOf(awsSource, { ...record, awsRegion: 'us-east-1' });
    const other = eventOf(awsSource, { ...record, recipientAccountId: '444455556666' });
    expect(copy.id).toBe(eventOf(awsSource, record).id);
    expect(other.id).not.toBe(copy.id);
  });

  it.each([
    ['iam-create-access-key', `arn:aws:iam::${A}:user/svc`],
    ['iam-put-role-policy-broad', `arn:aws:iam::${A}:role/app`],
    ['kms-create-grant-external', 'arn:aws:iam::444455556666:role/reader'],
  ])('names whom %s lets in', (name, grantee) => {
    expect(eventOf(awsSource, fixture(name)).grantee).toBe(grantee);
  });

  it('says malformed of what lacks its time, name or source', () => {
    for (const field of ['eventTime', 'eventName', 'eventSource']) {
      expect(parsed(awsSource, { ...fixture('get-secret-value'), [field]: undefined })).toEqual({ skip: 'malformed' });
    }
  });
});
