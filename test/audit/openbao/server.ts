/** An OpenBao with two file audit devices, one hashed and one that writes in clear, and what they write for each thing that is done. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { OpenBao, OpenBaoOptions } from '../../peers/index.ts';

export interface Asked {
  readonly token?: string | undefined;
  readonly body?: unknown;
  readonly wrap?: string;
}

export interface Answered {
  readonly status: number;
  readonly data: Record<string, unknown>;
  /** Of a login or a new token. */
  readonly token: string;
  readonly wrapping: string;
}

export interface Recorder {
  /** A request as any client makes it; refusals are answers too. */
  ask(method: string, path: string, asked?: Asked): Promise<Answered>;
  /** The lines that both devices wrote while `work` ran. Devices write before the server answers. */
  record(work: () => Promise<unknown>): Promise<{ readonly hashed: readonly string[]; readonly raw: readonly string[] }>;
  /** Resolves when the new KV 2 at `mount` answers: until it has set itself up, it refuses everything. */
  served(mount: string): Promise<void>;
  readonly root: string;
  stop(): Promise<void>;
}

export async function openRecorder(start: (options: OpenBaoOptions) => Promise<OpenBao>): Promise<Recorder> {
  const folder = await mkdtemp(path.join(tmpdir(), 'keywheel-audit-'));
  const [hashed, raw] = [path.join(folder, 'hashed.log'), path.join(folder, 'raw.log')];
  // Devices come from the configuration alone: https://openbao.org/docs/audit/#enabling-via-configuration
  const bao = await start({
    configuration: [
      `audit "file" "hashed" { options { file_path = ${JSON.stringify(hashed)} } }`,
      `audit "file" "raw" { options { file_path = ${JSON.stringify(raw)} log_raw = "true" } }`,
    ].join('\n'),
  });
  const ask = async (method: string, at: string, { token, body, wrap }: Asked = {}): Promise<Answered> => {
    const response = await fetch(`${bao.address}/v1/${at}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { 'x-vault-token': token }),
        ...(wrap === undefined ? {} : { 'x-vault-wrap-ttl': wrap }),
        ...(method === 'PATCH' ? { 'content-type': 'application/merge-patch+json' } : {}),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const answer = (text.startsWith('{') ? JSON.parse(text) : {}) as {
      data?: Record<string, unknown> | null;
      auth?: { client_token: string } | null;
      wrap_info?: { token: string } | null;
    };
    return {
      status: response.status,
      data: answer.data ?? {},
      token: answer.auth?.client_token ?? '',
      wrapping: answer.wrap_info?.token ?? '',
    };
  };
  const linesOf = async (file: string): Promise<string[]> =>
    (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
  const { auth } = await bao.client.request<{ auth: { client_token: string } }>('POST', 'auth/token/create', {
    policies: ['root'],
  });
  return {
    ask,
    root: auth.client_token,
    async served(mount) {
      const deadline = Date.now() + 10_000;
      while ((await ask('GET', `${mount}/config`, { token: auth.client_token })).status !== 200) {
        if (Date.now() > deadline) throw new Error(`${mount} does not answer`);
        await delay(10);
      }
    },
    async record(work) {
      const [before, beforeRaw] = [(await linesOf(hashed)).length, (await linesOf(raw)).length];
      await work();
      return { hashed: (await linesOf(hashed)).slice(before), raw: (await linesOf(raw)).slice(beforeRaw) };
    },
    async stop() {
      await bao.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
