import type { LoadedConfig } from '../../../shared/config/index.ts';
import { isKeywheelError } from '../../../shared/errors.ts';
import type { CommandModule, Context } from '../context.ts';
import type { Check } from '../doctor/check.ts';
import { EXIT } from '../../../shared/reply/index.ts';
import type { Output } from '../output.ts';
import { harmless, wrap } from '../text.ts';

async function checkAll(context: Context, config: LoadedConfig, tell: (checks: readonly Check[]) => void): Promise<void> {
  const [{ checkState, checkStore }, { checkSecret }, { readJournals }] = await Promise.all([
    import('../doctor/machine.ts'),
    import('../doctor/secret.ts'),
    import('../journals.ts'),
  ]);
  for (const name of Object.keys(config.stores)) tell([await checkStore(config, name)]);
  const state = await checkState(config);
  tell([state]);
  const names = Object.keys(config.secrets);
  const { journals, installation } =
    state.level === 'fail' ? { journals: new Map(), installation: undefined } : await readJournals(config, names);
  for (const name of names) tell(await checkSecret(context, config, name, { journal: journals.get(name), installation }));
}

const TONES = { ok: 'good', warn: 'warn', fail: 'bad' } as const;

function print(out: Output, { level, subject, message, mend }: Check): void {
  const [first = '', ...rest] = wrap(harmless(`${subject}: ${message}`), out.width - 6);
  out.line(`${out.paint(TONES[level], level.padEnd(4))}  ${first}`);
  for (const line of rest) out.line(`      ${line}`);
  // Not wrapped: it is there to be copied.
  if (mend !== undefined) out.line(`      ${out.paint('dim', 'mend:')} ${harmless(mend)}`);
}

export const doctor: CommandModule = {
  examples: [
    ['keywheel doctor', 'check everything and change nothing'],
    ['keywheel doctor --json', 'the same for programs'],
  ],
  configure: () => undefined,
  async run(context) {
    const { out } = context;
    const { checkNode } = await import('../doctor/node.ts');
    const checks: Check[] = [];
    // Told as they come: a target that does not answer takes seconds.
    const tell = (some: readonly Check[]): void => {
      checks.push(...some);
      if (!out.json) for (const check of some) print(out, check);
    };
    tell([checkNode(process.versions.node)]);
    let config: LoadedConfig | undefined;
    try {
      config = await context.config();
      const count = Object.keys(config.secrets).length;
      tell([
        {
          level: 'ok',
          subject: 'config',
          message: `${context.configFile} is valid, ${count} ${count === 1 ? 'secret' : 'secrets'}`,
        },
      ]);
    } catch (error) {
      if (!isKeywheelError(error)) throw error;
      tell(
        error.message.split('\n').map((message): Check => ({
          level: 'fail',
          subject: 'config',
          message,
          mend: error.hint ?? `edit ${context.configFile}`,
        })),
      );
    }
    if (config !== undefined) await checkAll(context, config, tell);
    const bad = checks.filter((check) => check.level === 'fail').length;
    if (out.json) out.record({ ok: bad === 0, checks });
    else out.say(bad === 0 ? 'nothing is broken' : `${bad} ${bad === 1 ? 'thing is' : 'things are'} broken`);
    return bad === 0 ? EXIT.done : EXIT.failed;
  },
};
