import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Artifact } from '../../scripts/package/artifact.ts';
import { CLOUDS, type Cloud } from '../../scripts/package/clouds.ts';
import { isKeywheelError } from '../../shared/errors.ts';
import { cfnLint, peersRequired, type CfnLint } from '../peers/index.ts';
import { freePorts } from '../peers/ports.ts';
import { CERTIFICATE, configOf, place, type Place } from './helpers/configs.ts';
import { extract, unzip } from './helpers/unzip.ts';

const root = path.resolve(import.meta.dirname, '../..');
const SCRIPT = path.join(root, 'scripts/package.ts');

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(file: string, args: readonly string[], options: { cwd: string; env?: Record<string, string> }): Promise<Run> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: options.cwd, ...options.env };
  return new Promise((resolve) => {
    execFile(file, args, { cwd: options.cwd, env, timeout: 100_000, maxBuffer: 1e8 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      resolve({ code, stdout, stderr });
    });
  });
}
const npmPackage = (cwd: string, ...args: string[]): Promise<Run> => run(process.execPath, [SCRIPT, ...args], { cwd });

interface Template {
  readonly Resources: Readonly<Record<string, { Type: string; Properties: Record<string, unknown>; DeletionPolicy?: string }>>;
}

const places: Record<string, Place> = {};
const artifacts: Partial<Record<Cloud, Artifact>> = {};
const folders: Partial<Record<Cloud, string>> = {};
let work: string;

beforeAll(async () => {
  work = await mkdtemp(path.join(tmpdir(), 'keywheel-package-'));
  for (const cloud of CLOUDS) {
    const at = await place(configOf(cloud), { 'db-ca.pem': CERTIFICATE, 'store.key': 'material', '.env': 'PASSWORD=material' });
    places[cloud] = at;
    const made = await npmPackage(at.folder, cloud, '--json');
    expect({ code: made.code, stderr: made.stderr.replace(/^keywheel: .*\n/gm, '') }).toEqual({ code: 0, stderr: '' });
    const { artifacts: list } = JSON.parse(made.stdout) as { artifacts: Artifact[] };
    artifacts[cloud] = list[0] as Artifact;
    const folder = path.join(work, cloud);
    await extract(await readFile(artifacts[cloud].file), folder);
    folders[cloud] = folder;
  }
});
afterAll(async () => {
  for (const at of Object.values(places)) await at.remove();
  await rm(work, { recursive: true, force: true });
});

const folderOf = (cloud: Cloud): string => folders[cloud] ?? '';
const artifactOf = (cloud: Cloud): Artifact => artifacts[cloud] as Artifact;

describe.each(CLOUDS)('the package for %s', (cloud) => {
  it('holds code, the configuration and its certificates, and nothing else', async () => {
    const names = unzip(await readFile(artifactOf(cloud).file)).map(({ name }) => name);

    const others = names.filter((name) => !name.endsWith('.mjs')).sort();
    expect(others).toEqual(
      {
        aws: ['db-ca.pem', 'keywheel.yaml'],
        gcp: ['db-ca.pem', 'keywheel.yaml', 'package-lock.json', 'package.json'],
        azure: ['db-ca.pem', 'host.json', 'keywheel.yaml', 'package.json'],
      }[cloud],
    );
    const all = Buffer.concat(unzip(await readFile(artifactOf(cloud).file)).map(({ bytes }) => bytes)).toString('latin1');
    expect(all).not.toContain('PASSWORD=material');
    expect(all).not.toContain(root); // no path of this machine
  });

  it('is the same package when it is built again elsewhere, on another day', async () => {
    const at = places[cloud] as Place;
    const out = path.join(work, `again-${cloud}`);

    const again = await npmPackage(work, cloud, '--config', at.config, '--out', out, '--json');

    const { artifacts: list } = JSON.parse(again.stdout) as { artifacts: Artifact[] };
    expect(list[0]?.sha256).toBe(artifactOf(cloud).sha256);
  });

  it('loads every part of itself, with the names that Node gives', async () => {
    // All at once and in a process of its own: each chunk is loaded as the functions would, with nothing but the package.
    const script = `
      const { readdirSync } = await import('node:fs');
      const parts = readdirSync('.').filter((name) => name.endsWith('.mjs') && !/^(index|rotate|score|check-self)\\.mjs$/.test(name));
      for (const name of parts) await import('./' + name);
      const { loadConfig } = await import('./' + parts.find((name) => /^config-/.test(name)));
      const { secrets } = await loadConfig('keywheel.yaml');
      console.log(JSON.stringify({ parts: parts.length, secrets: Object.keys(secrets) }));`;
    await writeFile(path.join(folderOf(cloud), 'check-self.mjs'), script);

    const { code, stdout, stderr } = await run(process.execPath, ['check-self.mjs'], { cwd: folderOf(cloud) });

    expect({ code, stderr: stderr.replaceAll(/.*Warning.*\n/g, '') }).toEqual({ code: 0, stderr: '' });
    const { parts, secrets } = JSON.parse(stdout) as { parts: number; secrets: string[] };
    expect(parts).toBeGreaterThan(20);
    expect(secrets).toEqual(['prod-app-db']);
    await rm(path.join(folderOf(cloud), 'check-self.mjs'));
  });
});

