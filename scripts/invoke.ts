/**
 * Gives a sample of events/ to the function that it is for, on this machine, with a keywheel.yaml of yours:
 *   npm run invoke -- events/aws/advance-scheduler.json [--config keywheel.yaml]
 * The manifest says which function a sample is for. The platform's own library calls it; logs go to where the platform would read them.
 */
import { readFile } from 'node:fs/promises';
import Module from 'node:module';
import path from 'node:path';
import { parseArgs } from 'node:util';

const root = path.resolve(import.meta.dirname, '..');
const { values, positionals } = parseArgs({ allowPositionals: true, options: { config: { type: 'string' } } });

interface Sample {
  readonly file: string;
  readonly function: 'rotate' | 'advance' | 'manual' | 'score' | 'scoreTick' | 'ack';
}

function fail(message: string, hint: string): never {
  process.stderr.write(`invoke: ${message}\nhint: ${hint}\n`);
  process.exit(2);
}

const [file] = positionals;
if (file === undefined) fail('no sample is named', 'npm run invoke -- events/aws/advance-scheduler.json --config keywheel.yaml');
const { events } = JSON.parse(await readFile(path.join(root, 'events/manifest.json'), 'utf8')) as { events: Sample[] };
const name = path.relative(path.join(root, 'events'), path.resolve(file)).replaceAll('\\', '/');
const sample = events.find((each) => each.file === name);
if (sample === undefined)
  fail(`${file} is not in events/manifest.json`, `there are ${events.length} samples, such as ${events[0]?.file ?? ''}`);
const event = JSON.parse(await readFile(path.join(root, 'events', sample.file), 'utf8')) as Record<string, unknown>;
if (values.config !== undefined) process.env['KEYWHEEL_CONFIG'] = path.resolve(values.config);

const invoke: Readonly<Record<string, (sample: Sample) => Promise<unknown>>> = { aws: onAws, gcp: onGoogleCloud, azure: onAzure };
try {
  const answer = await invoke[sample.file.split('/')[0] ?? '']?.(sample);
  process.stdout.write(`${JSON.stringify(answer ?? null)}\n`);
} catch (error) {
  const { name: code, message } = error as Error;
  process.stderr.write(`invoke: ${code}: ${message}\n`);
  process.exitCode = 1;
}

function roomOf(target: Sample['function']): 'score' | 'rotate' {
  return ['score', 'scoreTick', 'ack'].includes(target) ? 'score' : 'rotate';
}

async function onAws({ function: target }: Sample): Promise<unknown> {
  const handlers = (await import(`../functions/${roomOf(target)}/aws.ts`)) as Record<
    string,
    (event: unknown, context: object) => Promise<unknown>
  >;
  const context = { awsRequestId: 'local', functionName: `keywheel-${target}`, getRemainingTimeInMillis: () => 60_000 };
  return handlers[target === 'scoreTick' ? 'tick' : target]?.(event, context);
}

async function onGoogleCloud({ function: target }: Sample): Promise<unknown> {
  await import(`../functions/${roomOf(target)}/gcp.ts`);
  const { getFunction } = await import('@google-cloud/functions-framework/testing');
  if (target === 'manual' || target === 'ack')
    fail(`${target} is called by HTTP`, 'npx functions-framework --target=NAME, then send the sample as the body of a POST');
  return (getFunction(target) as (event: unknown) => Promise<unknown>)(event);
}

/** Outside of Azure the library registers with nobody; here it registers with this. */
async function onAzure({ function: target }: Sample): Promise<unknown> {
  const registered = new Map<string, (event: unknown, context: object) => Promise<unknown>>();
  const core = {
    version: '4.0.0',
    setProgrammingModel: () => undefined,
    registerFunction: (metadata: { name: string }, callback: (event: unknown, context: object) => Promise<unknown>) =>
      void registered.set(metadata.name, callback),
    registerHook: () => ({ dispose: () => undefined }),
    log: () => undefined,
  };
  const loader = Module as unknown as { _load(request: string, ...rest: unknown[]): unknown };
  // oxlint-disable-next-line no-underscore-dangle -- Node's own name for the loader's hook
  const load = loader._load.bind(loader);
  // oxlint-disable-next-line no-underscore-dangle -- the same
  loader._load = (request, ...rest) => (request === '@azure/functions-core' ? core : load(request, ...rest));
  await import(`../functions/${roomOf(target)}/azure.ts`);
  if (target === 'manual' || target === 'ack')
    fail(`${target} is called by HTTP`, 'deploy it, or send the request to the Lambda or Google Cloud function');
  const context = { invocationId: 'local', log: console.log, error: console.error };
  return registered.get(target)?.(event, context);
}
