/**
 * One login for all calls of a run, made at the first of them. Nothing runs in the background: a function may be frozen between two
 * calls, so a token's age is looked at before each.
 */
import type { Environment, VaultStoreConfig } from '../../config/index.ts';
import type { Clock } from '../../deps.ts';
import { isKeywheelError, KeywheelError } from '../../errors.ts';
import type { VaultAnswer, VaultClient, VaultRequest } from './client.ts';
import { isUpgrading } from './client.ts';
import { failureOf, forbidden } from './errors.ts';
import type { About } from './errors.ts';
import { authOf, describeLogin, logIn } from './login.ts';
import type { Login } from './login.ts';

export interface Session {
  /**
   * Resolves with what was answered when that is 2xx, 404 for a thing that does not exist, or 400 that a compare-and-set lost.
   * Everything else is thrown: ERR_STORE_LOGIN, _FORBIDDEN, _THROTTLED, _UNAVAILABLE or _FAILED.
   */
  call(request: Omit<VaultRequest, 'token'>, about: About): Promise<VaultAnswer>;
  /** Revokes the tokens that were logged in for; never one that was given to us. */
  close(): Promise<void>;
}

export interface SessionDeps {
  readonly env: Environment;
  readonly clock: Clock;
  /** Every call of the session's own goes through this. */
  readonly through: <T>(text: string, perform: () => Promise<T>) => Promise<T>;
}

/** After this part of its life a token is renewed, or replaced when it cannot be. */
const RENEW_AFTER = 2 / 3;

export function openSession(client: VaultClient, login: VaultStoreConfig['login'], deps: SessionDeps): Session {
  const { clock, env, through } = deps;
  let held: (Login & { readonly since: number }) | undefined;
  let under: Promise<Login> | undefined;
  let closed = false;
  /** Replaced while they may have lived on, and until when. */
  const left = new Map<string, number>();

  function leave(old: Login & { readonly since: number }): void {
    const now = clock.now();
    for (const [token, until] of left) if (until <= now) left.delete(token);
    const until = old.lease === 0 ? Number.POSITIVE_INFINITY : old.since + old.lease;
    if (old.ours && until > now) left.set(old.token, until);
  }

  /** Concurrent callers wait for one and the same login or renewal. */
  async function once(work: () => Promise<Login>): Promise<Login> {
    under ??= work()
      .then((made) => {
        if (held !== undefined && held.token !== made.token) leave(held);
        held = { since: clock.now(), ...made }; // an old one that is kept keeps its age too
        return made;
      })
      .finally(() => (under = undefined));
    return under;
  }

  const fresh = (): Promise<Login> =>
    once(() => through(`vault: log in ${describeLogin(login)}`, () => logIn(client, login, env)));

  async function renewed(old: Login & { readonly since: number }): Promise<Login> {
    return once(async () => {
      const dead = clock.now() - old.since >= old.lease;
      if (old.renewable && !dead) {
        const request: VaultRequest = { method: 'POST', path: 'auth/token/renew-self', body: {}, token: old.token };
        try {
          const answer = await through('vault: renew this login’s token', () => client.send(request));
          const again = answer.status === 200 ? authOf(answer) : undefined;
          // Near its maximum a token is renewed for ever shorter times; then it is time for another.
          if (again !== undefined && again.lease * 2 >= old.lease) return { ...again, ours: true };
        } catch (error) {
          if (isKeywheelError(error, 'ERR_STORE_UNAVAILABLE')) return old; // it still lives; the next call tries again
          throw error;
        }
      }
      return through(`vault: log in ${describeLogin(login)}`, () => logIn(client, login, env));
    });
  }

  async function present(): Promise<Login> {
    if (under !== undefined) return under;
    if (held === undefined) return fresh();
    const old = held.ours && held.lease > 0 && clock.now() - held.since > held.lease * RENEW_AFTER;
    return old ? renewed(held) : held;
  }

  /** Vault answers 403 to a token it does not know and to a request that no policy allows; only looking itself up tells which. */
  async function known(token: string): Promise<boolean> {
    const request: VaultRequest = { method: 'GET', path: 'auth/token/lookup-self', token };
    const answer = await through('vault: look this login’s token up', () => client.send(request));
    if (answer.status === 200 || answer.status === 403) return answer.status === 200;
    throw failureOf(answer, { doing: 'vault: looking this login’s token up', subject: client.address });
  }

  async function call(request: Omit<VaultRequest, 'token'>, about: About): Promise<VaultAnswer> {
    if (closed) throw new KeywheelError('ERR_INTERNAL', 'the vault store was used after it was closed');
    const { token } = await present();
    const answer = await client.send({ ...request, token });
    if (answer.status !== 403) return settled(answer, about);
    if (await known(token)) throw forbidden(about, plain(request.path));
    const next = held !== undefined && held.token !== token ? held : await fresh();
    const expired = (): KeywheelError =>
      new KeywheelError('ERR_STORE_LOGIN', `${about.doing} failed, vault does not know the token ${describe()} any more`, {
        hint: 'it expired or was revoked; give a new one',
        subject: about.subject,
      });
    const describe = (): string => describeLogin(login).replace(/^with the token /, '');
    if (next.token === token) throw expired();
    const second = await client.send({ ...request, token: next.token });
    if (second.status !== 403) return settled(second, about);
    // A token that we have just been given is good, also when its policies do not let it look itself up.
    throw next.ours || (await known(next.token)) ? forbidden(about, plain(request.path)) : expired();
  }

  return {
    call,
    async close() {
      if (closed) return;
      closed = true;
      await under?.catch(() => undefined);
      const ours = [...left.keys(), ...(held?.ours === true ? [held.token] : [])];
      for (const token of ours) {
        const request: VaultRequest = { method: 'POST', path: 'auth/token/revoke-self', body: {}, token };
        // When this fails the token ends with its lease; what was done with it is done.
        await through('vault: revoke this login’s token', () => client.send(request)).catch(() => undefined);
      }
      client.close();
    },
  };
}

const plain = (path: string): string => decodeURIComponent(path.split('?')[0] ?? '');

function settled(answer: VaultAnswer, about: About): VaultAnswer {
  if (answer.status >= 200 && answer.status < 300) return answer;
  if (answer.absent) return answer;
  if (answer.status === 400 && !isUpgrading(answer) && isLostCas(answer)) return answer;
  throw failureOf(answer, about);
}

/** Vault and OpenBao say so in the same words: https://developer.hashicorp.com/vault/docs/secrets/kv/kv-v2/cookbook/write-data */
export const isLostCas = (answer: VaultAnswer): boolean =>
  answer.status === 400 && answer.errors.some((text) => text.includes('check-and-set parameter'));
