/** docs/guides/from-aws-templates.md is what people run, so it is run here: its configuration, its statements and its commands. */
import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as secretsManager from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { CREDENTIALS } from '../contract/aws.ts';
import { startVendor, type Vendor } from '../contract/aws-vendor.ts';
import { prepareRoom, type Fields, type Room } from '../e2e/helpers/room.ts';
import { startRotationService, type RotationService } from '../hosts/rotation-service.ts';
import { startPostgres, type Postgres } from '../helpers/postgres.ts';
import { createTemplatePair, rotateAsTemplate, type TemplatePair } from '../helpers/template-pair.ts';
import type { Moto } from '../peers/index.ts';
import { describeWithPeer } from '../peers/vitest.ts';
import { loadConfig } from '../../shared/config/index.ts';
import type { SecretValue } from '../../shared/stores/index.ts';

const guide = readFileSync(path.resolve(import.meta.dirname, '../../docs/guides/from-aws-templates.md'), 'utf8');
const blocks = (language: string): string[] =>
  [...guide.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map((match) => match[1] ?? '');
const [wholeFile = '', inPlace = ''] = blocks('yaml');
const SECRET = 'prod/app/db';

/** keywheel.yaml as the guide shows it. */
interface Shown {
  secrets: Record<string, Fields & { target: Fields & { admin: { username: string; secret: string } } }>;
}
const shown = parse(wholeFile) as Shown;

it('shows statements, commands and calls', () => {
  expect([blocks('yaml').length, blocks('sql').length, blocks('console').length, blocks('sh').length]).toEqual([2, 4, 2, 3]);
});

it('calls what the AWS command line has', () => {
  const commands = blocks('sh').map((block) => block.replaceAll(/\\\n\s*/g, ''));
  for (const command of commands) {
    const [program, service, operation = '', ...words] = command.trim().split(/\s+/);
    expect([program, service]).toEqual(['aws', 'secretsmanager']);
    const pascal = (name: string): string => name.replaceAll(/(^|-)(\w)/g, (_all, _dash, letter: string) => letter.toUpperCase());
    expect(Object.keys(secretsManager)).toContain(`${pascal(operation)}Command`);
    const members = words.filter((word) => word.startsWith('--')).map((word) => pascal(word.slice(2).replace(/^no-/, '')));
    const known = ['SecretId', 'RotationLambdaArn', 'RotationLambdaARN', 'RotationRules', 'RotateImmediately'];
    const stages = ['VersionStage', 'MoveToVersionId', 'RemoveFromVersionId'];
    expect(members.filter((member) => ![...known, ...stages].includes(member))).toEqual([]);
  }
});

await describeWithPeer('moto', 'docs/guides/from-aws-templates.md', (startMoto) => {
  let server: Postgres;
  let moto: Moto;
  let vendor: Vendor;
  let service: RotationService;
  let pair: TemplatePair;
  let room: Room;
  beforeAll(async () => {
    [server, moto] = await Promise.all([startPostgres(), startMoto({})]);
    vendor = await startVendor(moto.endpoint);
    service = await startRotationService(vendor.account().endpoint);
    pair = await createTemplatePair(server, { name: 'app', clone: false });
    const { username, secret } = shown.secrets[SECRET]?.target.admin ?? { username: '', secret: '' };
    await server.query(`ALTER ROLE ${pair.admin.username} RENAME TO ${username === 'postgres' ? 'master' : username}`);
    const master = JSON.stringify({ username: 'master', password: pair.admin.password });
    await service.client.send(new secretsManager.CreateSecretCommand({ Name: secret, SecretString: master }));
    const made = { Name: SECRET, SecretString: JSON.stringify({ ...pair.value(), masterarn: secret, ssl: true }) };
    await service.client.send(new secretsManager.CreateSecretCommand(made));
    Object.assign(pair.admin, { username: 'master' });
    await rotateAsTemplate(service.client, SECRET, pair, 'multi-user');
    await rotateAsTemplate(service.client, SECRET, pair, 'multi-user');
    room = await prepareRoom(server, { secrets: [SECRET], pairs: { [SECRET]: pair }, put: 'not' });
  });
  afterAll(async () => {
    service?.close();
    await vendor?.close();
    await room?.close();
    await Promise.all([server?.stop(), moto?.stop()]);
  });

  /** The guide's configuration, where this machine has its server, its store and its state. */
  async function pin(change: Fields = {}): Promise<void> {
    await room.configure((config) => {
      config.stores = { aws: { kind: 'aws', region: 'us-east-1', endpoint: service.endpoint } };
      const { target, ...rest } = shown.secrets[SECRET] ?? { target: {} };
      const here = { host: server.host, port: server.port, tls: { mode: 'disable' } };
      const admin = { ...(target['admin'] as Fields), username: 'master' };
      const short = { consumers: { maxCacheAge: '1s' }, evidence: { samples: 1, quiet: '20ms' } };
      config.secrets = {
        [SECRET]: { ...rest, ...short, target: { ...target, ...here, admin, ...(change['target'] as Fields) } },
      };
      Object.assign(config.secrets[SECRET] ?? {}, { ...change, target: config.secrets[SECRET]?.target });
    });
  }
  const current = async (): Promise<SecretValue> => {
    const asked = { SecretId: SECRET, VersionStage: 'AWSCURRENT' };
    const { SecretString } = await service.client.send(new secretsManager.GetSecretValueCommand(asked));
    return JSON.parse(SecretString ?? '{}') as SecretValue;
  };
  const runAll = async (lines: readonly string[]): Promise<void> => {
    for (const line of lines) {
      const { code, stderr } = await room.run(line.split(' '), { env: { ...CREDENTIALS } });
      expect({ line, code, stderr: code === 0 ? '' : stderr }).toEqual({ line, code: 0, stderr: '' });
    }
  };
  const commandsOf = (block: string | undefined): string[] =>
    [...(block ?? '').matchAll(/^\$ keywheel (.+)$/gm)].map((match) => match[1] ?? '');

  it('shows a configuration that is valid as it is', async () => {
    const file = room.file('shown.yaml');
    await writeFile(file, wholeFile);

    const { secrets } = await loadConfig(file);
    await rm(file);

    expect(secrets[SECRET]?.target).toMatchObject({ accounts: ['app', 'app_clone'], ownerRole: 'app' });
  });

  it('looks, mends and rotates with the commands and statements that it shows', async () => {
    const [admin = '', act = '', handOver = ''] = blocks('sql');
    const [look, rotate] = blocks('console').map(commandsOf);
    await pin();
    await runAll(look ?? []);
    await pair.as(pair.admin, admin);
    await pair.as(pair.admin, act);
    const before = await current();
    await runAll(rotate ?? []);
    await server.query(`CREATE TABLE shop.later (); ALTER TABLE shop.later OWNER TO app_clone`, 'app');
    const value = await current();
    await pair.as(value, handOver);
    await runAll(rotate ?? []);

    expect(before).toMatchObject({ username: 'app' });
    expect(value).toMatchObject({ username: 'app_clone', masterarn: expect.stringContaining('rds!'), ssl: true });
    expect(await server.query(`SELECT tableowner FROM pg_tables WHERE tablename = 'later'`, 'app')).toEqual([
      { tableowner: 'app' },
    ]);
  });

  describe('for the single-user template', () => {
    it('rotates in place, and by two accounts after the statements that it shows', async () => {
      const single = parse(inPlace.replaceAll(/^ {4}/gm, '')) as Fields & { target: Fields };
      const [, , , second = ''] = blocks('sql');
      await pair.as(pair.admin, 'DROP ROLE app_clone');
      await pin({ ...single, target: { ...single.target, ownerRole: undefined } });
      await runAll([`rotate ${SECRET} --wait`]);
      await pair.as(pair.admin, second);
      await pin();
      await runAll(['doctor', `rotate ${SECRET} --wait`]);

      const after = await current();
      expect([after['username'], await room.login(SECRET, after)]).toEqual(['app_clone', 'ok']);
    });
  });
});
