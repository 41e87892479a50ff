/** Runs `serverless package` (osls) as a process of its own, with nothing that it could log in with or report to. */
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { KeywheelError } from '../../../shared/errors.ts';
import { ARTIFACT } from '../artifact.ts';

export interface ServerlessOptions {
  /** The checkout, where serverless.yml stands. */
  readonly root: string;
  /** Absolute. */
  readonly config: string;
  /** Holds keywheel.zip already; the CloudFormation templates come beside it. */
  readonly folder: string;
}

/** ERR_CONFIG_INVALID with what serverless says, when serverless.yml or a parameter does not fit. */
export async function serverlessPackage({ root, config, folder }: ServerlessOptions): Promise<void> {
  // osls works in a folder beside serverless.yml. One of our own keeps it out of the checkout, and out of the way of a second run.
  const service = await mkdtemp(path.join(tmpdir(), 'keywheel-serverless-'));
  try {
    await copyFile(path.join(root, 'serverless.yml'), path.join(service, 'serverless.yml'));
    await symlink(path.join(root, 'scripts'), path.join(service, 'scripts'));
    await run(service, [`--param=config=${config}`, `--param=artifact=${path.join(folder, ARTIFACT)}`]);
    const made = path.join(service, '.serverless');
    const templates = (await readdir(made)).filter((name) => name.endsWith('.json'));
    await Promise.all(templates.map((name) => copyFile(path.join(made, name), path.join(folder, name))));
  } finally {
    await rm(service, { recursive: true, force: true });
  }
}

function run(cwd: string, params: readonly string[]): Promise<void> {
  const bin = fileURLToPath(import.meta.resolve('serverless/bin/serverless.js'));
  const { PATH = '' } = process.env;
  const env = { PATH, HOME: cwd, NO_COLOR: '1' };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [bin, 'package', ...params], { cwd, env, timeout: 120_000 }, (error, stdout, stderr) => {
      if (error === null) return resolve();
      const lines = `${stdout}\n${stderr}`.split('\n').map((line) => line.trim());
      // Its own words follow a line that says only `Error:`.
      const said = lines.slice(lines.indexOf('Error:') + 1).filter((line) => line !== '');
      const hint = 'run `npx serverless package` to see all of what it says';
      reject(new KeywheelError('ERR_CONFIG_INVALID', `serverless package failed: ${said[0] ?? 'without a message'}`, { hint }));
    });
  });
}
