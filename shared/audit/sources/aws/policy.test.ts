import { describe, expect, it } from 'vitest';
import { isBroadManagedPolicy, judgeIdentityPolicy, judgeResourcePolicy } from './policy.ts';

const A = '111122223333';
const document = (...statements: readonly object[]): string =>
  JSON.stringify({ Statement: statements.map((each) => ({ Effect: 'Allow', ...each })) });
const said = (text: string | undefined): readonly string[] => {
  const judged = judgeResourcePolicy(text, A);
  return (['public', 'external', 'broad'] as const).filter((name) => judged[name]);
};

describe('a policy of a secret, a key or a role', () => {
  it.each([
    ['everybody', document({ Principal: '*' }), ['public']],
    ['everybody in a list', document({ Principal: { AWS: ['*'] } }), ['public']],
    ['all but one', document({ NotPrincipal: { AWS: A } }), ['public']],
    [
      'everybody of one organisation',
      document({ Principal: '*', Condition: { StringEquals: { 'aws:PrincipalOrgID': 'o-1' } } }),
      [],
    ],
    [
      'everybody outside of one organisation',
      document({ Principal: '*', Condition: { StringNotEquals: { 'aws:PrincipalOrgID': 'o-1' } } }),
      ['public'],
    ],
    [
      'everybody by a condition on everything',
      document({ Principal: '*', Condition: { StringLike: { 'aws:PrincipalArn': '*' } } }),
      ['public'],
    ],
    [
      'everybody by a condition that may be absent',
      document({ Principal: '*', Condition: { StringEqualsIfExists: { 'aws:PrincipalOrgID': 'o-1' } } }),
      ['public'],
    ],
    ['another account by number', document({ Principal: { AWS: '444455556666' } }), ['external']],
    ['another account by ARN', document({ Principal: { AWS: 'arn:aws:iam::444455556666:role/x' } }), ['external']],
    ['its own account', document({ Principal: { AWS: `arn:aws:iam::${A}:root` } }), []],
    ['a service', document({ Principal: { Service: 'lambda.amazonaws.com' } }), []],
    ['every identity of a provider', document({ Principal: { Federated: 'token.actions.githubusercontent.com' } }), ['broad']],
    ['nobody, as it denies', JSON.stringify({ Statement: { Effect: 'Deny', Principal: '*' } }), []],
    ['nothing that can be read', '{"Statement":', []],
    ['nothing at all', undefined, []],
  ])('lets in %s', (_name, text, expected) => {
    expect(said(text)).toEqual(expected);
  });

  it('names who is let in rather than the account itself', () => {
    const text = document(
      { Principal: { AWS: `arn:aws:iam::${A}:root` } },
      { Principal: { AWS: `arn:aws:iam::${A}:role/reader` } },
    );
    expect(judgeResourcePolicy(text, A).grantee).toBe(`arn:aws:iam::${A}:role/reader`);
  });

  it('reads documents that are percent-encoded', () => {
    expect(said(encodeURIComponent(document({ Principal: '*' })))).toEqual(['public']);
  });
});

describe('a policy of a user, a role or a group', () => {
  it.each([
    ['everything', { Action: '*', Resource: '*' }, true],
    ['all of a store', { Action: ['s3:GetObject', 'secretsmanager:*'], Resource: '*' }, true],
    ['every read of a store', { Action: 'secretsmanager:Get*', Resource: ['arn:aws:secretsmanager:*:*:secret:*'] }, true],
    ['all but some', { NotAction: 'iam:*', Resource: '*' }, true],
    [
      'one secret',
      { Action: 'secretsmanager:GetSecretValue', Resource: `arn:aws:secretsmanager:eu-west-1:${A}:secret:db-Xy12Zq` },
      false,
    ],
    [
      'all of one secret',
      { Action: 'secretsmanager:*', Resource: `arn:aws:secretsmanager:eu-west-1:${A}:secret:db-Xy12Zq` },
      false,
    ],
    ['all of another service', { Action: 's3:*', Resource: '*' }, false],
    [
      'everything under a condition',
      { Action: '*', Resource: '*', Condition: { StringEquals: { 'aws:ResourceTag/team': 'a' } } },
      false,
    ],
  ])('gives %s', (_name, statement, expected) => {
    expect(judgeIdentityPolicy(document(statement)).broad).toBe(expected);
  });

  it('knows the managed policies that reach every secret', () => {
    expect(isBroadManagedPolicy('arn:aws:iam::aws:policy/AdministratorAccess')).toBe(true);
    expect(isBroadManagedPolicy('arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess')).toBe(false);
    expect(isBroadManagedPolicy(`arn:aws:iam::${A}:policy/AdministratorAccess`)).toBe(false);
  });
});
