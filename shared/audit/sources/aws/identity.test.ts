import { describe, expect, it } from 'vitest';
import { eventOf, fixturesOf, type Json } from '../../../../test/audit/sources.ts';
import { FLAG } from '../../event.ts';
import { awsSource } from '../aws.ts';

const base = fixturesOf('aws')['get-secret-value'] ?? {};
const A = '111122223333';
const issuer = (arn: string): Json => ({
  sessionIssuer: { type: 'Role', arn, userName: arn.slice(arn.lastIndexOf('/') + 1), accountId: A },
});

function role(session: string, path = '/app', more: Json = {}, context: Json = {}): Json {
  const arn = `arn:aws:iam::${A}:role${path}`;
  return {
    type: 'AssumedRole',
    arn: `arn:aws:sts::${A}:assumed-role/${path.slice(path.lastIndexOf('/') + 1)}/${session}`,
    principalId: `AROAEXAMPLE:${session}`,
    accountId: A,
    sessionContext: { ...issuer(arn), ...context },
    ...more,
  };
}

const who = (userIdentity: unknown, more: Json = {}) => eventOf(awsSource, { ...base, ...more, userIdentity });

describe('a principal of AWS', () => {
  it.each<readonly [string, Json, string, string, string?]>([
    ['a role', role('worker'), 'workload', `arn:aws:iam::${A}:role/app`],
    ['a role without its issuer', role('worker', '/app', { sessionContext: {} }), 'workload', `arn:aws:iam::${A}:role/app`],
    ['an instance', role('i-0123456789abcdef0'), 'workload', `arn:aws:iam::${A}:role/app`],
    [
      'a function',
      role('fn', '/app', { inScopeOf: { issuerType: 'AWS::Lambda::Function' } }),
      'workload',
      `arn:aws:iam::${A}:role/app`,
    ],
    [
      'a person behind a role',
      role('jo@example.com'),
      'human',
      `arn:aws:iam::${A}:role/app/jo@example.com`,
      `arn:aws:iam::${A}:role/app`,
    ],
    [
      'a person behind IAM Identity Center',
      role('jo', '/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Dev_0123456789abcdef'),
      'human',
      `arn:aws:iam::${A}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Dev_0123456789abcdef/jo`,
      `arn:aws:iam::${A}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Dev_0123456789abcdef`,
    ],
    [
      'a role with a path of its own',
      role('x', '/payments/app'),
      'workload',
      `arn:aws:iam::${A}:role/payments/app`,
      `arn:aws:iam::${A}:role/payments/`,
    ],
    [
      'a role that a deploy named',
      role('x', '/Stack-FnRole-1A2B3C4D5E6F'),
      'workload',
      `arn:aws:iam::${A}:role/Stack-FnRole-1A2B3C4D5E6F`,
      `arn:aws:iam::${A}:role/Stack-FnRole`,
    ],
    [
      'a role of a service',
      role('x', '/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS'),
      'service',
      `arn:aws:iam::${A}:role/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS`,
    ],
    [
      'a user',
      { type: 'IAMUser', arn: `arn:aws:iam::${A}:user/ci`, userName: 'ci', accountId: A },
      'unknown',
      `arn:aws:iam::${A}:user/ci`,
    ],
    [
      'a user with a second factor',
      {
        type: 'IAMUser',
        arn: `arn:aws:iam::${A}:user/jo`,
        userName: 'jo',
        accountId: A,
        sessionContext: { attributes: { mfaAuthenticated: 'true' } },
      },
      'human',
      `arn:aws:iam::${A}:user/jo`,
    ],
    ['the root user', { type: 'Root', arn: `arn:aws:iam::${A}:root`, accountId: A }, 'root', `arn:aws:iam::${A}:root`],
    [
      'a service for the account',
      { type: 'Root', arn: `arn:aws:iam::${A}:root`, accountId: A, invokedBy: 'backup.amazonaws.com' },
      'service',
      `arn:aws:iam::${A}:root`,
    ],
    ['a service', { type: 'AWSService', invokedBy: 'backup.amazonaws.com' }, 'service', 'aws:service:backup.amazonaws.com'],
    [
      'a service without a type',
      { accountId: A, invokedBy: 'secretsmanager.amazonaws.com' },
      'service',
      'aws:service:secretsmanager.amazonaws.com',
    ],
    [
      'another account',
      { type: 'AWSAccount', accountId: '444455556666', principalId: 'AIDAEXAMPLE' },
      'unknown',
      'aws:444455556666:AIDAEXAMPLE',
    ],
    [
      'a federated user',
      { type: 'FederatedUser', arn: `arn:aws:sts::${A}:federated-user/jo`, accountId: A },
      'unknown',
      `arn:aws:sts::${A}:federated-user/jo`,
    ],
    ['a SAML user', { type: 'SAMLUser', identityProvider: 'idp', userName: 'jo' }, 'human', 'aws:federated:idp:jo'],
    [
      'a pod',
      {
        type: 'WebIdentityUser',
        identityProvider: 'oidc.eks.eu-west-1.amazonaws.com/id/E',
        userName: 'system:serviceaccount:ns:app',
      },
      'workload',
      'aws:federated:oidc.eks.eu-west-1.amazonaws.com/id/E:system:serviceaccount:ns:app',
    ],
    [
      'a person of IAM Identity Center',
      {
        type: 'IdentityCenterUser',
        accountId: A,
        onBehalfOf: { userId: 'u-1', identityStoreArn: 'arn:aws:identitystore::1:identitystore/d-1' },
      },
      'human',
      'arn:aws:identitystore::1:identitystore/d-1/u-1',
    ],
    ['somebody unknown', { type: 'Unknown', principalId: 'X', accountId: A }, 'unknown', `aws:${A}:X`],
  ])('%s', (_name, identity, kind, id, group) => {
    const { principal } = who(identity);
    expect({ kind: principal.kind, id: principal.id, group: principal.group }).toEqual({ kind, id, group });
  });

  it('is somebody even where the record has no identity at all', () => {
    expect(who(undefined).principal).toMatchObject({ kind: 'unknown', id: 'aws:unknown:unknown' });
    expect(who('text').principal.kind).toBe('unknown');
  });

  it('is one over all sessions of a role', () => {
    expect(who(role('one')).principal.id).toBe(who(role('two')).principal.id);
  });

  it('marks root, and root without a second factor', () => {
    const identity = { type: 'Root', arn: `arn:aws:iam::${A}:root`, accountId: A };
    const bare = who(identity).flags;
    const safe = who({ ...identity, sessionContext: { attributes: { mfaAuthenticated: 'true' } } }).flags;
    expect([bare & FLAG.root, bare & FLAG.noMfa, safe & FLAG.noMfa]).toEqual([FLAG.root, FLAG.noMfa, 0]);
  });

  it('takes a user at a desk, and a role with a second factor, for people', () => {
    const user = { type: 'IAMUser', arn: `arn:aws:iam::${A}:user/jo`, userName: 'jo', accountId: A };
    expect(who(user, { userAgent: 'aws-cli/2.17.40 md/awscrt#0.21.2 ua/2.0 os/macos#23.6.0' }).principal.kind).toBe('human');
    expect(who(user, { userAgent: 'aws-cli/2.17.40 md/awscrt#0.21.2 ua/2.0 os/linux#6.1' }).principal.kind).toBe('unknown');
    expect(who(role('jo', '/app', {}, { attributes: { mfaAuthenticated: 'true' } })).principal.kind).toBe('human');
  });

  it('is read anew when the same session shows something else', () => {
    const first = who(role('jo'));
    const other = who(role('jo', '/app', { accessKeyId: 'ASIAOTHER' }));
    const console = who(role('jo'), { sessionCredentialFromConsole: 'true' });
    expect([first.principal.credential, other.principal.credential]).toEqual([undefined, 'ASIAOTHER']);
    expect([first.principal.kind, console.principal.kind]).toEqual(['workload', 'human']);
  });

  it('stays an instance where its credentials opened a console', () => {
    const event = who(role('i-0123456789abcdef0'), { sessionCredentialFromConsole: 'true', userAgent: 'Mozilla/5.0' });
    expect([event.principal.kind, event.flags & FLAG.console]).toEqual(['workload', FLAG.console]);
  });
});
