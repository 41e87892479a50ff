/**
 * Peers that come as Python packages: a virtual environment of their own in the cache, with one pinned package. The index is
 * whatever pip is configured with; nothing here names one.
 */
import path from 'node:path';
import { command } from './command.ts';
import { provisionOnce } from './cache.ts';

export interface PipPackage {
  readonly name: string;
  readonly version: string;
  /** Optional parts of the package, as in `moto[server]`. */
  readonly extras?: readonly string[];
  /** Proves that what was installed runs, before the cache takes it. Throws when it does not. */
  check(environment: string): Promise<void>;
}

/**
 * The folder of the virtual environment. It was moved after it was made, so start what is in it as `bin/python -m MODULE` or by the
 * path of a binary: the scripts that pip writes to `bin/` name the folder where they were made.
 */
export function pip(wanted: PipPackage): Promise<string> {
  const { name, version, extras = [] } = wanted;
  return provisionOnce(['pip', name, ...extras, version].join('-'), async (folder) => {
    await command('python3', ['-m', 'venv', folder], { failing: 'no Python environment can be made' });
    const quick = ['--no-input', '--disable-pip-version-check', '--retries', '2', '--timeout', '30'];
    // Wheels only: a source distribution would run its own build here.
    const what = ['--only-binary', ':all:', `${name}${extras.length === 0 ? '' : `[${extras.join(',')}]`}==${version}`];
    await command(path.join(folder, 'bin/python'), ['-m', 'pip', 'install', ...quick, ...what], {
      failing: `${name} ${version} cannot be installed`,
    });
    await wanted.check(folder);
  });
}

/** Evaluates an expression in the environment's Python and returns its text. */
export async function evaluate(environment: string, expression: string, module: string): Promise<string> {
  const out = await command(path.join(environment, 'bin/python'), ['-c', `import ${module}; print(${expression})`], {
    failing: `${module} cannot be used`,
  });
  return out.trim();
}
