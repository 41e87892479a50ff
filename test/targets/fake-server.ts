/** Servers that misbehave: they record every byte that a client sends, and answer as told. And a proxy that can stop answering. */
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

export interface FakeServer {
  readonly port: number;
  /** Everything that clients have sent. */
  received(): Buffer;
  close(): Promise<void>;
}

async function listen(
  onSocket: (socket: Socket) => void,
): Promise<{ server: Server; port: number; readonly close: () => Promise<void> }> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => {});
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    server,
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers the n-th chunk of a connection with the n-th answer; nothing when there is none. */
export async function fakeServer(...answers: (Buffer | string)[]): Promise<FakeServer> {
  const chunks: Buffer[] = [];
  const { port, close } = await listen((socket) => {
    let turn = 0;
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      const answer = answers[turn];
      turn += 1;
      if (answer !== undefined) socket.write(answer);
    });
  });
  return { port, close, received: () => Buffer.concat(chunks) };
}

/** One message of the PostgreSQL protocol: type, length, body. */
export function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type, 0, 'latin1');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

export const errorResponse = (code: string, text: string): Buffer =>
  message('E', Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${text}\0\0`));
const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
/** AuthenticationCleartextPassword. */
export const askCleartext = message('R', int32(3));
/** AuthenticationOk and ReadyForQuery, without having asked for anything. */
export const letIn = Buffer.concat([message('R', int32(0)), message('Z', Buffer.from('I'))]);

/** Forwards to a port until it is frozen; then it holds every byte back. */
export async function freezingProxy(to: number): Promise<{ readonly port: number; freeze(): void; close(): Promise<void> }> {
  let frozen = false;
  const { port, close } = await listen((socket) => {
    const upstream = connect(to, '127.0.0.1');
    upstream.on('error', () => {});
    socket.on('data', (chunk) => frozen || upstream.write(chunk));
    upstream.on('data', (chunk) => frozen || socket.write(chunk));
    socket.on('close', () => upstream.destroy());
    upstream.on('close', () => socket.destroy());
  });
  return { port, freeze: () => void (frozen = true), close };
}
