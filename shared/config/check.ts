/** What the shape alone cannot say. Every check runs, so that one reading of the file tells everything. */
import { checkAudit } from './check-audit.ts';
import { checkEndpoints } from './check-endpoints.ts';
import { checkBlackouts, checkSchedule } from './check-schedule.ts';
import { checkShared, checkTarget } from './check-target.ts';
import { checkVault } from './check-vault.ts';
import { nearest } from './nearest.ts';
import { DEFAULT_MAX_CACHE_AGE } from './policy.ts';
import type { Path, Problem } from './problem.ts';
import type { Config, SecretConfig } from './schema.ts';

/** Exact, and as it may be written in the file: 5400000 is `90m`. */
function written(ms: number): string {
  const [unit, size] = (
    [
      ['d', 86_400_000],
      ['h', 3_600_000],
      ['m', 60_000],
      ['s', 1000],
    ] as const
  ).find(([, size]) => ms % size === 0) ?? ['ms', 1];
  return `${ms / size}${unit}`;
}

function checkGrace(secret: SecretConfig, at: Path): Problem[] {
  const chosen = secret.consumers?.maxCacheAge;
  const oldest = chosen ?? DEFAULT_MAX_CACHE_AGE;
  if (secret.grace === undefined || secret.grace >= oldest) return [];
  const message =
    `${written(secret.grace)} is shorter than consumers.maxCacheAge, ${written(oldest)}${chosen === undefined ? ' (the default)' : ''}: ` +
    `a consumer may still log in with the old password after it was revoked. Raise grace, or say that no consumer caches longer ` +
    `with consumers.maxCacheAge: ${written(secret.grace)}`;
  return [{ path: [...at, 'grace'], message }];
}

function checkName(name: string, at: Path): Problem[] {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f-\u009f]/.test(name)) return [{ path: at, message: 'a name may not hold control characters' }];
  if (name !== name.trim()) return [{ path: at, message: 'a name may not begin or end with a space' }];
  if (name.startsWith('-'))
    return [{ path: at, message: 'a name may not begin with "-": on a command line it would be read as a flag' }];
  return [];
}

function checkSecret(config: Config, name: string, secret: SecretConfig): Problem[] {
  const at = ['secrets', name];
  const problems = checkName(name, at);
  if (!Object.hasOwn(config.stores, secret.store)) {
    const near = nearest(secret.store, Object.keys(config.stores));
    const message = `there is no such store in stores${near === undefined ? '' : `, did you mean ${JSON.stringify(near)}`}`;
    problems.push({ path: [...at, 'store'], message });
  }
  problems.push(...checkTarget(name, secret, at), ...(secret.strategy === 'in-place' ? [] : checkGrace(secret, at)));
  if (secret.schedule !== undefined) problems.push(...checkSchedule(secret.schedule, [...at, 'schedule']));
  return problems;
}

/** Paths in `config` are absolute by now. */
function checkFiles(config: Config): Problem[] {
  const problems: Problem[] = [];
  const used = new Map<string, string>(config.state.kind === 'sqlite' ? [[config.state.path, 'state']] : []);
  for (const [name, store] of Object.entries(config.stores)) {
    if (store.kind !== 'local') continue;
    const at = ['stores', name];
    const keys = [store.keyFile, store.keyEnv].filter((key) => key !== undefined).length;
    if (keys !== 1) {
      const found = keys === 0 ? 'has no key' : 'has two keys';
      problems.push({ path: at, message: `${found}; set exactly one of keyFile or keyEnv` });
    }
    const other = used.get(store.path);
    if (other !== undefined)
      problems.push({ path: [...at, 'path'], message: `is also the file of ${other}; each needs its own` });
    else used.set(store.path, `stores.${name}`);
    if (store.keyFile !== undefined && used.has(store.keyFile)) {
      problems.push({ path: [...at, 'keyFile'], message: 'is also a store or state file; the key needs its own' });
    }
  }
  return problems;
}

export function checkConfig(config: Config): Problem[] {
  const secrets = Object.entries(config.secrets);
  return [
    ...checkFiles(config),
    ...checkEndpoints(config),
    ...checkVault(config),
    ...checkAudit(config),
    ...checkBlackouts(config.blackouts),
    ...secrets.flatMap(([name, secret]) => checkSecret(config, name, secret)),
    ...checkShared(secrets),
  ];
}
