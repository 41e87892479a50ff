import { access } from 'node:fs/promises';
import type { AuditConfig } from '../../../shared/config/index.ts';
import { KeywheelError } from '../../../shared/errors.ts';
import type { CommandModule, Context, Flags } from '../context.ts';
import type { ScoreOptions } from '../score/run.ts';

const SOURCES = ['auto', 'cloudtrail', 'vault', 'gcp', 'azure'] as const;
const FORMATS = ['text', 'json', 'sarif', 'html'] as const;
const BANDS = ['low', 'medium', 'high', 'critical', 'never'] as const;

function oneOf<const T extends string>(flags: Flags, name: string, values: readonly T[], fallback: T): T {
  const given = flags[name];
  if (given === undefined) return fallback;
  const found = values.find((value) => value === given);
  if (found !== undefined) return found;
  const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  throw new KeywheelError('ERR_USAGE', `${flag} cannot be ${JSON.stringify(given)}`, {
    hint: `it is one of ${values.join(', ')}`,
  });
}

/** The `audit` section of the configuration. Records can be scored without one: the defaults then hold. */
async function auditOf(context: Context, flags: Flags): Promise<AuditConfig | undefined> {
  const named = flags['config'] !== undefined || (context.env['KEYWHEEL_CONFIG'] ?? '') !== '';
  const exists = await access(context.configFile).then(
    () => true,
    () => false,
  );
  return named || exists ? (await context.config()).audit : undefined;
}

export const score: CommandModule = {
  examples: [
    ['keywheel score audit.log', 'what is unusual in the log of an audit device'],
    ['keywheel score trail/*.json.gz --explain', 'CloudTrail files, with each reason and what it weighs'],
    ['keywheel score trail/*.json.gz vault.log --format html > report.html', 'several stores at once, as a report to look at'],
    ['vault audit-tail | keywheel score - --format json --fail-on high', 'incidents as JSON lines; exit code 1 when one is high'],
  ],
  configure(command) {
    command
      .argument('[file...]', 'files of audit records, also gzipped; - is stdin')
      .option('--source <source>', `whose records they are: ${SOURCES.join(', ')}`, 'auto')
      .option('--state <dir>', 'keep what was learned here, and go on from it')
      .option('--explain', 'tell each reason, what was expected, and what the score would be without it')
      .option('--format <format>', FORMATS.join(', '), 'text')
      .option('--fail-on <band>', `exit with 1 at an incident of this band: ${BANDS.join(', ')}`, 'never');
  },
  async run(context, args, flags) {
    const state = flags['state'];
    const options: ScoreOptions = {
      files: args.length === 0 ? ['-'] : args,
      source: oneOf(flags, 'source', SOURCES, 'auto'),
      format: context.out.json ? 'json' : oneOf(flags, 'format', FORMATS, 'text'),
      failOn: oneOf(flags, 'failOn', BANDS, 'never'),
      explain: flags['explain'] === true,
      stateFolder: typeof state === 'string' ? state : undefined,
      audit: await auditOf(context, flags),
    };
    if (args.length === 0 && context.stdin.isTTY === true) {
      throw new KeywheelError('ERR_USAGE', 'no file is named', { hint: 'name files of audit records, or - to read stdin' });
    }
    const { runScore } = await import('../score/run.ts');
    return runScore(context, options);
  },
};
