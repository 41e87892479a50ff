/**
 * Peers that come as npm packages: a `node_modules` of their own in the cache, with one pinned package. The registry is whatever npm
 * is configured with; nothing here names one. No package's install script runs.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { KeywheelError } from '../../shared/errors.ts';
import { command } from './command.ts';
import { provisionOnce } from './cache.ts';

export interface NpmPackage {
  readonly name: string;
  /** Exact. What the package itself depends on is resolved when it is installed, and then kept with it. */
  readonly version: string;
  /** Proves that what was installed runs, before the cache takes it. Gets the package's own folder. Throws when it does not. */
  check(packageFolder: string): Promise<void>;
}

/** The package's own folder, `…/node_modules/NAME`. Start a file of it with `process.execPath`; what it requires is beside it. */
export async function npm(wanted: NpmPackage): Promise<string> {
  const { name, version } = wanted;
  const inside = (folder: string): string => path.join(folder, 'node_modules', name);
  const entry = await provisionOnce(`npm-${name.replaceAll('/', '-')}-${version}`, async (folder) => {
    const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error', '--fetch-retries=2'];
    // The folder is also where npm looks for a project: the checkout's own package.json must not be taken for it.
    await command('npm', ['install', '--prefix', folder, ...quiet, `${name}@${version}`], {
      failing: `${name} ${version} cannot be installed`,
      cwd: folder,
    });
    const manifest = JSON.parse(await readFile(path.join(inside(folder), 'package.json'), 'utf8')) as { version?: unknown };
    if (manifest.version !== version) {
      throw new KeywheelError(
        'ERR_MISSING_PEER',
        `${name} ${version} cannot be used, the registry gave ${String(manifest.version)}`,
      );
    }
    await wanted.check(inside(folder));
  });
  return inside(entry);
}
