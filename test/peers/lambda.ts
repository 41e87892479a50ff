/**
 * AWS's own Lambda runtime client for Node, with a Runtime API in the test's process. The handler is loaded, called, and its errors are reported by
 * the same code as in the cloud. https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { npm } from './npm.ts';
import type { PeerDefinition, Running } from './port.ts';
import { programFolder, startProgram } from './program.ts';

const VERSION = '3.3.0';
const NATIVE = path.join(import.meta.dirname, 'lambda-native.cjs');

export interface LambdaOptions {
  /** The module that exports the handler: a file of the checkout, or of an unpacked artifact. */
  readonly module: string;
  /** The export, for example `rotate`. */
  readonly handler: string;
  /** What the function's configuration sets. Never material: a real function has none here either, but for its own role's. */
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds that one invocation may take, as the function's timeout. */
  readonly timeout?: number;
}

export type Invocation =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly errorType: string; readonly errorMessage: string; readonly raw: string };

export interface Lambda extends Running {
  /** One invocation after the other, as one instance of a function gets them. */
  readonly invoke: (event: unknown) => Promise<Invocation>;
  /** Everything that the function has logged so far. */
  readonly log: () => Promise<string>;
  /** SIGKILL, as when the service takes an instance away. Gives all that it had logged, when nothing of it is left. */
  readonly crash: () => Promise<string>;
}

export const lambda: PeerDefinition<LambdaOptions, Lambda> = {
  version: VERSION,
  provision: () =>
    npm({
      name: 'aws-lambda-ric',
      version: VERSION,
      check: (folder) => readFile(path.join(folder, 'bin/index.mjs')).then(() => undefined),
    }),
  async start(client, { module, handler, env = {}, timeout = 60_000 }) {
    const folder = await programFolder('lambda');
    // The client looks for .js, .mjs and .cjs; the checkout's own files are TypeScript, which Node runs as it is.
    await writeFile(
      path.join(folder, 'index.mjs'),
      `export { ${handler} } from ${JSON.stringify(pathToFileURL(module).href)};\n`,
    );
    const api = await runtimeApi(timeout);
    const { pid, logFile, stop, crash } = await startProgram({
      name: 'lambda',
      folder,
      file: process.execPath,
      args: ['--require', NATIVE, path.join(client, 'bin/index.mjs'), `index.${handler}`],
      env: {
        LAMBDA_TASK_ROOT: folder,
        AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${api.port}`,
        AWS_LAMBDA_FUNCTION_NAME: `keywheel-${handler}`,
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
        AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
        ...env,
      },
      ready: async () => api.asked(),
    });
    return {
      name: 'lambda',
      version: VERSION,
      host: '127.0.0.1',
      port: api.port,
      pid,
      folder,
      logFile,
      invoke: (event) => api.invoke(event),
      log: () => readFile(logFile, 'utf8'),
      async stop() {
        await stop();
        api.close();
      },
      async crash() {
        await crash();
        api.close();
        const log = await readFile(logFile, 'utf8');
        await rm(folder, { recursive: true, force: true });
        return log;
      },
    };
  },
};

interface RuntimeApi {
  readonly port: number;
  readonly asked: () => boolean;
  readonly invoke: (event: unknown) => Promise<Invocation>;
  readonly close: () => void;
}

async function runtimeApi(timeout: number): Promise<RuntimeApi> {
  const queue: { id: string; body: string }[] = [];
  const open = new Map<string, (invocation: Invocation) => void>();
  let waiting: ServerResponse | undefined;
  const give = (): void => {
    const next = waiting === undefined ? undefined : queue.shift();
    if (waiting === undefined || next === undefined) return;
    waiting.writeHead(200, {
      'content-type': 'application/json',
      'Lambda-Runtime-Aws-Request-Id': next.id,
      'Lambda-Runtime-Deadline-Ms': String(Date.now() + timeout),
      'Lambda-Runtime-Invoked-Function-Arn': 'arn:aws:lambda:us-east-1:123456789012:function:keywheel',
    });
    waiting.end(next.body);
    waiting = undefined;
  };
  const settle = async (request: IncomingMessage, response: ServerResponse, id: string, kind: string): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const raw = Buffer.concat(chunks).toString();
    response.writeHead(202).end();
    open.get(id)?.(kind === 'response' ? { ok: true, value: raw === '' ? undefined : JSON.parse(raw) } : failed(raw));
    open.delete(id);
  };
  const server: Server = createServer((request, response) => {
    const match = /^\/2018-06-01\/runtime\/(?:invocation\/next|invocation\/([^/]+)\/(response|error)|init\/error)$/.exec(
      request.url ?? '',
    );
    if (match === null) return void response.writeHead(404).end();
    const [, id, kind] = match;
    if (id !== undefined && kind !== undefined) return void settle(request, response, id, kind);
    if (request.url?.endsWith('/next') !== true) return void response.writeHead(202).end();
    waiting = response;
    give();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    asked: () => waiting !== undefined,
    invoke(event) {
      const id = randomUUID();
      return new Promise((resolve) => {
        open.set(id, resolve);
        queue.push({ id, body: JSON.stringify(event) });
        give();
      });
    },
    close() {
      waiting?.destroy();
      server.closeAllConnections();
      server.close();
    },
  };
}

function failed(raw: string): Invocation {
  const { errorType, errorMessage } = JSON.parse(raw) as { errorType: string; errorMessage: string };
  return { ok: false, errorType, errorMessage, raw };
}
