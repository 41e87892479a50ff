import { describe, expect, it } from 'vitest';
import { statementsOf, type FunctionName, type PolicyOptions, type Statement } from '../../scripts/package/aws/policy.ts';
import { sourcesOf } from '../../scripts/package/aws/sources.ts';
import { loadConfig, type LoadedConfig } from '../../shared/config/index.ts';
import { CERTIFICATE, configOf, place } from './helpers/configs.ts';

const TOPIC = 'arn:aws:sns:eu-central-1:111122223333:alerts';
const CHANNELS = [
  { kind: 'slack', channel: 'C0123456789', credential: { store: 'cloud', secret: 'alerts/slack' } },
  { kind: 'sns', topicArn: TOPIC },
  { kind: 'sns', topicArn: TOPIC, from: 'critical' },
  { kind: 'webhook', url: 'https://events.pagerduty.com/v2/enqueue', credential: { store: 'cloud', secret: 'alerts/slack' } },
];

async function loaded(audit: object | undefined): Promise<LoadedConfig> {
  const at = await place({ ...configOf('aws'), ...(audit === undefined ? {} : { audit }) }, { 'db-ca.pem': CERTIFICATE });
  try {
    return await loadConfig(at.config);
  } finally {
    await at.remove();
  }
}
const sids = (statements: readonly Statement[]): string[] => statements.map(({ Sid }) => Sid);
const SCORING: readonly FunctionName[] = ['score', 'scoreTick', 'ack'];

describe('the roles of the functions that score', () => {
  it('touch no rotated secret, user or admin credential', async () => {
    const config = await loaded({ alerts: { channels: CHANNELS } });

    for (const name of SCORING) {
      const text = JSON.stringify(statementsOf(name, config));
      expect(text).not.toMatch(/prod-app|iam:|PutSecretValue|UpdateSecretVersionStage/);
    }
  });

  it('read what channels log in with, and tell the named topics, each once', async () => {
    const statements = statementsOf('score', await loaded({ alerts: { channels: CHANNELS } }));

    expect(statements.find(({ Sid }) => Sid === 'ChannelCredentials')).toEqual({
      Sid: 'ChannelCredentials',
      Effect: 'Allow',
      Action: ['secretsmanager:DescribeSecret', 'secretsmanager:GetSecretValue'],
      Resource: [
        { 'Fn::Sub': 'arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:alerts/slack-??????' },
      ],
    });
    expect(statements.find(({ Sid }) => Sid === 'Topics')).toMatchObject({ Action: ['sns:Publish'], Resource: [TOPIC] });
  });

  it('hold rights on sources only where they are named', async () => {
    const [quiet, told] = [
      await loaded(undefined),
      await loaded({ alerts: { channels: CHANNELS }, trails: [{ kind: 'cloudtrail' }] }),
    ];
    const sources: PolicyOptions = {
      trailBucket: 'acme-trail',
      auditStreamArn: 'arn:aws:kinesis:eu-central-1:111122223333:stream/audit',
    };

    expect(sids(statementsOf('score', quiet))).toEqual(['Logs', 'State', 'TrailQueue', 'DeadLetters']);
    expect(sids(statementsOf('scoreTick', quiet))).toEqual(['Logs', 'State', 'DeadLetters']);
    expect(sids(statementsOf('ack', quiet))).toEqual(['Logs', 'State']);
    expect(sids(statementsOf('score', told, sources))).toEqual(
      'Logs ChannelCredentials State Topics TrailQueue TrailFiles AuditStream DeadLetters'.split(' '),
    );
    expect(sids(statementsOf('scoreTick', told))).toEqual([
      'Logs',
      'ChannelCredentials',
      'State',
      'Topics',
      'EventHistory',
      'DeadLetters',
    ]);
    expect(sids(statementsOf('ack', told))).toEqual(['Logs', 'ChannelCredentials', 'State']);
  });
});

describe('the resources of sources', () => {
  const none = { trailBucket: '', trailLogGroup: '', auditStreamArn: '' };

  it('are there only where a source is named', () => {
    expect(sourcesOf(none)).toEqual({});
    expect(Object.keys(sourcesOf({ ...none, trailBucket: 'b' }))).toEqual(['TrailQueuePolicy']);
    expect(Object.keys(sourcesOf({ ...none, trailLogGroup: 'g' }))).toEqual(['TrailLogSubscription', 'TrailLogPermission']);
    expect(Object.keys(sourcesOf({ ...none, auditStreamArn: 'arn' }))).toEqual(['AuditStreamMapping']);
  });

  it('let one bucket and one log group of this account in, and no other', () => {
    const text = JSON.stringify(sourcesOf({ ...none, trailBucket: 'acme-trail', trailLogGroup: '/acme/trail' }));

    expect(text).toContain('"aws:SourceArn":{"Fn::Sub":"arn:${AWS::Partition}:s3:::acme-trail"}');
    expect(text).toContain('"aws:SourceAccount":{"Ref":"AWS::AccountId"}');
    expect(text).toContain('log-group:/acme/trail:*');
    expect(text).not.toContain('"*"');
  });
});
