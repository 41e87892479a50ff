import { KeywheelError } from '../../../shared/errors.ts';
import { openGate } from '../../../shared/deps.ts';
import type { LoadedConfig } from '../../../shared/config/index.ts';
import { supportsPut, type SecretStore, type SecretValue } from '../../../shared/stores/index.ts';
import type { CommandModule, Context, Flags } from '../context.ts';
import { EXIT, type ExitCode } from '../../../shared/reply/index.ts';

const MOST_BYTES = 64 * 1024;
const SHAPE = 'pipe one flat JSON object, for example {"username":"app_a","password":"..."}';

const invalid = (message: string): KeywheelError => new KeywheelError('ERR_USAGE', message, { hint: SHAPE });

async function readAll(stdin: Context['stdin']): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of stdin) {
    const bytes = Buffer.from(part);
    size += bytes.length;
    if (size > MOST_BYTES) throw invalid('stdin is more than a secret may hold (64 KiB)');
    parts.push(bytes);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** From stdin only: a value among the arguments would be in the shell's history and in every process list. */
async function readValue(stdin: Context['stdin'], name: string): Promise<SecretValue> {
  if (stdin.isTTY === true) {
    throw new KeywheelError('ERR_USAGE', 'the value is read from stdin, which is a terminal', {
      hint: `keywheel put ${name} < value.json`,
    });
  }
  const text = await readAll(stdin);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's message quotes what it read.
    throw invalid(text.trim() === '' ? 'stdin is empty' : 'stdin is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('stdin is not a JSON object');
  const fields = Object.entries(value);
  if (fields.length === 0) throw invalid('the object on stdin has no field');
  const deep = fields.find(([, part]) => typeof part === 'object' && part !== null);
  if (deep !== undefined) throw invalid(`field ${JSON.stringify(deep[0])} is not text, a number, true, false or null`);
  return value as SecretValue;
}

export const put: CommandModule = {
  examples: [
    ['keywheel put app/db --new < value.json', 'write the first value of a secret'],
    ['keywheel put app/db < value.json', 'replace current by hand; the old value becomes previous'],
  ],
  configure(command) {
    command
      .argument('<name>', 'the secret')
      .option('--new', 'the secret must not exist yet')
      .option('--store <store>', 'the store, for a secret that is not in secrets');
  },
  async run(context, [name = ''], flags) {
    const config = await context.config();
    const { withStore } = await import('../stores.ts');
    const opening = { config, env: context.env, gate: openGate() };
    return withStore(opening, name, flags['store'] as string | undefined, (store) =>
      putInto(context, config, store, name, flags),
    );
  },
};

async function putInto(
  { out, stdin, env }: Context,
  config: LoadedConfig,
  store: SecretStore,
  name: string,
  flags: Flags,
): Promise<ExitCode> {
  if (!supportsPut(store)) {
    throw new KeywheelError('ERR_USAGE', `a store of kind ${store.kind} takes no values from keywheel`, {
      hint: 'write it with the store’s own tools',
    });
  }
  const value = await readValue(stdin, name);
  if (Object.hasOwn(config.secrets, name)) {
    const { openPorts, systemDeps } = await import('../../../shared/engine/index.ts');
    const ports = await openPorts(config, name, systemDeps, { env });
    // What the target could not rotate is refused here, before consumers read it. Pure: nothing is connected to.
    try {
      ports.target.slotOf(value);
    } finally {
      await ports.close();
    }
  }
  const before = await store.describe(name);
  if (flags['new'] === true && before !== undefined) {
    throw new KeywheelError('ERR_STORE_CONFLICT', `${name} exists already, nothing was written`, {
      hint: 'leave --new out to replace its value',
      subject: name,
    });
  }
  if (flags['new'] !== true && before === undefined) throw (await import('../stores.ts')).notFound(config, name);
  // Compare-and-set against what was just seen: a rotation that publishes in between is not overwritten.
  const after = await store.put(name, value, before?.revision ?? null);
  const version = after.labels.current?.id ?? '';
  if (out.json) out.record({ name, version, revision: after.revision });
  else out.line(version);
  out.say(`${name}: version ${version} is current`);
  return EXIT.done;
}
