/**
 * Moto, a server that speaks AWS's protocols and keeps everything in memory. One server is enough for a test file: state is kept per
 * access key's account, so tests share it with names of their own, or `reset` it. https://docs.getmoto.org/en/latest/docs/server_mode.html
 */
import { isKeywheelError, KeywheelError } from '../../shared/errors.ts';
import path from 'node:path';
import { evaluate, pip } from './pip.ts';
import { freePorts } from './ports.ts';
import type { PeerDefinition, Running } from './port.ts';
import { programFolder, startProgram } from './program.ts';

const VERSION = '5.2.5';
const ATTEMPTS = 3;

export interface MotoOptions {
  /**
   * Moto answers only requests that are signed and allowed once this many have been made; never, when absent. Keys that its IAM made are
   * then checked, and refused when they are inactive or deleted.
   */
  readonly checkLoginsAfter?: number;
}

export interface Moto extends Running {
  /** What AWS_ENDPOINT_URL or a client's `endpoint` is set to. */
  readonly endpoint: string;
  /** What a client on this machine needs: an endpoint, a region, and a key of no worth. */
  readonly env: Readonly<Record<string, string>>;
  /** Forgets everything that was made, for all accounts. */
  readonly reset: () => Promise<void>;
}

export const moto: PeerDefinition<MotoOptions, Moto> = {
  version: VERSION,

  async provision() {
    const environment = await pip({
      name: 'moto',
      extras: ['server'],
      version: VERSION,
      async check(folder) {
        // The server's module too: without the extra it is there and cannot be imported.
        const says = await evaluate(folder, 'moto.__version__', 'moto.server, moto');
        if (says === VERSION) return;
        throw new KeywheelError('ERR_MISSING_PEER', `moto ${VERSION} cannot be used, the package carries ${says}`);
      },
    });
    return path.join(environment, 'bin/python');
  },

  async start(python, options) {
    for (let attempt = 1; ; attempt++) {
      try {
        return await startOnce(python, options);
      } catch (error) {
        // The port may have been taken between being found free and being used.
        if (attempt === ATTEMPTS || !isKeywheelError(error, 'ERR_TARGET_FAILED')) throw error;
      }
    }
  },
};

async function startOnce(python: string, options: MotoOptions): Promise<Moto> {
  const [port] = (await freePorts(1)) as [number];
  const folder = await programFolder('moto');
  const endpoint = `http://127.0.0.1:${port}`;
  const { pid, logFile, stop } = await startProgram({
    name: 'moto',
    folder,
    file: python,
    args: ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)],
    env: options.checkLoginsAfter === undefined ? {} : { INITIAL_NO_AUTH_ACTION_COUNT: String(options.checkLoginsAfter) },
    ready: async () => (await fetch(`${endpoint}/moto-api/data.json`)).ok,
    // Python compiles what it imports on the first start.
    timeout: 60_000,
  });
  const env = {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'AKIAEXAMPLEOFNOWORTH',
    AWS_SECRET_ACCESS_KEY: 'of-no-worth',
  };
  const reset = async (): Promise<void> => {
    const answer = await fetch(`${endpoint}/moto-api/reset`, { method: 'POST' });
    if (!answer.ok) throw new KeywheelError('ERR_TARGET_FAILED', `moto was not reset, it answered with status ${answer.status}`);
  };
  return { name: 'moto', version: VERSION, host: '127.0.0.1', port, pid, folder, logFile, endpoint, env, reset, stop };
}
