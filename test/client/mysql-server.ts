/**
 * A server that speaks MySQL's protocol by mysql2's own server side, with accounts whose passwords it checks as mysql_native_password does
 * (dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_authentication_methods_native_password_authentication.html).
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import mysql from 'mysql2';

export interface MysqlServer {
  readonly port: number;
  /** Changed by tests; an account without a password cannot log in. */
  readonly passwords: Map<string, string>;
  readonly logins: { readonly user: string; readonly accepted: boolean }[];
  /** Connections that are open now, by account. */
  open(user: string): number;
  /** Connections that said COM_QUIT, and were not just dropped. */
  quits(): number;
  stop(): Promise<void>;
}

interface Hello {
  readonly user: string;
  readonly authPluginData1: Buffer;
  readonly authPluginData2: Buffer;
  readonly authToken: Buffer;
}

interface ServerConnection {
  readonly stream: Socket;
  /** Each command starts at 0 anew, which mysql2 leaves to the server. */
  sequenceId: number;
  serverHandshake(args: object): void;
  writeTextResult(rows: readonly object[], columns: readonly object[]): void;
  on(event: string, listener: (text: string) => void): void;
}

const ER_ACCESS_DENIED_ERROR = 1045;
const SSL_AND_COMPRESS = 0x800 | 0x20;
const VAR_STRING = 0xfd;

const sha1 = (...parts: readonly (Buffer | string)[]): Buffer => {
  const hash = createHash('sha1');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** SHA1(password) XOR SHA1(scramble, SHA1(SHA1(password))). */
function knows(hello: Hello, password: string): boolean {
  const once = sha1(password);
  const mask = sha1(hello.authPluginData1, hello.authPluginData2, sha1(once));
  const expected = once.map((byte, index) => byte ^ (mask[index] ?? 0));
  return hello.authToken.length === expected.length && timingSafeEqual(hello.authToken, expected);
}

export async function startMysqlServer(): Promise<MysqlServer> {
  const passwords = new Map<string, string>();
  const logins: { user: string; accepted: boolean }[] = [];
  const live = new Map<Socket, string>();
  let ids = 0;
  let quits = 0;
  const { createServer } = mysql as unknown as {
    createServer(this: void, handler: (connection: ServerConnection) => void): object;
  };
  const protocol = createServer((connection) => {
    let user = '';
    connection.serverHandshake({
      protocolVersion: 10,
      serverVersion: '8.4.0-protocol',
      connectionId: (ids += 1),
      statusFlags: 2,
      characterSet: 45,
      capabilityFlags: 0xffffff & ~SSL_AND_COMPRESS,
      authCallback(hello: Hello, done: (error: null, refused?: { code: number; message: string }) => void) {
        ({ user } = hello);
        const password = passwords.get(user);
        const accepted = password !== undefined && knows(hello, password);
        logins.push({ user, accepted });
        if (!accepted)
          return done(null, { code: ER_ACCESS_DENIED_ERROR, message: `Access denied for user '${user}'@'localhost'` });
        live.set(connection.stream, user);
        done(null);
        connection.sequenceId = 0;
      },
    });
    connection.stream.on('close', () => live.delete(connection.stream));
    connection.on('error', () => undefined);
    connection.on('quit', () => {
      quits += 1;
      connection.stream.end();
    });
    connection.on('query', () => {
      const column = { catalog: 'def', schema: '', table: '', orgTable: '', name: 'account', orgName: '', characterSet: 45 };
      connection.writeTextResult(
        [{ account: user }],
        [{ ...column, columnLength: 80, columnType: VAR_STRING, flags: 0, decimals: 0 }],
      );
      connection.sequenceId = 0;
    });
  });
  const server = Reflect.get(protocol, '_server') as Server; // mysql2 gives no other way to its address
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    passwords,
    logins,
    open: (user) => [...live.values()].filter((each) => each === user).length,
    quits: () => quits,
    async stop() {
      for (const socket of live.keys()) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
