import { isIPv4 } from 'node:net';

/** Hosts that this machine reaches without a network: 127.0.0.0/8, ::1, localhost, and the folder of a Unix socket. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '');
  return (
    name === 'localhost' ||
    name === '::1' ||
    name === '[::1]' ||
    host.startsWith('/') ||
    (isIPv4(name) && name.startsWith('127.'))
  );
}