describe('the package for aws', () => {
  it('has the three handlers, which refuse what is not for them', async () => {
    const script = `
      const handlers = await import('./rotate.mjs');
      const context = { awsRequestId: 'r', functionName: 'f', getRemainingTimeInMillis: () => 20_000 };
      const said = await handlers.rotate({ Step: 'destroySecret' }, context).then(() => 'nothing', (error) => error.name);
      console.log(JSON.stringify({ names: Object.keys(handlers).sort(), said }));`;
    const env = { KEYWHEEL_CONFIG: path.join(folderOf('aws'), 'keywheel.yaml'), AWS_REGION: 'us-east-1' };

    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: folderOf('aws'), env });

    expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toEqual({
      names: ['advance', 'manual', 'rotate'],
      said: 'ERR_EVENT_INVALID',
    });
  });
});

describe('the package for gcp', () => {
  let server: ChildProcess | undefined;
  afterAll(() => server?.kill());

  it('answers Pub/Sub’s push as a CloudEvent under the real functions framework', async () => {
    const folder = folderOf('gcp');
    await symlink(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
    const [port = 0] = await freePorts(1);
    const framework = createRequire(import.meta.url).resolve('@google-cloud/functions-framework');
    const main = path.join(path.dirname(framework), 'main.js');
    const env = { PATH: process.env['PATH'] ?? '', KEYWHEEL_CONFIG: path.join(folder, 'keywheel.yaml') };
    const args = [main, '--target=rotate', `--port=${port}`, `--source=${folder}`];
    server = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
    let log = '';
    server.stdout?.setEncoding('utf8').on('data', (text: string) => (log += text));
    // As infra/gcp sets it up: the topic is the path, the message is wrapped. SECRET_VERSION_ADD is none of ours.
    const message = {
      data: Buffer.from('{}').toString('base64'),
      messageId: '1',
      publishTime: '2026-11-23T00:00:00Z',
      attributes: { eventType: 'SECRET_VERSION_ADD', secretId: 'projects/1/secrets/prod-app-db' },
    };
    const push = () =>
      fetch(`http://127.0.0.1:${port}/projects/acme-prod/topics/keywheel-rotate`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ message, subscription: 'projects/acme-prod/subscriptions/keywheel-rotate' }),
      }).catch(() => undefined);
    let answer = await push();
    for (let left = 100; answer === undefined && left > 0; left--) {
      await delay(100);
      answer = await push();
    }

    expect(answer?.status).toBe(204);
    expect(log).toContain('"reason":"SECRET_VERSION_ADD"');
  });
});

