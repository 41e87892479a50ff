/** Stands between the adapter and the server, and loses what it is told to lose: a request before it arrives, or its answer after. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface LossyProxy {
  readonly address: string;
  /** Loses the `nth` write (counted from 1, from now on). */
  lose(nth: number, when: 'request' | 'answer'): void;
  /** Whether the loss that was asked for has happened. */
  readonly lost: boolean;
  close(): Promise<void>;
}

/** Logins and what they do with their token pass; only writes of KV are counted. */
export async function lossyProxy(target: string): Promise<LossyProxy> {
  let loss: { nth: number; when: 'request' | 'answer' } | undefined;
  let writes = 0;
  const server = http.createServer((request, response) => {
    const counts = request.method === 'POST' && /\/(data|metadata)\//.test(request.url ?? '');
    if (counts) writes += 1;
    const mine = counts && loss?.nth === writes ? loss.when : undefined;
    if (mine !== undefined) loss = undefined;
    if (mine === 'request') return void request.socket.destroy();
    const { method, headers } = request;
    const onward = http.request(`${target}${request.url ?? ''}`, { method, headers }, (answer) => {
      answer.on('end', () => void (mine === 'answer' && request.socket.destroy()));
      if (mine === 'answer') return void answer.resume();
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => request.socket.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lose(nth, when) {
      loss = { nth, when };
      writes = 0;
    },
    get lost() {
      return loss === undefined;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
