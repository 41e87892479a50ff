/** Opens connections. TLS is decided by the configuration alone: nothing that a server answers can weaken it. */
import { isIP } from 'node:net';
import type { Client, ClientConfig } from 'pg';
import { KeywheelError } from '../../errors.ts';
import type { PostgresTargetConfig } from '../../config/index.ts';
import { ConnectionRefusal } from './outcomes.ts';

export interface Endpoint {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

export interface Login {
  readonly username: string;
  /** Asked for when the server wants it, and not before. */
  password(): Promise<string>;
  readonly applicationName: string;
}

export interface Connection {
  readonly client: Client;
  /** True when the server let the session in only after it had proved a password (SCRAM or MD5), not by trust, peer or certificate. */
  readonly passwordProved: boolean;
}

export const address = (endpoint: { readonly host: string; readonly port: number }): string =>
  `${isIP(endpoint.host) === 6 ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port}`;

const isLocal = (host: string): boolean => host.startsWith('/') || /^(localhost\.?|::1|127(\.\d{1,3}){3})$/i.test(host);

/** ERR_CONFIG_INVALID for a configuration that could show a password to the network. */
export function checkTls(config: PostgresTargetConfig, endpoints: readonly Endpoint[]): void {
  for (const { host } of [{ host: config.host }, ...endpoints]) {
    if (config.tls.mode === 'disable' && !isLocal(host)) {
      throw new KeywheelError('ERR_CONFIG_INVALID', `tls.mode disable cannot be used with ${host}, it is not a loopback host`, {
        hint: 'use verify-full; tls.ca names your own certificate authority',
        subject: 'tls.mode',
      });
    }
    if (config.tls.mode === 'verify-full' && host.startsWith('/')) {
      throw new KeywheelError(
        'ERR_CONFIG_INVALID',
        `tls.mode verify-full cannot be used with ${host}, a Unix socket has no TLS`,
        {
          hint: 'use disable for a Unix socket',
          subject: 'tls.mode',
        },
      );
    }
  }
}

async function tlsOptions(config: PostgresTargetConfig, host: string): Promise<NonNullable<ClientConfig['ssl']>> {
  if (config.tls.mode === 'disable') return false;
  const { checkServerIdentity } = await import('node:tls');
  const name = config.tls.serverName ?? host;
  return {
    // Said aloud: NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment would turn the default off.
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    // The driver overwrites `servername` with the host, so the name is checked here.
    checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
    ...(config.tls.ca === undefined ? {} : { ca: await readCa(config.tls.ca) }),
  };
}

async function readCa(file: string): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  const pem = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new KeywheelError('ERR_CONFIG_INVALID', `tls.ca ${file} cannot be read (${error.code ?? 'unknown reason'})`, {
      subject: 'tls.ca',
    });
  });
  // An empty or wrong file would otherwise fail later, as an unknown authority.
  if (!pem.includes('-----BEGIN CERTIFICATE-----')) {
    throw new KeywheelError('ERR_CONFIG_INVALID', `tls.ca ${file} holds no PEM certificate`, { subject: 'tls.ca' });
  }
  return pem;
}

/** One new connection. Rejects with the driver's error, or a ConnectionRefusal of our own; `failureOf` tells them apart. */
export async function connect(config: PostgresTargetConfig, endpoint: Endpoint, login: Login): Promise<Connection> {
  const ssl = await tlsOptions(config, endpoint.host);
  const { default: pg } = await import('pg');
  let cleartext = false;
  let proved = false;
  const options: ClientConfig & { scramMaxIterations: number } = {
    host: endpoint.host,
    port: endpoint.port,
    database: config.database,
    user: login.username,
    // A function: for an empty string the driver would reach for PGPASSWORD and ~/.pgpass.
    password: async () => {
      if (cleartext)
        throw new ConnectionRefusal('forbidden', 'the server asked for the password in clear text, which is never sent');
      return login.password();
    },
    application_name: login.applicationName,
    ssl,
    sslnegotiation: 'postgres',
    connectionTimeoutMillis: config.connectTimeout,
    query_timeout: config.statementTimeout,
    keepAlive: true,
    // The driver's own limit of 100,000 is below what scram_iterations may be set to.
    scramMaxIterations: 10_000_000,
  };
  const client = new pg.Client(options);
  forgetEnvironment(client);
  client.on('error', () => {}); // told to whoever awaits; an unheard 'error' event would end the process
  client.connection.on('authenticationCleartextPassword', () => (cleartext = true));
  client.connection.on('authenticationMD5Password', () => (proved = true));
  client.connection.on('authenticationSASLFinal', () => (proved = true));
  try {
    await client.connect();
  } catch (error) {
    destroy(client);
    throw error;
  }
  return { client, passwordProved: proved };
}

/** PGOPTIONS and PGREPLICATION in our environment are about somebody else's connections. */
function forgetEnvironment(client: Client): void {
  const { connectionParameters } = client as unknown as { connectionParameters: Record<string, unknown> };
  connectionParameters['options'] = undefined;
  connectionParameters['replication'] = undefined;
}

/** Drops a connection at once, whatever it was doing. The server rolls back what was open. */
export function destroy(client: Client): void {
  client.connection.stream.destroy();
}

/**
 * Closes a connection and waits until the server has closed its side. A backend leaves pg_stat_activity before its socket closes, so after
 * this our own session is no evidence of use. Waits no longer than `timeout` milliseconds.
 */
export async function closeAndWait(client: Client, timeout: number): Promise<void> {
  const timer = setTimeout(() => destroy(client), timeout);
  try {
    await client.end();
  } finally {
    clearTimeout(timer);
  }
}
