import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { lockedVersion, lockFor, type Lock } from '../../scripts/package/lock.ts';

const entry = (version: string, dependencies: Record<string, string> = {}) => ({
  version,
  integrity: `sha512-${version}`,
  dependencies,
});
const lock: Lock = {
  lockfileVersion: 3,
  packages: {
    '': {},
    'node_modules/a': { ...entry('1.0.0', { b: '^1', c: '^1' }), optionalDependencies: { missing: '*' }, bin: { a: 'a.js' } },
    'node_modules/b': entry('2.0.0'),
    'node_modules/a/node_modules/b': entry('1.5.0', { c: '^1' }),
    'node_modules/c': entry('1.1.0', { b: '^2' }),
    'node_modules/unrelated': entry('9.0.0'),
  },
};
const manifest = { name: 'x', version: '0.1.0', dependencies: { a: '1.0.0' } };

describe('the lockfile of a package', () => {
  it('holds what is needed, each at the place where Node finds it, and nothing else', () => {
    const made = lockFor(manifest, lock) as { packages: Record<string, { version?: string }> };

    const found = Object.entries(made.packages).map(([place, { version }]) => `${place} ${version ?? ''}`);
    expect(found).toEqual([
      ' 0.1.0',
      'node_modules/a 1.0.0',
      'node_modules/a/node_modules/b 1.5.0',
      'node_modules/b 2.0.0',
      'node_modules/c 1.1.0',
    ]);
  });

  it('is refused where something is missing', () => {
    expect(() => lockFor({ ...manifest, dependencies: { z: '1' } }, lock)).toThrow('z is not in package-lock.json');
    expect(() => lockedVersion(lock, 'z')).toThrow('z is not in package-lock.json');
  });

  it('pins the functions framework and all it needs by hash, and names no registry', async () => {
    const own = JSON.parse(await readFile(path.resolve('package-lock.json'), 'utf8')) as Lock;
    const framework = '@google-cloud/functions-framework';

    const made = lockFor({ name: 'x', version: '1.0.0', dependencies: { [framework]: lockedVersion(own, framework) } }, own);

    const { packages } = made as { packages: Record<string, { version?: string; integrity?: string }> };
    const installed = Object.entries(packages).filter(([place]) => place !== '');
    expect(installed.length).toBeGreaterThan(50);
    expect(installed.filter(([, { version, integrity }]) => version === undefined || integrity === undefined)).toEqual([]);
    expect(JSON.stringify(made)).not.toMatch(/https?:/);
  });
});
