/** cfn-lint, AWS's own linter of CloudFormation templates: it knows each resource's schema, the runtimes, and IAM's actions. No server: it is started once for each look. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { KeywheelError } from '../../shared/errors.ts';
import { command } from './command.ts';
import { pip } from './pip.ts';

const VERSION = '1.58.0';
/** The script that pip writes names the folder where it was made; this is what it would run. */
const MAIN = 'from cfnlint.runner import main; main()';

export interface LintFinding {
  /** For example `E3002`. E is an error, W a warning. */
  readonly rule: string;
  readonly message: string;
  /** Where in the template, joined with slashes. */
  readonly at: string;
}

export interface CfnLint {
  readonly version: string;
  /** @param ignored rules that are left out. Empty when there is nothing to say. */
  lint(file: string, ignored?: readonly string[]): Promise<LintFinding[]>;
}

interface Match {
  readonly Rule: { readonly Id: string };
  readonly Message: string;
  readonly Location: { readonly Path?: readonly (string | number)[] | null };
}

/** Provisions it on first use. ERR_MISSING_PEER when this machine cannot have it. */
export async function cfnLint(): Promise<CfnLint> {
  const environment = await pip({
    name: 'cfn-lint',
    version: VERSION,
    async check(folder) {
      const failing = `cfn-lint ${VERSION} does not run here`;
      const says = await command(path.join(folder, 'bin/python'), ['-c', MAIN, '--version'], { failing });
      if (says.trim().endsWith(` ${VERSION}`)) return; // before it stands the name it was started by
      throw new KeywheelError('ERR_MISSING_PEER', `cfn-lint ${VERSION} cannot be used, the package carries ${says.trim()}`);
    },
  });
  return {
    version: VERSION,
    async lint(file, ignored = []) {
      const skip = ignored.flatMap((rule) => ['--ignore-checks', rule]);
      const args = ['-c', MAIN, '--regions', 'us-east-1', '--format', 'json', ...skip, '--template', file];
      const matches = JSON.parse(await output(path.join(environment, 'bin/python'), args)) as Match[];
      return matches.map(({ Rule, Message, Location }) => ({
        rule: Rule.Id,
        message: Message,
        at: (Location.Path ?? []).join('/'),
      }));
    },
  };
}

/** Its exit code is a sum of what it found; only an answer that is no JSON is a failure. */
function output(file: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(file, args, { timeout: 120_000 }, (_error, stdout, stderr) => {
      if (stdout.trim().startsWith('[')) return resolve(stdout);
      reject(new KeywheelError('ERR_TARGET_FAILED', `cfn-lint did not answer, ${stderr.trim().split('\n').at(-1) ?? ''}`));
    });
  });
}
