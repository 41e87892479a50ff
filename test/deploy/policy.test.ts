import { readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { statementsOf, type FunctionName, type Statement } from '../../scripts/package/aws/policy.ts';
import { loadConfig } from '../../shared/config/index.ts';
import { CERTIFICATE, configOf, place } from './helpers/configs.ts';

const FUNCTIONS: readonly FunctionName[] = ['rotate', 'advance', 'manual'];

async function loaded(secrets: object = {}, stores: object = {}) {
  const base = configOf('aws') as { stores: object; secrets: object };
  const at = await place(
    { ...base, stores: { ...base.stores, ...stores }, secrets: { ...base.secrets, ...secrets } },
    { 'db-ca.pem': CERTIFICATE },
  );
  try {
    return await loadConfig(at.config);
  } finally {
    await at.remove();
  }
}

const key = { store: 'cloud', strategy: 'overlap', target: { kind: 'aws-iam-key', userName: 'mailer' } };
const byId = (statements: readonly Statement[], sid: string): Statement | undefined => statements.find(({ Sid }) => Sid === sid);
const resources = (statement: Statement | undefined): string[] => (statement?.Resource ?? []).map((each) => JSON.stringify(each));

/** The text of all TypeScript files of an adapter. */
function source(...places: readonly string[]): string {
  const read = (place: string): string =>
    statSync(place).isDirectory()
      ? readdirSync(place)
          .filter((name) => !name.endsWith('.test.ts'))
          .map((name) => read(path.join(place, name)))
          .join('\n')
      : readFileSync(place, 'utf8');
  return places.map(read).join('\n');
}
const matches = (text: string, pattern: RegExp): string[] => [
  ...new Set([...text.matchAll(pattern)].map((match) => match[1] ?? '')),
];
const capital = (word: string): string => `${word.charAt(0).toUpperCase()}${word.slice(1)}`;

describe('the roles of the AWS functions', () => {
  it('name each configured secret, user and admin secret, and nothing beside them', async () => {
    const config = await loaded({ 'prod-mail': key });

    for (const name of FUNCTIONS) {
      const statements = statementsOf(name, config);
      const secretArn = (secret: string) =>
        JSON.stringify({
          'Fn::Sub': `arn:\${AWS::Partition}:secretsmanager:\${AWS::Region}:\${AWS::AccountId}:secret:${secret}-??????`,
        });
      expect(resources(byId(statements, 'RotatedSecrets'))).toEqual([secretArn('prod-app-db'), secretArn('prod-mail')]);
      expect(resources(byId(statements, 'AdminSecrets'))).toEqual([secretArn('prod-app-admin')]);
      expect(byId(statements, 'AdminSecrets')?.Action.join()).not.toMatch(/Put|Update|Delete/);
      expect(resources(byId(statements, 'UserKeys'))).toEqual(
        ['', '*/'].map((under) =>
          JSON.stringify({ 'Fn::Sub': `arn:\${AWS::Partition}:iam::\${AWS::AccountId}:user/${under}mailer` }),
        ),
      );
      expect(statements.filter(({ Resource }) => Resource.includes('*'))).toEqual([]);
      expect(statements.flatMap(({ Action }) => Action).filter((action) => action.includes('*'))).toEqual([]);
    }
  });

  it('hold rights on users, keys, queues and networks only where they are needed', async () => {
    const config = await loaded();

    const sids = (name: FunctionName, options = {}) => statementsOf(name, config, options).map(({ Sid }) => Sid);
    const common = ['Logs', 'RotatedSecrets', 'AdminSecrets'];
    expect(sids('rotate')).toEqual([...common, 'State']);
    expect(sids('manual')).toEqual([...common, 'State']);
    expect(sids('advance')).toEqual([...common, 'State', 'Queue', 'DeadLetters']);
    const kmsKeyArn = 'arn:aws:kms:eu-central-1:111122223333:key/k';
    expect(sids('rotate', { kmsKeyArn, vpc: true })).toEqual([...common, 'SecretsKey', 'State', 'Network', 'NotByTheCode']);
    const [kms] = statementsOf('rotate', config, { kmsKeyArn }).filter(({ Sid }) => Sid === 'SecretsKey');
    expect(kms).toMatchObject({
      Resource: [kmsKeyArn],
      Condition: { StringEquals: { 'kms:ViaService': { 'Fn::Sub': 'secretsmanager.eu-central-1.${AWS::URLSuffix}' } } },
    });
  });

  it('hold exactly what the adapters call', async () => {
    const statements = statementsOf('rotate', await loaded({ 'prod-mail': key }));
    const granted = (sid: string): string[] =>
      (byId(statements, sid)?.Action ?? []).map((action) => action.split(':')[1] ?? '').sort();

    const store = matches(source('shared/stores/aws.ts', 'shared/stores/aws'), /\bservice\.(\w+)\(/g).map(capital);
    // Only the terminal lists and creates secrets, as the person who runs it.
    const terminal = ['ListSecrets', 'CreateSecret'];
    expect(store).toEqual(expect.arrayContaining(terminal));
    expect(granted('RotatedSecrets')).toEqual(store.filter((call) => !terminal.includes(call)).sort());

    const table = source('shared/state/dynamodb.ts', 'shared/state/dynamodb');
    const calls = matches(table, /\bclient\.(\w+)\(/g).map(capital);
    const parts = matches(table, /\b(Put|Update|Delete|ConditionCheck): \{/g).map((part) =>
      part === 'ConditionCheck' ? part : `${part}Item`,
    );
    expect(calls).toContain('GetItem');
    const needed = [...new Set([...calls.filter((call) => !call.startsWith('Transact')), ...parts])].sort();
    expect(granted('State')).toEqual(needed);

    const user = matches(
      source('shared/targets/aws-iam-key.ts', 'shared/targets/aws-iam-key'),
      /\bnew (?:sdk\.)?(\w+)Command\(/g,
    );
    expect(user).toContain('GetCallerIdentity'); // which needs no right
    expect(granted('UserKeys')).toEqual(user.filter((call) => call !== 'GetCallerIdentity').sort());
  });

  it('follow a store to its region and account', async () => {
    const elsewhere = { kind: 'aws', region: 'eu-west-1', account: '111122223333' };
    const config = await loaded({ 'prod-far': { ...key, store: 'far' } }, { far: elsewhere });

    const arns = resources(byId(statementsOf('advance', config), 'RotatedSecrets'));

    expect(arns).toContain(
      JSON.stringify({ 'Fn::Sub': 'arn:${AWS::Partition}:secretsmanager:eu-west-1:111122223333:secret:prod-far-??????' }),
    );
  });

  it('take a common beginning where names would be too many, and only one that fits all', async () => {
    const base = (configOf('aws')['secrets'] as { 'prod-app-db': { target: object } })['prod-app-db'];
    const many = Object.fromEntries(
      Array.from({ length: 120 }, (_, index) => {
        const accounts = [`app_${index}_a`, `app_${index}_b`];
        return [`prod-service-with-a-name-${index}`, { ...base, target: { ...base.target, accounts } }];
      }),
    );
    const config = await loaded(many);

    expect(() => statementsOf('rotate', config)).toThrow(/would hold \d+ characters, more than IAM allows/);
    const prefixed = byId(statementsOf('rotate', config, { secretPrefix: 'prod-' }), 'RotatedSecrets');
    expect(resources(prefixed)).toEqual([
      JSON.stringify({ 'Fn::Sub': 'arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:prod-*' }),
    ]);
    expect(() => statementsOf('rotate', config, { secretPrefix: 'prod-app' })).toThrow(
      /secretPrefix is prod-app, and .* does not begin so/,
    );
  });

  it('are refused where the state is elsewhere', async () => {
    const config = await loaded();

    expect(() => statementsOf('rotate', { ...config, state: { kind: 'sqlite', path: '/state.db' } })).toThrow(
      expect.objectContaining({
        code: 'ERR_CONFIG_INVALID',
        message: 'state is sqlite, and functions on AWS keep it in DynamoDB',
      }) as Error,
    );
  });
});
