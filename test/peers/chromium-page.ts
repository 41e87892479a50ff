/** Pages of a running Chromium, by its DevTools protocol. https://chromedevtools.github.io/devtools-protocol/ */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { KeywheelError } from '../../shared/errors.ts';

const ANSWER_MS = 20_000;

export interface PageOptions {
  /** CSS pixels. */
  readonly width?: number;
  readonly height?: number;
  readonly scheme?: 'light' | 'dark';
}

export interface Page {
  /** What went wrong by now: scripts that threw, errors and warnings of the console, what a policy refused, failed requests. */
  readonly problems: readonly string[];
  /** Every address that was asked for by now, the page's own first. */
  readonly requests: readonly string[];
  /** Dialogs that a script opened by now; each was closed. */
  readonly dialogs: readonly string[];
  /** What the expression gives, as JSON. The page's own policy does not hold for it. ERR_TARGET_FAILED when it throws. */
  evaluate<T>(expression: string): Promise<T>;
  /** Shows the same page in another size or colour scheme. */
  show(options: PageOptions): Promise<void>;
  /** PNG of what is within the window, or of the whole page. */
  screenshot(whole?: boolean): Promise<Buffer>;
  close(): Promise<void>;
}

interface Message {
  readonly id?: number;
  readonly sessionId?: string;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}
type Send = <T>(method: string, params?: object) => Promise<T>;
type Listener = (method: string, params: unknown) => void;

interface DevTools {
  open(url: string, options: PageOptions): Promise<Page>;
  close(): void;
}

/** @param address the browser's own, `ws://…/devtools/browser/…` */
export async function openDevTools(address: string): Promise<DevTools> {
  const socket = new WebSocket(address);
  await once(socket, 'open', { signal: AbortSignal.timeout(ANSWER_MS) });
  const waiting = new Map<number, (message: Message) => void>();
  const sessions = new Map<string, Listener>();
  let last = 0;
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data)) as Message;
    if (message.id !== undefined) waiting.get(message.id)?.(message);
    else if (message.sessionId !== undefined) sessions.get(message.sessionId)?.(message.method ?? '', message.params);
  });
  socket.addEventListener('close', () => {
    for (const [id, answer] of waiting) answer({ id, error: { message: 'the browser has ended' } });
  });

  const sender =
    (sessionId?: string): Send =>
    <T>(method: string, params: object = {}) =>
      new Promise<T>((resolve, reject) => {
        const id = (last += 1);
        const fail = (why: string): void =>
          reject(new KeywheelError('ERR_TARGET_FAILED', `${method} was not done by the browser, ${why}`));
        const timer = setTimeout(() => waiting.get(id)?.({ id, error: { message: `no answer in ${ANSWER_MS} ms` } }), ANSWER_MS);
        waiting.set(id, ({ error, result }) => {
          waiting.delete(id);
          clearTimeout(timer);
          if (error === undefined) resolve(result as T);
          else fail(error.message);
        });
        socket.send(JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) }));
      });

  return {
    async open(url, options) {
      const send = sender();
      const { browserContextId } = await send<{ browserContextId: string }>('Target.createBrowserContext');
      const { targetId } = await send<{ targetId: string }>('Target.createTarget', { url: 'about:blank', browserContextId });
      const { sessionId } = await send<{ sessionId: string }>('Target.attachToTarget', { targetId, flatten: true });
      const close = async (): Promise<void> => {
        sessions.delete(sessionId);
        await send('Target.disposeBrowserContext', { browserContextId });
      };
      return openPage({ url, options, send: sender(sessionId), listen: (to) => void sessions.set(sessionId, to), close });
    },
    close: () => socket.close(),
  };
}

interface Session {
  readonly url: string;
  readonly options: PageOptions;
  readonly send: Send;
  readonly listen: (to: Listener) => void;
  readonly close: () => Promise<void>;
}

async function openPage({ url, options, send, listen, close }: Session): Promise<Page> {
  const seen = { problems: [] as string[], requests: [] as string[], dialogs: [] as string[], loaded: false };
  listen((method, params) => {
    if (method === 'Page.loadEventFired') seen.loaded = true;
    if (method === 'Network.requestWillBeSent') seen.requests.push((params as RequestSent).request.url);
    if (method === 'Page.javascriptDialogOpening') {
      seen.dialogs.push((params as { message: string }).message);
      void send('Page.handleJavaScriptDialog', { accept: false }).catch(() => undefined);
    }
    const problem = problemOf(method, params);
    if (problem !== undefined) seen.problems.push(problem);
  });
  const show = async ({ width = 1200, height = 900, scheme = 'light' }: PageOptions): Promise<void> => {
    await send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false });
    await send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
  };
  for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await send(`${domain}.enable`);
  await show(options);
  seen.requests.length = 0;
  seen.loaded = false;
  const { errorText } = await send<{ errorText?: string }>('Page.navigate', { url });
  const deadline = Date.now() + ANSWER_MS;
  if (errorText === undefined) while (!seen.loaded && Date.now() < deadline) await delay(10);
  if (!seen.loaded) {
    throw new KeywheelError('ERR_TARGET_FAILED', `the page was not opened, ${errorText ?? 'it did not load in time'}`);
  }
  return {
    problems: seen.problems,
    requests: seen.requests,
    dialogs: seen.dialogs,
    show,
    close,
    async evaluate<T>(expression: string) {
      const { result, exceptionDetails } = await send<Evaluated>('Runtime.evaluate', {
        expression,
        returnByValue: true,
        awaitPromise: true,
      });
      if (exceptionDetails === undefined) return result.value as T;
      throw new KeywheelError('ERR_TARGET_FAILED', `the expression was not evaluated, ${thrown({ exceptionDetails })}`);
    },
    async screenshot(whole = false) {
      const { data } = await send<{ data: string }>('Page.captureScreenshot', { captureBeyondViewport: whole, format: 'png' });
      return Buffer.from(data, 'base64');
    },
  };
}

interface RequestSent {
  readonly request: { readonly url: string };
}
interface Thrown {
  readonly exceptionDetails: { readonly text: string; readonly exception?: { readonly description?: string } };
}
interface Evaluated extends Partial<Thrown> {
  readonly result: { readonly value?: unknown };
}
interface Entry {
  readonly entry: { readonly level: string; readonly text: string };
}
interface Called {
  readonly type: string;
  readonly args: readonly { readonly value?: unknown; readonly description?: string }[];
}

const thrown = ({ exceptionDetails: { text, exception } }: Thrown): string => exception?.description ?? text;

function problemOf(method: string, params: unknown): string | undefined {
  if (method === 'Runtime.exceptionThrown') return thrown(params as Thrown);
  if (method === 'Network.loadingFailed') return (params as { errorText: string }).errorText;
  if (method === 'Log.entryAdded') {
    const { level, text } = (params as Entry).entry;
    return level === 'error' || level === 'warning' ? text : undefined;
  }
  if (method !== 'Runtime.consoleAPICalled') return undefined;
  const { type, args } = params as Called;
  if (!['error', 'warning', 'assert'].includes(type)) return undefined;
  return args.map(({ value, description }) => description ?? String(value)).join(' ');
}
