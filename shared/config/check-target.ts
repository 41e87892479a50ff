import { checkHttp } from './check-http.ts';
import { isLoopback } from './loopback.ts';
import type { Path, Problem } from './problem.ts';
import type { AwsIamKeyTargetConfig, PostgresTargetConfig, SecretConfig, TargetConfig } from './schema.ts';

/** Names a server for comparison: every spelling of loopback is one. */
function serverOf(target: PostgresTargetConfig): string {
  const host = isLoopback(target.host) ? 'loopback' : target.host.toLowerCase().replace(/\.$/, '');
  return `${host}:${target.port}`;
}

function checkTls(target: PostgresTargetConfig, at: Path): Problem[] {
  if (target.tls.mode !== 'disable') return [];
  const far = [target.host, ...(target.endpoints ?? []).map((endpoint) => endpoint.host)].some((host) => !isLoopback(host));
  if (far) {
    const message =
      'disable is only for loopback hosts: on a network it would show every password to who listens; use verify-full';
    const hint = 'tls.ca names a PEM file where the server’s certificate is signed by your own authority';
    return [{ path: [...at, 'tls', 'mode'], message, hint }];
  }
  return target.tls.ca === undefined
    ? []
    : [{ path: [...at, 'tls', 'ca'], message: 'has no effect with mode disable; remove one of the two' }];
}

function checkAdmin(name: string, target: PostgresTargetConfig, at: Path): Problem[] {
  const { admin } = target;
  const sources = [admin.passwordEnv, admin.passwordFile, admin.secret].filter((source) => source !== undefined);
  const path = [...at, 'admin'];
  const problems: Problem[] = [];
  if (sources.length !== 1) {
    const found = sources.length === 0 ? 'has no password source' : `has ${sources.length} password sources`;
    problems.push({ path, message: `${found}; set exactly one of passwordEnv, passwordFile or secret` });
  }
  if (admin.secret === name) {
    problems.push({ path: [...path, 'secret'], message: 'names the secret itself; the admin credential must be another one' });
  }
  if (target.accounts.includes(admin.username)) {
    problems.push({
      path: [...path, 'username'],
      message: 'is also a pinned account; the role that changes passwords must be another one',
    });
  }
  return problems;
}

function checkDualAccount(target: PostgresTargetConfig, at: Path): Problem[] {
  const problems: Problem[] = [];
  if (target.accounts.length !== 2) {
    const message = 'dual-account needs exactly two accounts: one is used while the other gets the next password';
    problems.push({ path: [...at, 'accounts'], message });
  } else if (target.accounts[0] === target.accounts[1]) {
    problems.push({ path: [...at, 'accounts'], message: 'dual-account needs two different accounts; both names are the same' });
  }
  if (target.ownerRole === undefined) {
    const message = 'dual-account needs ownerRole: the NOLOGIN role that both accounts SET ROLE to, so that neither owns objects';
    const hint = 'for a pair that AWS’s multi-user template made, name the account that the other one is a member of';
    problems.push({ path: [...at, 'ownerRole'], message, hint });
  }
  return problems;
}

function checkInPlace(secret: SecretConfig, target: PostgresTargetConfig, at: Path): Problem[] {
  const problems: Problem[] = [];
  if (target.accounts.length !== 1) {
    problems.push({
      path: [...at, 'target', 'accounts'],
      message: 'in-place needs exactly one account; with two, use dual-account',
    });
  }
  if (secret.acceptDeadWindow !== true) {
    const message =
      'in-place needs acceptDeadWindow: true. From the change of the password until the new one is published and every cache has run out, ' +
      'what consumers hold does not authenticate; dual-account has no such window';
    problems.push({ path: [...at, 'acceptDeadWindow'], message });
  }
  if (secret.grace !== undefined) {
    problems.push({
      path: [...at, 'grace'],
      message: 'has no effect with in-place: the old password ends at the change; remove it',
    });
  }
  return problems;
}

export function checkTarget(name: string, secret: SecretConfig, at: Path): Problem[] {
  const { target } = secret;
  if (target.kind !== 'postgres') return checkKeys(name, secret, at);
  if (secret.strategy === 'overlap') {
    const message =
      'overlap is for targets that hold several keys at once (aws-iam-key, http); a postgres role has one password: use dual-account';
    return [{ path: [...at, 'strategy'], message }];
  }
  return checkPostgres(name, secret, target, at);
}