describe('the package for azure', () => {
  it('registers its triggers with the host’s core module', async () => {
    // What the worker does: require('@azure/functions-core') is answered by the host, wherever it is asked.
    const script = `
      import Module from 'node:module';
      const registered = {};
      const core = {
        setProgrammingModel() {},
        registerFunction({ name, bindings }) { registered[name] = Object.values(bindings).map(({ type }) => type).sort(); },
        registerHook: () => ({ dispose() {} }),
      };
      const load = Module.prototype.require;
      Module.prototype.require = function (name) { return name === '@azure/functions-core' ? core : load.call(this, name); };
      const { main } = JSON.parse((await import('node:fs')).readFileSync('package.json', 'utf8'));
      await import('./' + main);
      console.log(JSON.stringify(registered));`;
    await writeFile(path.join(folderOf('azure'), 'host-stand-in.mjs'), script);

    const { stdout } = await run(process.execPath, ['host-stand-in.mjs'], { cwd: folderOf('azure') });

    expect(JSON.parse(stdout)).toEqual({
      rotate: ['eventGridTrigger'],
      advance: ['timerTrigger'],
      manual: ['http', 'httpTrigger'],
      score: ['blob', 'eventHubTrigger'],
      scoreTick: ['timerTrigger'],
      ack: ['http', 'httpTrigger'],
    });
  });
});

describe('npm run package', () => {
  it('says what is wrong and what to do', async () => {
    const missing = await npmPackage(work, 'aws');
    const unknown = await npmPackage(work, 'ibm');

    expect(missing).toMatchObject({ code: 2, stdout: '' });
    expect(missing.stderr).toMatch(/^keywheel: keywheel\.yaml: there is no such file\nhint: .*keywheel init/);
    expect(unknown).toMatchObject({ code: 2, stdout: '' });
    expect(unknown.stderr).toBe('keywheel: "ibm" is no cloud\nhint: clouds are aws, gcp, azure; see --help\n');
  });

  it('ends with a table of 80 columns', async () => {
    const { stdout, stderr } = await npmPackage((places['gcp'] as Place).folder, 'gcp', '--out', 'out');

    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^ARTIFACT +ZIP +UNPACKED +ENTRY +SHA-256$/);
    expect(lines[1]).toMatch(/^out\/gcp\/keywheel\.zip +[\d.]+ [KM]B +[\d.]+ MB +[\d.]+ KB, [\d.]+ KB +[0-9a-f]{16}$/);
    expect(lines.every((line) => line.length <= 80)).toBe(true);
    expect(stderr).toBe('keywheel: gcp: bundling\n');
  });
});

const linter: CfnLint | string = await cfnLint().catch((error: unknown) =>
  isKeywheelError(error) ? error.message : String(error),
);

