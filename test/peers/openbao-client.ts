/** The few calls of OpenBao's HTTP API that tests make. https://openbao.org/api-docs/ */
import { setTimeout as delay } from 'node:timers/promises';
import { KeywheelError } from '../../shared/errors.ts';

type Method = 'GET' | 'PUT' | 'POST' | 'DELETE' | 'LIST';

export interface Health {
  readonly initialized: boolean;
  readonly sealed: boolean;
  readonly standby: boolean;
  readonly version: string;
}

/** An answer's envelope: what was asked for is in `data`. */
export interface Answer<T> {
  readonly data: T;
}

export class OpenBaoClient {
  readonly address: string;
  readonly #token: string | undefined;
  readonly #namespace: string | undefined;

  constructor(address: string, token?: string, namespace?: string) {
    this.address = address;
    this.#token = token;
    this.#namespace = namespace;
  }

  withToken(token: string): OpenBaoClient {
    return new OpenBaoClient(this.address, token, this.#namespace);
  }

  /** The same token in another namespace. https://openbao.org/docs/concepts/namespaces/ */
  inNamespace(namespace: string): OpenBaoClient {
    return new OpenBaoClient(this.address, this.#token, namespace);
  }

  /**
   * `path` is relative to `/v1/`. Resolves with the parsed body, or undefined for an empty one. ERR_TARGET_FAILED with the status
   * and the server's own words when it refuses; `subject` is the path. ERR_TARGET_UNREACHABLE when it does not answer.
   */
  async request<T = undefined>(method: Method, path: string, body?: unknown): Promise<T> {
    const { status, text } = await this.#send(method, path, body);
    const parsed = text === '' ? undefined : (JSON.parse(text) as unknown);
    if (status < 400) return parsed as T;
    const errors = (parsed as { errors?: readonly string[] } | undefined)?.errors ?? [];
    const why = `status ${status}${errors.length === 0 ? '' : `: ${errors.join('; ').trim()}`}`;
    throw new KeywheelError('ERR_TARGET_FAILED', `openbao refused ${method} ${path}, ${why}`, { subject: path });
  }

  async read<T>(path: string): Promise<T> {
    return (await this.request<Answer<T>>('GET', path)).data;
  }

  async write<T = undefined>(path: string, body: Readonly<Record<string, unknown>> = {}): Promise<T> {
    return (await this.request<Answer<T> | undefined>('POST', path, body))?.data as T;
  }

  /** What `/v1/sys/health` says, whatever the state; undefined when nothing answers. Its status code tells the state apart. */
  async health(): Promise<Health | undefined> {
    const { text } = await this.#send('GET', 'sys/health').catch(() => ({ text: '' }));
    return text === '' ? undefined : (JSON.parse(text) as Health);
  }

  /** Resolves when the node is unsealed and leads; ERR_TIMEOUT after `timeout` milliseconds. */
  async untilActive(timeout: number): Promise<void> {
    const deadline = Date.now() + timeout;
    for (;;) {
      const health = await this.health();
      if (health?.initialized === true && !health.sealed && !health.standby) return;
      if (Date.now() > deadline) throw new KeywheelError('ERR_TIMEOUT', `openbao is not active, not within ${timeout} ms`);
      await delay(25);
    }
  }

  async #send(method: Method, path: string, body?: unknown): Promise<{ status: number; text: string }> {
    const headers = {
      ...(this.#token === undefined ? {} : { 'x-vault-token': this.#token }),
      ...(this.#namespace === undefined ? {} : { 'x-vault-namespace': this.#namespace }),
    };
    try {
      const response = await fetch(`${this.address}/v1/${path}`, {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, text: await response.text() };
    } catch {
      // The error is not passed on: it may quote the request, and the request holds the token.
      throw new KeywheelError('ERR_TARGET_UNREACHABLE', `openbao did not answer ${method} ${path}`, { retryable: true });
    }
  }
}
