/** How Keywheel proves to Vault who it is. What it proves it with is read at each login: workload tokens rotate on disk. */
import { readFile } from 'node:fs/promises';
import type { Environment, VaultStoreConfig } from '../../config/index.ts';
import { KeywheelError } from '../../errors.ts';
import type { VaultAnswer, VaultClient } from './client.ts';
import { failureOf, isCleartextToTls } from './errors.ts';
import { pathOf } from './path.ts';

type LoginConfig = VaultStoreConfig['login'];

export interface Login {
  readonly token: string;
  /** Made by us, so ours to renew and to revoke. Batch tokens can be neither. */
  readonly ours: boolean;
  readonly renewable: boolean;
  /** Milliseconds that it lives from its making or last renewal; 0 when it does not end. */
  readonly lease: number;
}

/** `by approle at auth/approle`, for messages and calls. */
export function describeLogin(login: LoginConfig): string {
  if (login.method !== 'token') return `by ${login.method} at auth/${login.mount}`;
  return `with the token in ${login.tokenFile ?? login.tokenEnv ?? 'VAULT_TOKEN'}`;
}

/** ERR_STORE_LOGIN when there is no credential or it is refused; otherwise what `VaultClient.send` and `failureOf` say. */
export async function logIn(client: VaultClient, login: LoginConfig, env: Environment): Promise<Login> {
  const credential = (what: string, file: string | undefined, variable: string | undefined): Promise<string> =>
    readCredential(what, file, variable, env, client.address);
  switch (login.method) {
    case 'token': {
      const variable = login.tokenEnv ?? (login.tokenFile === undefined ? 'VAULT_TOKEN' : undefined);
      const token = await credential('token', login.tokenFile, variable);
      return { token, ours: false, renewable: false, lease: 0 };
    }
    case 'approle': {
      const bound = login.secretIdFile !== undefined || login.secretIdEnv !== undefined;
      const roleId = await credential('role id', login.roleIdFile, login.roleIdEnv);
      const secretId = bound ? { secret_id: await credential('secret id', login.secretIdFile, login.secretIdEnv) } : {};
      return prove(client, login, { role_id: roleId, ...secretId });
    }
    case 'kubernetes':
      return prove(client, login, { role: login.role, jwt: await credential('service account token', login.jwtFile, undefined) });
    case 'jwt':
      return prove(client, login, { role: login.role, jwt: await credential('token', login.jwtFile, login.jwtEnv) });
  }
}

async function prove(
  client: VaultClient,
  login: Exclude<LoginConfig, { method: 'token' }>,
  body: Readonly<Record<string, string>>,
): Promise<Login> {
  const answer = await client.send({ method: 'POST', path: `auth/${pathOf(login.mount)}/login`, body });
  const about = { doing: `vault: the login ${describeLogin(login)}`, subject: client.address };
  if (answer.status === 200) return grantedBy(answer, login, client.address);
  if (isCleartextToTls(answer)) throw failureOf(answer, about);
  // Which of the methods' own reasons it was is in their text, which may quote what was presented.
  const missing = answer.errors.some((text) => text.includes('no handler for route') || text.includes('unsupported path'));
  if (missing || [400, 401, 403, 404, 405].includes(answer.status)) {
    const why = missing ? 'no auth method is mounted there' : `it was refused (status ${answer.status})`;
    throw refused(`vault: the login ${describeLogin(login)} failed, ${why}`, HINTS[login.method], client.address);
  }
  throw failureOf(answer, about);
}

const HINTS = {
  approle: 'the role id or the secret id is wrong, used up or expired, or nothing is mounted there; issue a new secret id',
  kubernetes: 'see the role’s bound service accounts and audience, and the auth method’s kubernetes_host and reviewer',
  jwt: 'see the role’s bound claims and audience, and that the token has not expired',
} as const;

interface Auth {
  readonly client_token?: unknown;
  readonly lease_duration?: unknown;
  readonly renewable?: unknown;
  readonly token_type?: unknown;
}

/** The `auth` part of the answer to a login or a renewal. */
export function authOf(answer: VaultAnswer): Login | undefined {
  const auth = answer.body['auth'] as Auth | null | undefined;
  if (typeof auth?.client_token !== 'string' || auth.client_token === '') return undefined;
  const seconds = typeof auth.lease_duration === 'number' ? auth.lease_duration : 0;
  const batch = auth.token_type === 'batch';
  return { token: auth.client_token, ours: !batch, renewable: auth.renewable === true && !batch, lease: seconds * 1000 };
}

function grantedBy(answer: VaultAnswer, login: LoginConfig, address: string): Login {
  const granted = authOf(answer);
  if (granted !== undefined) return granted;
  const hint = 'a login that asks for a second factor is for people; give this role none';
  throw refused(`vault: the login ${describeLogin(login)} failed, it gave no token`, hint, address);
}

async function readCredential(
  what: string,
  file: string | undefined,
  variable: string | undefined,
  env: Environment,
  address: string,
): Promise<string> {
  const place = file ?? variable ?? 'the configuration';
  let text = variable === undefined ? undefined : env[variable];
  let why = 'it is not set';
  if (file !== undefined) {
    text = await readFile(file, 'utf8').catch((error: unknown) => {
      const { code } = error as NodeJS.ErrnoException;
      why = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code ?? 'unknown reason'})`;
      return undefined;
    });
  }
  const credential = text?.trim() ?? '';
  if (text !== undefined) why = 'it is empty';
  // A header cannot hold line breaks and other controls, and Node's own complaint would come too late to name the place.
  if (credential !== '' && /^[\u0021-\u007e]+$/.test(credential)) return credential;
  if (credential !== '') why = 'it holds something else';
  throw refused(
    `vault: the ${what} cannot be taken from ${place}, ${why}`,
    'see `login` of this store in keywheel.yaml',
    address,
  );
}

function refused(message: string, hint: string, subject: string): KeywheelError {
  return new KeywheelError('ERR_STORE_LOGIN', message, { hint, subject });
}
