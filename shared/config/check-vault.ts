import type { Path, Problem } from './problem.ts';
import type { Config, VaultStoreConfig } from './schema.ts';

/** Each credential comes from one place. */
function checkLogin(login: VaultStoreConfig['login'], at: Path): Problem[] {
  const problems: Problem[] = [];
  const check = (credential: string, least: 0 | 1, env: string, envGiven: boolean, file: string, fileGiven: boolean): void => {
    if (envGiven && fileGiven) {
      problems.push({ path: at, message: `has two sources of the ${credential}; set only one of ${env} or ${file}` });
    } else if (!envGiven && !fileGiven && least === 1) {
      problems.push({ path: at, message: `has no source of the ${credential}; set ${env} or ${file}` });
    }
  };
  if (login.method === 'approle') {
    const { roleIdEnv, roleIdFile, secretIdEnv, secretIdFile } = login;
    check('role id', 1, 'roleIdEnv', roleIdEnv !== undefined, 'roleIdFile', roleIdFile !== undefined);
    check('secret id', 0, 'secretIdEnv', secretIdEnv !== undefined, 'secretIdFile', secretIdFile !== undefined);
  }
  if (login.method === 'jwt') {
    check('token', 1, 'jwtEnv', login.jwtEnv !== undefined, 'jwtFile', login.jwtFile !== undefined);
  }
  if (login.method === 'token') {
    check('token', 0, 'tokenEnv', login.tokenEnv !== undefined, 'tokenFile', login.tokenFile !== undefined);
  }
  return problems;
}

/** A secret's name is its path in the mount. */
function checkPath(name: string, pendingPrefix: string, at: Path): Problem[] {
  const segments = name.split('/');
  if (name.startsWith(pendingPrefix)) {
    return [
      { path: at, message: 'is under the store’s pendingPrefix, where only pending versions are; choose another of the two' },
    ];
  }
  if (!segments.some((segment) => segment === '' || segment === '.' || segment.includes('..'))) return [];
  return [{ path: at, message: 'is no path in vault: no slash at its ends, no two in a row, no "." or ".." between them' }];
}

export function checkVault(config: Config): Problem[] {
  const problems: Problem[] = [];
  for (const [name, store] of Object.entries(config.stores)) {
    if (store.kind === 'vault') problems.push(...checkLogin(store.login, ['stores', name, 'login']));
  }
  for (const [name, secret] of Object.entries(config.secrets)) {
    const store = Object.hasOwn(config.stores, secret.store) ? config.stores[secret.store] : undefined;
    if (store?.kind === 'vault') problems.push(...checkPath(name, store.pendingPrefix, ['secrets', name]));
  }
  return problems;
}