describe('the AWS template', () => {
  let folder: string;
  let template: Template;
  beforeAll(async () => {
    folder = path.dirname(artifactOf('aws').file);
    template = JSON.parse(await readFile(path.join(folder, 'cloudformation-template-update-stack.json'), 'utf8')) as Template;
  });

  const all = (type: string) => Object.entries(template.Resources).filter(([, { Type }]) => Type === type);

  it.skipIf(typeof linter === 'string' && !peersRequired())(
    `passes cfn-lint${typeof linter === 'string' ? ` (skipped: ${linter})` : ` ${linter.version}`}`,
    async () => {
      if (typeof linter === 'string') throw new Error(linter);
      // W3005: osls writes a DependsOn for a role beside the reference that says the same.
      for (const name of ['cloudformation-template-create-stack.json', 'cloudformation-template-update-stack.json']) {
        expect(await linter.lint(path.join(folder, name), ['W3005'])).toEqual([]);
      }
    },
  );

  it.skipIf(typeof linter === 'string' && !peersRequired())('would not pass it with a mistake', async () => {
    if (typeof linter === 'string') throw new Error(linter);
    const text = JSON.stringify(template).replace('nodejs24.x', 'nodejs12.x').replace('dynamodb:GetItem', 'dynamodb:GetItems');
    const file = path.join(work, 'mistaken.json');
    await writeFile(file, text);

    const rules = (await linter.lint(file, ['W3005'])).map(({ rule }) => rule);

    expect(rules).toEqual(expect.arrayContaining(['E2533', 'W3037']));
  });

  it('has one role for each function, and one for the schedule', () => {
    const roles = all('AWS::IAM::Role').map(([name]) => name);
    const functions = ['Rotate', 'Advance', 'Manual', 'Score', 'ScoreTick', 'Ack'];
    expect(roles.sort()).toEqual([...functions, 'Schedule'].map((name) => `${name}Role`).sort());
    const used = all('AWS::Lambda::Function').map(([name, { Properties }]) => [name, Properties['Role']]);
    expect(used).toEqual(functions.map((name) => [`${name}LambdaFunction`, { 'Fn::GetAtt': [`${name}Role`, 'Arn'] }]));
    const statements = all('AWS::IAM::Role').flatMap(([name, { Properties }]) =>
      (Properties['Policies'] as { PolicyDocument: { Statement: { Sid: string; Resource: unknown }[] } }[]).flatMap(
        ({ PolicyDocument }) => PolicyDocument.Statement.map(({ Sid, Resource }) => ({ at: `${name}.${Sid}`, Resource })),
      ),
    );
    expect(statements.filter(({ Resource }) => JSON.stringify(Resource).includes('"*"'))).toEqual([]);
    expect(statements.map(({ at }) => at).filter((at) => at.startsWith('Schedule'))).toEqual([
      'ScheduleRole.Tick',
      'ScheduleRole.DeadLetters',
    ]);
  });

  it('lets Secrets Manager of this account call the rotation function and the rule the scoring one, and nobody else', () => {
    const permissions = all('AWS::Lambda::Permission').map(([, { Properties }]) => Properties);
    expect(permissions).toEqual([
      {
        FunctionName: { 'Fn::GetAtt': ['RotateLambdaFunction', 'Arn'] },
        Action: 'lambda:InvokeFunction',
        Principal: 'secretsmanager.amazonaws.com',
        SourceAccount: { Ref: 'AWS::AccountId' },
      },
      {
        FunctionName: { 'Fn::GetAtt': ['ScoreLambdaFunction', 'Arn'] },
        Action: 'lambda:InvokeFunction',
        Principal: 'events.amazonaws.com',
        SourceArn: { 'Fn::GetAtt': ['TrailRule', 'Arn'] },
      },
    ]);
    // Without a Slack channel nobody presses a button: that URL is closed too.
    expect(all('AWS::Lambda::Url').map(([, { Properties }]) => Properties['AuthType'])).toEqual(['AWS_IAM', 'AWS_IAM']);
  });

  it('keeps the state', () => {
    expect(template.Resources['StateTable']).toMatchObject({
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        TableName: 'keywheel-prod',
        BillingMode: 'PAY_PER_REQUEST',
        TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        SSESpecification: { SSEEnabled: true },
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
      },
    });
  });

  it('ends functions in time, keeps their logs for a while, and sets aside what fails', () => {
    const functions = all('AWS::Lambda::Function').map(([, { Properties }]) => Properties);
    const longest = Math.max(...functions.map(({ Timeout }) => Timeout as number));
    expect(longest).toBeLessThan(900);
    for (const properties of functions) {
      expect(properties).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'] });
      expect(properties['TracingConfig']).toBeUndefined();
    }
    expect(all('AWS::Logs::LogGroup').map(([, { Properties }]) => Properties['RetentionInDays'])).toEqual([
      90, 90, 90, 90, 90, 90,
    ]);
    const queue = template.Resources['AdvanceQueue']?.Properties ?? {};
    expect(queue['VisibilityTimeout']).toBeGreaterThanOrEqual(6 * longest);
    const { Timeout: scoring } = template.Resources['ScoreLambdaFunction']?.Properties ?? {};
    expect(template.Resources['TrailQueue']?.Properties['VisibilityTimeout']).toBeGreaterThanOrEqual(6 * (scoring as number));
    const letters = { 'Fn::GetAtt': ['DeadLetterQueue', 'Arn'] };
    expect(queue).toMatchObject({ RedrivePolicy: { deadLetterTargetArn: letters } });
    expect(template.Resources['AdvanceSchedule']?.Properties).toMatchObject({ Target: { DeadLetterConfig: { Arn: letters } } });
    expect(all('AWS::Lambda::EventSourceMapping').map(([, { Properties }]) => Properties['FunctionResponseTypes'])).toEqual([
      ['ReportBatchItemFailures'],
      ['ReportBatchItemFailures'],
    ]);
  });
});

