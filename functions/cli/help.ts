/**
 * What the help of the whole says, and how it is laid out in 80 columns. Printed without commander, which takes half as long to load as Node
 * takes to start; a test holds it equal to what commander prints for `keywheel help`.
 */
import type { CommandModule } from './context.ts';
import { wrap } from './text.ts';

export const HELP_WIDTH = 80;

type Line = readonly [term: string, text: string];

export const OPTIONS: readonly Line[] = [
  ['--config <file>', 'the configuration (default: KEYWHEEL_CONFIG, else ./keywheel.yaml)'],
  ['--json', 'print JSON with a schemaVersion, errors too'],
  ['-V, --version', 'print the version'],
];
export const HELP_OPTION: Line = ['-h, --help', 'show this help'];
export const HELP_COMMAND: Line = ['help [command]', 'show the help of a command'];

export const TOP_EXAMPLES: CommandModule['examples'] = [
  ['keywheel demo', 'rotate a real database under load, on this machine, from nothing'],
  ['keywheel init', 'write a commented keywheel.yaml to start from'],
  ['keywheel rotate app/db --dry-run', 'print the exact calls of a rotation and change nothing'],
];
export const EXIT_CODES =
  '\nExit codes: 0 done, 1 failed or findings, 2 usage or configuration,\n3 permission, 4 unreachable, 5 partly done and safe to resume, 130 interrupted.';

export function examplesText(examples: CommandModule['examples']): string {
  const lines = examples.map(([command, effect]) => `  $ ${command}\n      ${effect}`);
  return `Examples:\n${lines.join('\n')}\n`;
}

/** `commands` by name, with what each is for. */
export function topHelp(commands: Readonly<Record<string, { readonly summary: string }>>): string {
  const options = [...OPTIONS, HELP_OPTION];
  const named = [...Object.entries(commands).map(([name, { summary }]): Line => [name, summary]), HELP_COMMAND];
  const widest = Math.max(...[...options, ...named].map(([term]) => term.length));
  const list = (lines: readonly Line[]): string =>
    lines
      .flatMap(([term, text]) => {
        const indent = ' '.repeat(widest + 4);
        const [first = '', ...rest] = wrap(text, HELP_WIDTH - indent.length);
        return [`  ${term.padEnd(widest)}  ${first}`, ...rest.map((more) => indent + more)];
      })
      .join('\n');
  return `${examplesText(TOP_EXAMPLES)}\nUsage: keywheel [options] [command]\n\nOptions:\n${list(options)}\n\nCommands:\n${list(named)}\n${EXIT_CODES}\n`;
}
