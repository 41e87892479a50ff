/** Starts the functions of a checkout, or of an unpacked artifact, under their platform's own library. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { freePorts } from '../peers/ports.ts';
import { programFolder, startProgram, type Program } from '../peers/program.ts';

const root = path.resolve(import.meta.dirname, '../..');
const WORKER = path.join(import.meta.dirname, 'azure-worker.mjs');
const FRAMEWORK = path.join(root, 'node_modules/@google-cloud/functions-framework/build/src/main.js');

export interface HostOptions {
  readonly env: Readonly<Record<string, string>>;
  /** The module that registers the functions. Default: the checkout's own. */
  readonly module?: string;
}

interface Started {
  readonly url: string;
  readonly log: () => Promise<string>;
  readonly stop: () => Promise<void>;
  /** SIGKILL, as when the platform takes an instance away. Gives all that it had logged, when nothing of it is left. */
  readonly crash: () => Promise<string>;
}

async function crashed({ crash, logFile }: Program, folder: string): Promise<string> {
  await crash();
  const log = await readFile(logFile, 'utf8');
  await rm(folder, { recursive: true, force: true });
  return log;
}

export interface GoogleFunction extends Started {
  /** A CloudEvent over HTTP, in the mode that the platform chooses: binary by Eventarc, structured by others. */
  deliver(event: CloudEventSample, mode?: 'binary' | 'structured'): Promise<{ readonly status: number; readonly text: string }>;
}

export interface CloudEventSample {
  readonly specversion: string;
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly time: string;
  readonly data: unknown;
}

/** Google's functions framework, one target each, as in the cloud. */
export async function startGoogle(target: 'rotate' | 'advance' | 'manual', options: HostOptions): Promise<GoogleFunction> {
  const module = options.module ?? path.join(root, 'functions/rotate/gcp.ts');
  const [port] = (await freePorts(1)) as [number];
  const folder = await programFolder('functions-framework');
  const source = path.join(folder, 'source');
  await mkdir(source);
  await writeFile(path.join(source, 'index.mjs'), `import ${JSON.stringify(pathToFileURL(module).href)};\n`);
  await writeFile(path.join(source, 'package.json'), JSON.stringify({ name: 'function', type: 'module', main: 'index.mjs' }));
  const signature = target === 'manual' ? 'http' : 'cloudevent';
  const url = `http://127.0.0.1:${port}/`;
  const program = await startProgram({
    name: 'functions-framework',
    folder,
    file: process.execPath,
    args: [FRAMEWORK, `--target=${target}`, `--signature-type=${signature}`, `--source=${source}`, `--port=${port}`],
    env: { ...options.env },
    ready: async () => (await fetch(url, { method: 'OPTIONS' })).status > 0,
  });
  return {
    url,
    log: () => readFile(program.logFile, 'utf8'),
    stop: program.stop,
    crash: () => crashed(program, folder),
    async deliver({ data, ...attributes }, mode = 'binary') {
      const binary = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value]));
      const response = await fetch(url, {
        method: 'POST',
        headers:
          mode === 'binary'
            ? { ...binary, 'content-type': 'application/json' }
            : { 'content-type': 'application/cloudevents+json' },
        body: JSON.stringify(mode === 'binary' ? data : { ...attributes, datacontenttype: 'application/json', data }),
      });
      return { status: response.status, text: await response.text() };
    },
  };
}

export interface AzureAnswer {
  readonly ok: boolean;
  readonly name?: string;
  readonly message?: string;
  readonly cause?: string | null;
  readonly http?: { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string };
}

export interface AzureFunctions extends Started {
  /** An event or a timer, as the binding gives it. */
  trigger(name: 'rotate' | 'advance', json: unknown): Promise<AzureAnswer>;
  request(
    name: 'manual',
    http: { method: string; headers?: Readonly<Record<string, string>>; body?: string },
  ): Promise<AzureAnswer>;
  /** What the library registered with the worker: names, triggers, schedules, authentication levels. */
  registered(): Promise<
    readonly { readonly name: string; readonly bindings: Readonly<Record<string, Readonly<Record<string, unknown>>>> }[]
  >;
}

/** Microsoft's own library on a worker of ours: every function of the app in one process, as in the cloud. */
export async function startAzure(options: HostOptions): Promise<AzureFunctions> {
  const module = options.module ?? path.join(root, 'functions/rotate/azure.ts');
  const [port] = (await freePorts(1)) as [number];
  const url = `http://127.0.0.1:${port}/`;
  const folder = await programFolder('azure-functions');
  const program = await startProgram({
    name: 'azure-functions',
    folder,
    file: process.execPath,
    args: [WORKER, String(port), pathToFileURL(module).href],
    env: { ...options.env },
    ready: async () => (await fetch(url)).ok,
  });
  const post = async (name: string, body: unknown): Promise<AzureAnswer> =>
    (await (await fetch(`${url}${name}`, { method: 'POST', body: JSON.stringify(body) })).json()) as AzureAnswer;
  return {
    url,
    log: () => readFile(program.logFile, 'utf8'),
    stop: program.stop,
    crash: () => crashed(program, folder),
    trigger: (name, json) => post(name, { json }),
    request: (name, { method, headers = {}, body }) =>
      post(name, {
        http: {
          method,
          url: 'https://example.azurewebsites.net/api/manual',
          headers,
          ...(body === undefined ? {} : { body: { string: body } }),
        },
      }),
    registered: async () => ((await (await fetch(url)).json()) as { functions: [] }).functions,
  };
}
