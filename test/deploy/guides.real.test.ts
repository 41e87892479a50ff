import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { CLOUDS, type Cloud } from '../../scripts/package/clouds.ts';
import { configToPackage } from '../../scripts/package/config.ts';
import { CERTIFICATE } from './helpers/configs.ts';
import { readModule } from './helpers/terraform.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** The lines of all blocks of a language, continued lines joined. */
function blocks(guide: string, language: string): string[] {
  return [...guide.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map((match) => match[1] ?? '');
}
const lines = (guide: string, language: string): string[] =>
  blocks(guide, language)
    .join('')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line !== '');

/** Quotes as a shell takes them, as far as the guides need it. */
const split = (line: string): string[] =>
  [...line.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g)].map(([word]) =>
    word.replaceAll(/"([^"]*)"|'([^']*)'/g, (_all, a?: string, b?: string) => a ?? b ?? ''),
  );

const guides: Record<string, string> = {};
let folder: string;

beforeAll(async () => {
  for (const cloud of CLOUDS) guides[cloud] = await readFile(path.join(root, `docs/guides/deploy-${cloud}.md`), 'utf8');
  folder = await mkdtemp(path.join(tmpdir(), 'keywheel-guides-'));
  // A folder that looks like the checkout, so that nothing is written into this one.
  for (const name of ['scripts', 'functions', 'shared', 'infra', 'node_modules', 'package.json', 'package-lock.json']) {
    await symlink(path.join(root, name), path.join(folder, name));
  }
  await copyFile(path.join(root, 'serverless.yml'), path.join(folder, 'serverless.yml')); // osls takes no link for it
  for (const name of ['rds-ca.pem', 'db-ca.pem', 'azure-ca.pem']) await writeFile(path.join(folder, name), CERTIFICATE);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const guideOf = (cloud: Cloud): string => guides[cloud] ?? '';

describe.each(CLOUDS)('docs/guides/deploy-%s.md', (cloud) => {
  it('shows a configuration that can be packaged', async () => {
    const [text = ''] = blocks(guideOf(cloud), 'yaml');
    await writeFile(path.join(folder, 'keywheel.yaml'), text);

    const { config, files } = await configToPackage(path.join(folder, 'keywheel.yaml'));

    expect(Object.keys(config.secrets)).toEqual(Object.keys((parse(text) as { secrets: object }).secrets));
    expect(files).toHaveLength(2);
  });

  it('shows commands that work offline', async () => {
    const shown = lines(guideOf(cloud), 'console').map((line) => line.replace(/^\$ /, ''));
    expect(shown.length).toBeGreaterThan(1);
    for (const command of shown) {
      const [program = '', ...args] = split(command);
      if (program === 'terraform') continue; // run by test/deploy/terraform.test.ts where it is installed

      const [file, given] =
        program === 'npm'
          ? [path.join(root, 'scripts/package.ts'), args.slice(3)]
          : [path.join(root, 'node_modules/serverless/bin/serverless.js'), args.slice(1)];
      const { code, said } = await new Promise<{ code: number; said: string }>((resolve) => {
        const env = { PATH: process.env['PATH'] ?? '', HOME: folder };
        execFile(process.execPath, [file, ...given], { cwd: folder, env, timeout: 100_000 }, (error, stdout, stderr) =>
          resolve({ code: error === null ? 0 : 1, said: stdout + stderr }),
        );
      });
      expect({ command, code, said: code === 0 ? '' : said }).toEqual({ command, code: 0, said: '' });
    }
  });

  it('asks for a rotation as the function understands it', async () => {
    const source = await readFile(path.join(root, 'shared/drivers/manual.ts'), 'utf8');
    const known = [...(/const KEYS = \[(.*)\]/.exec(source)?.[1] ?? '').matchAll(/'(\w+)'/g)].map(([, name]) => name);
    const bodies = [...guideOf(cloud).matchAll(/ -d '(\{.*?\})'/g)].map(
      ([, body]) => JSON.parse(body ?? '') as { names: string[] },
    );

    expect(bodies).toHaveLength(1);
    for (const body of bodies) {
      expect(Object.keys(body).filter((key) => !known.includes(key))).toEqual([]);
      const { secrets } = parse(blocks(guideOf(cloud), 'yaml')[0] ?? '') as { secrets: object };
      expect(Object.keys(secrets)).toEqual(body.names);
    }
  });

  it('names scripts that package.json has', async () => {
    const { scripts } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    for (const [, name] of guideOf(cloud).matchAll(/\bnpm run (\w[\w:-]*)/g)) expect(scripts).toHaveProperty([name ?? '']);
  });
});

describe.each(['gcp', 'azure'] as const)('the Terraform commands in docs/guides/deploy-%s.md', (cloud) => {
  it('name variables and outputs that are there, and every variable that must be given', async () => {
    const module = await readModule(path.join(root, 'infra', cloud));
    const commands = lines(guideOf(cloud), 'sh').join('\n');

    const given = new Set([...commands.matchAll(/-var '?(\w+)=|\bTF_VAR_(\w+)=/g)].map(([, a, b]) => a ?? b ?? ''));
    expect([...given].filter((name) => !module.variables.has(name))).toEqual([]);
    const required = [...module.variables].filter(([, { default: value }]) => value === undefined).map(([name]) => name);
    expect(required.filter((name) => !given.has(name))).toEqual([]);
    const outputs = [...commands.matchAll(/terraform output -raw (\w+)/g)].map(([, name]) => name ?? '');
    expect(outputs.length).toBeGreaterThan(0);
    expect(outputs.filter((name) => !module.outputs.has(name))).toEqual([]);
  });
});

describe('the names in docs/guides/deploy-aws.md', () => {
  it('are outputs and parameters of serverless.yml', async () => {
    const serverless = await readFile(path.join(root, 'serverless.yml'), 'utf8');
    for (const name of ['RotateFunctionArn', 'ManualUrl', 'AdvanceQueueUrl', 'DeadLetterQueueUrl']) {
      expect(guideOf('aws')).toContain(name);
      expect(serverless).toMatch(new RegExp(`^ +${name}:$`, 'm'));
    }
    const parameters = [...guideOf('aws').matchAll(/^\| `(\w+)=|` and `(\w+)=/gm)].map(([, a, b]) => a ?? b ?? '');
    expect(parameters.length).toBeGreaterThan(4);
    expect(parameters.filter((name) => !serverless.includes(`param:${name},`))).toEqual([]);
  });
});
