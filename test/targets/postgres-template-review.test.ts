import { describe, expect, it } from 'vitest';
import type { PostgresTargetConfig } from '../../shared/config/index.ts';
import { memberPairOf } from '../../shared/targets/postgres/member-pair.ts';
import { reviewValue } from '../../shared/targets/postgres/review.ts';
import type { SecretValue } from '../../shared/stores/index.ts';

const MASTER = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!cluster-0d9e-AbCdEf';
const config = (over: Partial<PostgresTargetConfig> = {}): PostgresTargetConfig => ({
  kind: 'postgres',
  host: 'db.example.com',
  port: 5432,
  database: 'app',
  tls: { mode: 'verify-full' },
  admin: { username: 'master', secret: 'rds!cluster-0d9e' },
  accounts: ['app', 'app_clone'],
  ownerRole: 'app',
  connectTimeout: 5000,
  statementTimeout: 5000,
  ...over,
});
const review = (value: SecretValue, over: Partial<PostgresTargetConfig> = {}): string[] =>
  reviewValue(config(over), { username: 'app', password: 'x', ...value }).map(({ code }) => code);
const by = (secret: string): Partial<PostgresTargetConfig> => ({ admin: { username: 'master', secret } });

describe('masterarn', () => {
  it.each<[string, SecretValue, Partial<PostgresTargetConfig>]>([
    ['is absent', {}, {}],
    ['is null', { masterarn: null }, {}],
    ['names the pinned secret', { masterarn: MASTER }, {}],
    ['names it without its last six characters', { masterarn: MASTER.slice(0, -7) }, {}],
    ['is the ARN that is pinned', { masterarn: MASTER }, by(MASTER)],
    ['is a name, and its ARN is pinned', { masterarn: 'rds!cluster-0d9e' }, by(MASTER)],
    ['is not what the admin comes from', { masterarn: MASTER }, { admin: { username: 'master', passwordEnv: 'X' } }],
  ])('is nothing to tell where it %s', (_what, value, over) => {
    expect(review(value, over)).toEqual([]);
  });

  it.each<[string, SecretValue, Partial<PostgresTargetConfig>]>([
    ['another secret', { masterarn: MASTER }, by('prod/admin')],
    ['one whose name only begins alike', { masterarn: MASTER }, by('rds!cluster')],
    ['one whose name goes on', { masterarn: MASTER.replace('0d9e', '0d9e-staging') }, {}],
    ['the same name in another account', { masterarn: MASTER.replace('123456789012', '999999999999') }, by(MASTER)],
    ['what is no text', { masterarn: true }, {}],
  ])('is a warning where it names %s', (_what, value, over) => {
    const [finding, ...others] = reviewValue(config(over), value);

    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      code: 'masterarn-differs',
      level: 'warning',
      message: expect.stringContaining('it is not followed'),
    });
    expect(JSON.stringify(finding)).not.toContain('123456789012:secret:rds!cluster-0d9e-staging');
  });
});

describe('ssl', () => {
  it.each([true, 'true', 'True'])('is nothing to tell where it is %j', (ssl) => {
    expect(review({ ssl })).toEqual([]);
  });
  it.each<[string | number | boolean | null, RegExp]>([
    [false, /is false: consumers that follow it/],
    ['False', /is false: consumers that follow it/],
    ['yes', /neither true nor false: AWS’s templates then fall back/],
    [1, /neither true nor false/],
    [null, /neither true nor false/],
  ])('is a warning where it is %j', (ssl, message) => {
    const [finding] = reviewValue(config(), { ssl });

    expect(finding).toMatchObject({ code: 'secret-ssl-off', level: 'warning', message: expect.stringMatching(message) });
  });
  it('says nothing over a loopback without TLS', () => {
    expect(review({ ssl: false }, { tls: { mode: 'disable' } })).toEqual([]);
  });
});

describe('a member pair', () => {
  it.each<[string, readonly string[], string | undefined, unknown]>([
    ['the first account owns', ['app', 'app_clone'], 'app', { base: 'app', member: 'app_clone' }],
    ['the second one owns', ['x_clone', 'x'], 'x', { base: 'x', member: 'x_clone' }],
    ['names say nothing', ['foo_clone', 'foo'], 'foo_clone', { base: 'foo_clone', member: 'foo' }],
    ['a third role owns', ['app', 'app_clone'], 'app_owner', undefined],
    ['one account', ['app'], 'app', undefined],
    ['no owner', ['app', 'app_clone'], undefined, undefined],
  ])('%s', (_what, accounts, ownerRole, pair) => {
    expect(memberPairOf({ accounts: [...accounts], ownerRole })).toEqual(pair);
  });
});
