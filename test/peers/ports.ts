/** Free loopback ports. */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

/**
 * `count` different ports that nothing listens on at this moment. Somebody else may take one before the peer does, so whoever
 * uses them must be ready to ask again.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject).listen(0, '127.0.0.1', resolve);
      });
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
