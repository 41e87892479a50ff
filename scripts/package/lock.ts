/**
 * The part of our own package-lock.json that one package needs, so that the cloud's build installs the same bytes that were tested here:
 * versions with their integrity, and no address, so that it comes from whatever registry the build is configured with.
 */

interface LockEntry {
  readonly version?: string;
  readonly integrity?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly engines?: unknown;
}

/** package-lock.json, version 3. https://docs.npmjs.com/cli/v11/configuring-npm/package-lock-json */
export interface Lock {
  readonly lockfileVersion: number;
  readonly packages: Readonly<Record<string, LockEntry>>;
}

/** Where `name` is found by what stands at `from`: the nearest node_modules upwards, as Node looks. */
function placeOf(lock: Lock, name: string, from: string): string | undefined {
  const place = `${from === '' ? '' : `${from}/`}node_modules/${name}`;
  if (lock.packages[place] !== undefined || from === '') return lock.packages[place] === undefined ? undefined : place;
  return placeOf(lock, name, from.slice(0, Math.max(0, from.lastIndexOf('node_modules/') - 1)));
}

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

/** The exact version of a package that the lockfile has at its top. */
export function lockedVersion(lock: Lock, name: string): string {
  const version = lock.packages[`node_modules/${name}`]?.version;
  if (version === undefined) throw new TypeError(`${name} is not in package-lock.json`);
  return version;
}

/** A lockfile for `manifest`, whose dependencies all stand in `lock`. */
export function lockFor(manifest: Manifest, lock: Lock): object {
  const packages: Record<string, object> = {};
  const add = (name: string, from: string, optional: boolean): void => {
    const place = placeOf(lock, name, from);
    // An optional package for another platform may be missing; anything else is a broken lockfile.
    if (place === undefined && optional) return;
    if (place === undefined) throw new TypeError(`${name} is not in package-lock.json`);
    if (packages[place] !== undefined) return;
    const { version, integrity, dependencies, optionalDependencies, bin, engines } = lock.packages[place] ?? {};
    packages[place] = { version, integrity, dependencies, optionalDependencies, bin, engines };
    for (const each of Object.keys(dependencies ?? {})) add(each, place, false);
    for (const each of Object.keys(optionalDependencies ?? {})) add(each, place, true);
  };
  for (const name of Object.keys(manifest.dependencies)) add(name, '', false);
  const sorted = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1)));
  const { name, version, dependencies } = manifest;
  return { name, version, lockfileVersion: 3, requires: true, packages: { '': { name, version, dependencies }, ...sorted } };
}