describe('npx serverless package', () => {
  // A folder of its own that looks like the checkout, so that nothing is written into this one.
  let service: string;
  beforeAll(async () => {
    service = path.join(work, 'service');
    await cp(path.join(root, 'serverless.yml'), path.join(service, 'serverless.yml'));
    for (const name of ['scripts', 'functions', 'shared', 'node_modules', 'package.json', 'package-lock.json']) {
      await symlink(path.join(root, name), path.join(service, name));
    }
  });
  const serverless = (...args: string[]) =>
    run(process.execPath, [path.join(root, 'node_modules/serverless/bin/serverless.js'), 'package', ...args], { cwd: service });

  it('works by itself, and leaves the package beside the templates', async () => {
    const { code, stdout, stderr } = await serverless(`--param=config=${(places['aws'] as Place).config}`, '--package', 'out');

    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toMatch(/^\s*Packaging keywheel for stage prod \(us-east-1\)\s+✔ Service packaged \(\d+s\)\s*$/);
    const names = unzip(await readFile(path.join(service, 'out/keywheel.zip'))).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['keywheel.yaml', 'rotate.mjs']));
  });

  it('takes subnets, a key and a common beginning', async () => {
    const kmsKeyArn = 'arn:aws:kms:us-east-1:111122223333:key/k';
    const { code } = await serverless(
      `--param=config=${(places['aws'] as Place).config}`,
      `--param=artifact=${artifactOf('aws').file}`,
      '--param=subnetIds=subnet-0123456789abcdef0,subnet-0123456789abcdef1',
      '--param=securityGroupIds=sg-0123456789abcdef0',
      `--param=kmsKeyArn=${kmsKeyArn}`,
      '--param=trailBucket=acme-trail',
      '--param=trailLogGroup=/acme/trail',
      '--param=auditStreamArn=arn:aws:kinesis:us-east-1:111122223333:stream/audit',
      '--param=secretPrefix=prod-',
    );

    expect(code).toBe(0);
    const file = path.join(service, '.serverless/cloudformation-template-update-stack.json');
    const { Resources } = JSON.parse(await readFile(file, 'utf8')) as Template;
    expect(Resources['RotateLambdaFunction']?.Properties['VpcConfig']).toEqual({
      SecurityGroupIds: ['sg-0123456789abcdef0'],
      SubnetIds: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'],
    });
    const policy = JSON.stringify(Resources['RotateRole']);
    expect(policy).toContain(kmsKeyArn);
    expect(policy).toContain(':secret:prod-*');
    const sources = ['TrailQueuePolicy', 'TrailLogSubscription', 'TrailLogPermission', 'AuditStreamMapping'];
    expect(Object.keys(Resources)).toEqual(expect.arrayContaining(sources));
    expect(JSON.stringify(Resources['ScoreRole'])).toMatch(/s3:::acme-trail\/\*.*kinesis:GetRecords/);
    if (typeof linter !== 'string') expect(await linter.lint(file, ['W3005'])).toEqual([]);
  });

  it('says in one sentence what is wrong', async () => {
    const local = await place({ ...configOf('aws'), state: { kind: 'sqlite', path: 'state.db' } }, { 'db-ca.pem': CERTIFICATE });

    const file = await serverless(`--param=config=${local.config}`);
    const half = await serverless(`--param=config=${(places['aws'] as Place).config}`, '--param=subnetIds=subnet-1');

    await local.remove();
    const said = [file, half].map(({ code, stdout, stderr }) => ({ code, text: stdout + stderr }));
    expect(said.map(({ code }) => code)).toEqual([1, 1]);
    expect(said[0]?.text).toContain('state: is a file, and a function keeps none; use dynamodb, firestore or azure-tables');
    expect(said[0]?.text).toContain('hint: ');
    expect(said[1]?.text).toContain('a VPC needs subnetIds and securityGroupIds');
  });
});
