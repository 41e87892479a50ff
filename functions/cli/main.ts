/** Builds the command line. What it does not need for an answer it does not load: commander takes half as long as Node itself takes to start. */
import type { Command, CommanderError } from 'commander';
import type { Environment } from '../../shared/config/index.ts';
import { KeywheelError } from '../../shared/errors.ts';
import { createContext, type CommandModule, type Context, type Flags } from './context.ts';
import { EXIT_CODES, examplesText, HELP_COMMAND, HELP_OPTION, HELP_WIDTH, OPTIONS, TOP_EXAMPLES, topHelp } from './help.ts';
import { createOutput, type Output, type Sink } from './output.ts';

interface Entry {
  readonly summary: string;
  load(): Promise<CommandModule>;
}

const COMMANDS: Readonly<Record<string, Entry>> = {
  demo: { summary: 'the main job, on this machine, from nothing', load: async () => (await import('./commands/demo.ts')).demo },
  init: { summary: 'write a commented keywheel.yaml', load: async () => (await import('./commands/init.ts')).init },
  doctor: {
    summary: 'what works, what does not, and the command that mends it',
    load: async () => (await import('./commands/doctor.ts')).doctor,
  },
  rotate: { summary: 'rotate secrets without downtime', load: async () => (await import('./commands/rotate.ts')).rotate },
  score: {
    summary: 'what is unusual in audit records of secret stores',
    load: async () => (await import('./commands/score.ts')).score,
  },
  status: { summary: 'labels, phase, held reasons, next due', load: async () => (await import('./commands/status.ts')).status },
  get: { summary: 'print the value of a secret', load: async () => (await import('./commands/get.ts')).get },
  put: { summary: 'write the value of a secret, read from stdin', load: async () => (await import('./commands/put.ts')).put },
};

export interface Io {
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly stdin: Context['stdin'];
  readonly env: Environment;
}

/** commander's own sentence, in the house's words: `unknown option "--jsn", did you mean "--json"`. */
function usageError(error: CommanderError, asked: string): KeywheelError {
  const [first = '', second = ''] = error.message.split('\n');
  const what = first
    .replace(/^error: /, '')
    .replaceAll("'", '"')
    .replace(/\.$/, '');
  const near = /^\(Did you mean (?:one of )?(.*)\?\)$/.exec(second)?.[1];
  const message =
    near === undefined
      ? what
      : `${what}, did you mean ${near
          .split(', ')
          .map((name) => JSON.stringify(name))
          .join(' or ')}`;
  return new KeywheelError('ERR_USAGE', message, { hint: `run: keywheel ${asked === '' ? '' : `${asked} `}--help` });
}

async function build(
  argv: readonly string[],
  out: Output,
  act: (module: CommandModule, command: Command) => Promise<void>,
): Promise<Command> {
  const commander = await import('commander');
  const program = new commander.Command('keywheel');
  // Set before commands are added: they inherit it.
  program
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void out.stdout.write(text),
      writeErr: () => undefined,
      getOutHelpWidth: () => Math.min(out.width, HELP_WIDTH),
      getOutHasColors: () => false,
    })
    .configureHelp({ showGlobalOptions: true })
    .helpOption(...HELP_OPTION)
    .helpCommand(...HELP_COMMAND)
    .addHelpText('before', () => examplesText(TOP_EXAMPLES))
    .addHelpText('after', EXIT_CODES);
  for (const option of OPTIONS) program.option(...option);
  for (const [name, entry] of Object.entries(COMMANDS)) {
    const command = program.command(name).description(entry.summary);
    if (!argv.includes(name)) continue;
    const module = await entry.load();
    command.addHelpText('before', () => examplesText(module.examples));
    module.configure(command);
    command.action(() => act(module, command));
  }
  return program;
}

const isCommanderError = (error: unknown): error is CommanderError => error instanceof Error && error.name === 'CommanderError';

async function tellVersion(out: Output): Promise<number> {
  const { default: about } = await import('../../package.json', { with: { type: 'json' } });
  if (out.json) out.record({ version: about.version });
  else out.line(about.version);
  return 0;
}

const processIo = (): Io => ({ stdout: process.stdout, stderr: process.stderr, stdin: process.stdin, env: process.env });

/** Runs one command line (without node and script) and returns its exit code. Throws nothing. */
export async function main(argv: readonly string[], io: Io = processIo()): Promise<number> {
  for (const stream of [io.stdout, io.stderr]) forgiveBrokenPipe(stream);
  const out = createOutput({ ...io, json: argv.includes('--json') });
  // With nothing asked for, the help is the answer; commander would call it an error.
  const words = argv.filter((word) => word !== '--json');
  const only = words.length === 1 ? words[0] : undefined;
  if (only === '-V' || only === '--version') return tellVersion(out);
  if ((words.length === 0 || only === '-h' || only === '--help') && out.width >= HELP_WIDTH) {
    out.stdout.write(topHelp(COMMANDS));
    return 0;
  }
  let code = 0;
  let asked = '';
  try {
    const program = await build(argv, out, async (module, command) => {
      const flags: Flags = command.optsWithGlobals();
      const config = flags['config'];
      const context = await createContext({
        out,
        env: io.env,
        stdin: io.stdin,
        configFlag: typeof config === 'string' ? config : undefined,
      });
      code = await module.run(context, command.args, flags);
    });
    asked = argv.find((word) => Object.hasOwn(COMMANDS, word)) ?? '';
    await program.parseAsync(words.length === 0 ? ['--help'] : [...argv], { from: 'user' });
    return code;
  } catch (error) {
    if (!isCommanderError(error)) return out.fail(error);
    return error.exitCode === 0 ? 0 : out.fail(usageError(error, asked));
  }
}

/** `keywheel status | head -1` closes our pipe early. What is being done goes on; what would be written is dropped. */
function forgiveBrokenPipe(sink: Sink): void {
  if (!('on' in sink) || typeof sink.on !== 'function') return;
  (sink as NodeJS.WriteStream).on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}