function checkPostgres(name: string, secret: SecretConfig, target: PostgresTargetConfig, at: Path): Problem[] {
  const path = [...at, 'target'];
  const problems = [...checkAdmin(name, target, path), ...checkTls(target, path)];
  const names = (target.endpoints ?? []).map((endpoint) => endpoint.name);
  names.forEach((endpoint, index) => {
    if (names.indexOf(endpoint) === index) return;
    problems.push({
      path: [...path, 'endpoints', index, 'name'],
      message: 'is used by an earlier endpoint; give each its own name',
    });
  });
  if (secret.strategy === 'in-place') return [...problems, ...checkInPlace(secret, target, at)];
  problems.push(...checkDualAccount(target, path));
  if (secret.acceptDeadWindow === true) {
    problems.push({
      path: [...at, 'acceptDeadWindow'],
      message: 'is only for in-place; dual-account has no dead window, remove it',
    });
  }
  return problems;
}

/** Targets whose provider issues keys side by side. */
function checkKeys(name: string, secret: SecretConfig, at: Path): Problem[] {
  const { target } = secret;
  const problems = target.kind === 'http' ? checkHttp(name, target, [...at, 'target']) : [];
  if (target.kind === 'aws-iam-key') problems.push(...checkIamKey(target, [...at, 'target']));
  if (secret.strategy !== 'overlap') {
    const message = `${secret.target.kind} issues keys side by side: use overlap`;
    problems.push({ path: [...at, 'strategy'], message });
  }
  if (secret.acceptDeadWindow === true) {
    const message = 'is only for in-place; overlap has no dead window, remove it';
    problems.push({ path: [...at, 'acceptDeadWindow'], message });
  }
  return problems;
}

function checkIamKey(target: AwsIamKeyTargetConfig, at: Path): Problem[] {
  const problems: Problem[] = [];
  const { stsEndpoint, verifyRegions = [] } = target;
  const sts = stsEndpoint !== undefined && URL.canParse(stsEndpoint) ? new URL(stsEndpoint) : undefined;
  if (stsEndpoint !== undefined && sts === undefined)
    problems.push({ path: [...at, 'stsEndpoint'], message: 'is no address; write one such as https://host:8443' });
  if (sts?.protocol === 'http:' && !isLoopback(sts.hostname)) {
    problems.push({
      path: [...at, 'stsEndpoint'],
      message: 'is http: on a network, requests could be read and changed; use https',
    });
  }
  verifyRegions.forEach((region, index) => {
    if (verifyRegions.indexOf(region) === index) return;
    problems.push({ path: [...at, 'verifyRegions', index], message: 'is named twice' });
  });
  return problems;
}

/** Where the principals of a target are, and which: what two secrets may not share. */
function principalsOf(target: TargetConfig): {
  readonly server: string;
  readonly at: readonly (string | number)[];
  readonly names: readonly string[];
} {
  switch (target.kind) {
    case 'postgres':
      return { server: serverOf(target), at: ['accounts'], names: target.accounts };
    case 'aws-iam-key':
      // IAM's user names are not told apart by case.
      return {
        server: `aws ${target.account ?? ''}${target.endpoint ?? ''}`,
        at: ['userName'],
        names: [target.userName.toLowerCase()],
      };
    case 'http':
      return { server: target.baseUrl.toLowerCase(), at: ['principal'], names: [target.principal] };
  }
}

/** Two secrets that rotate one account would each revoke the other's password. Roles belong to the server, not to a database. */
export function checkShared(secrets: readonly (readonly [string, SecretConfig])[]): Problem[] {
  const owners = new Map<string, string>();
  const problems: Problem[] = [];
  for (const [name, { target }] of secrets) {
    const { server, at, names } = principalsOf(target);
    names.forEach((account, index) => {
      const key = `${server}/${account}`;
      const owner = owners.get(key);
      if (owner === undefined) owners.set(key, name);
      else if (owner !== name) {
        const path = ['secrets', name, 'target', ...at, ...(names.length > 1 || at[0] === 'accounts' ? [index] : [])];
        problems.push({
          path,
          message: `is already pinned by ${JSON.stringify(owner)} on the same server; each account belongs to one secret`,
        });
      }
    });
  }
  return problems;
}
