/** Stands between the SDK and a table service, to lose what tests want lost. */
import { createServer, request as ask } from 'node:http';
import type { AddressInfo } from 'node:net';

/** busy: answered with 503 and not passed on. cut: passed on, and the connection ends instead of the answer. */
export type Fate = 'pass' | 'busy' | 'cut';

export interface Proxy {
  readonly url: string;
  /** Asked for each request. */
  fate: (method: string, path: string) => Fate | Promise<Fate>;
  readonly seen: string[];
  stop(): Promise<void>;
}

export async function startProxy(target: string): Promise<Proxy> {
  const { port: targetPort, pathname } = new URL(target);
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const method = incoming.method ?? '';
      proxy.seen.push(method);
      const fate = await proxy.fate(method, incoming.url ?? '');
      if (fate === 'busy') {
        const body = { 'odata.error': { code: 'ServerBusy', message: { lang: 'en-US', value: 'The server is busy.' } } };
        outgoing.writeHead(503, { 'content-type': 'application/json' }).end(JSON.stringify(body));
        return;
      }
      const options = { host: '127.0.0.1', port: targetPort, method, path: incoming.url, headers: incoming.headers };
      const onward = ask(options, (answer) => {
        if (fate === 'cut') {
          answer.resume().on('end', () => incoming.socket.destroy());
          return;
        }
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(outgoing);
      });
      incoming.pipe(onward);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const proxy: Proxy = {
    url: `http://127.0.0.1:${port}${pathname}`,
    fate: () => 'pass',
    seen: [],
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}
