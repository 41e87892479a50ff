// `npm run package`: builds what is deployed, for every cloud, without a network. docs/guides/deploy-*.md say what to do with it.
//   node scripts/package.ts [aws|gcp|azure ...] [--config FILE] [--out FOLDER] [--json]
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createOutput } from '../functions/cli/output.ts';
import { table } from '../functions/cli/text.ts';
import { configPath } from '../shared/config/index.ts';
import { isKeywheelError, KeywheelError } from '../shared/errors.ts';
import { EXIT } from '../shared/reply/index.ts';
import { writeArtifact, type Artifact } from './package/artifact.ts';
import { serverlessPackage } from './package/aws/serverless.ts';
import { CLOUDS, type Cloud } from './package/clouds.ts';
import { configToPackage } from './package/config.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const HELP = `Examples:
  $ npm run package
      all three clouds, with ./keywheel.yaml, into dist/
  $ npm run package -- aws --config prod.yaml
      one cloud, with another configuration

Usage: npm run package -- [aws|gcp|azure ...] [options]

Options:
  --config <file>  the configuration to take along (default: KEYWHEEL_CONFIG,
                   else ./keywheel.yaml); never a key file
  --out <folder>   where to write (default: dist)
  --json           print JSON with a schemaVersion
  -h, --help       show this help`;

function isCloud(word: string): word is Cloud {
  return CLOUDS.some((cloud) => cloud === word);
}

const size = (bytes: number): string => (bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} KB` : `${(bytes / 1e6).toFixed(2)} MB`);

function read(argv: readonly string[]) {
  try {
    const options = {
      config: { type: 'string' },
      out: { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    } as const;
    const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true });
    const unknown = positionals.find((word) => !isCloud(word));
    if (unknown !== undefined) throw new Error(`${JSON.stringify(unknown)} is no cloud`);
    const clouds = positionals.filter(isCloud);
    return { ...values, clouds: clouds.length === 0 ? CLOUDS : CLOUDS.filter((cloud) => clouds.includes(cloud)) };
  } catch (error) {
    // parseArgs says which option it does not know; it has no more to tell.
    const [first = ''] = (error instanceof Error ? error.message : '').split('. ');
    throw new KeywheelError('ERR_USAGE', first, { hint: `clouds are ${CLOUDS.join(', ')}; see --help` });
  }
}

async function main(argv: readonly string[]): Promise<number> {
  const { stdout, stderr } = process;
  const output = createOutput({ stdout, stderr, env: process.env, json: argv.includes('--json') });
  try {
    const asked = read(argv);
    if (asked.help === true) {
      output.line(HELP);
      return EXIT.done;
    }
    const out = path.resolve(asked.out ?? 'dist');
    const configuration = await configToPackage(configPath({ flag: asked.config, env: process.env }));
    const artifacts: Artifact[] = [];
    for (const cloud of asked.clouds) {
      output.say(`${cloud}: bundling`);
      const folder = path.join(out, cloud);
      artifacts.push(await writeArtifact({ cloud, root: ROOT, configuration: configuration.files, folder }));
      if (cloud !== 'aws') continue;
      output.say('aws: compiling serverless.yml');
      await serverlessPackage({ root: ROOT, config: configuration.config.file, folder });
    }
    if (output.json) output.record({ artifacts });
    else for (const line of tell(artifacts)) output.line(line);
    return EXIT.done;
  } catch (error) {
    if (!isKeywheelError(error) && error instanceof Error && 'errors' in error) return output.fail(unbuildable(error));
    return output.fail(error);
  }
}

/** esbuild's faults are about our own source: their text is safe, and it is all there is to know. */
function unbuildable(error: Error): KeywheelError {
  return new KeywheelError('ERR_INTERNAL', `the bundle cannot be built, ${error.message}`, { hint: 'run `npm run check` first' });
}

function tell(artifacts: readonly Artifact[]): string[] {
  const rows = artifacts.map(({ file, bytes, unpackedBytes, entries, sha256 }) => [
    path.relative(process.cwd(), file),
    size(bytes),
    size(unpackedBytes),
    entries.map(({ bytes: entry }) => size(entry)).join(', '),
    sha256.slice(0, 16),
  ]);
  return table(['ARTIFACT', 'ZIP', 'UNPACKED', 'ENTRY', 'SHA-256'], rows, 80);
}

process.exitCode = await main(process.argv.slice(2));
