import { isIPv4 } from 'node:net';
import type { Path, Problem } from './problem.ts';
import type { PostgresTargetConfig, SecretConfig } from './schema.ts';

/** Hosts that this machine reaches without a network: 127.0.0.0/8, ::1, localhost, and the folder of a Unix socket. */
function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '');
  return (
    name === 'localhost' ||
    name === '::1' ||
    name === '[::1]' ||
    host.startsWith('/') ||
    (isIPv4(name) && name.startsWith('127.'))
  );
}

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
    problems.push({ path: [...at, 'ownerRole'], message });
  } else if (target.accounts.includes(target.ownerRole)) {
    problems.push({ path: [...at, 'ownerRole'], message: 'must not be one of the accounts: the owner never logs in' });
  }
  return problems;
}

function checkInPlace(secret: SecretConfig, at: Path): Problem[] {
  const problems: Problem[] = [];
  if (secret.target.accounts.length !== 1) {
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
  const path = [...at, 'target'];
  const { target } = secret;
  const problems = [...checkAdmin(name, target, path), ...checkTls(target, path)];
  const names = (target.endpoints ?? []).map((endpoint) => endpoint.name);
  names.forEach((endpoint, index) => {
    if (names.indexOf(endpoint) === index) return;
    problems.push({
      path: [...path, 'endpoints', index, 'name'],
      message: 'is used by an earlier endpoint; give each its own name',
    });
  });
  if (secret.strategy === 'in-place') return [...problems, ...checkInPlace(secret, at)];
  problems.push(...checkDualAccount(target, path));
  if (secret.acceptDeadWindow === true) {
    problems.push({
      path: [...at, 'acceptDeadWindow'],
      message: 'is only for in-place; dual-account has no dead window, remove it',
    });
  }
  return problems;
}

/** Two secrets that rotate one account would each revoke the other's password. Roles belong to the server, not to a database. */
export function checkShared(secrets: readonly (readonly [string, SecretConfig])[]): Problem[] {
  const owners = new Map<string, string>();
  const problems: Problem[] = [];
  for (const [name, { target }] of secrets) {
    target.accounts.forEach((account, index) => {
      const key = `${serverOf(target)}/${account}`;
      const owner = owners.get(key);
      if (owner === undefined) owners.set(key, name);
      else if (owner !== name) {
        const path = ['secrets', name, 'target', 'accounts', index];
        problems.push({
          path,
          message: `is already pinned by ${JSON.stringify(owner)} on the same server; each account belongs to one secret`,
        });
      }
    });
  }
  return problems;
}
