/**
 * Azurite, Microsoft's emulator of Azure Storage: its tables only, in memory. https://learn.microsoft.com/azure/storage/common/storage-use-azurite
 */
import path from 'node:path';
import { command } from './command.ts';
import { npm } from './npm.ts';
import type { PeerDefinition, Running } from './port.ts';
import { freePorts } from './ports.ts';
import { programFolder, startProgram } from './program.ts';
import { isKeywheelError } from '../../shared/errors.ts';

const VERSION = '3.37.0';
const ATTEMPTS = 3;

export interface Azurite extends Running {
  /** The table endpoint of the account that every storage emulator has, `devstoreaccount1`. */
  readonly url: string;
  /** For processes: the vendor's variable that names that account, whose key everybody knows. */
  readonly env: { readonly AZURE_STORAGE_CONNECTION_STRING: 'UseDevelopmentStorage=true' };
}

const main = (folder: string): string => path.join(folder, 'dist/src/table/main.js');

export const azurite: PeerDefinition<object, Azurite> = {
  version: VERSION,

  async provision() {
    const folder = await npm({
      name: 'azurite',
      version: VERSION,
      async check(inside) {
        await command(process.execPath, [main(inside), '--help'], { failing: `azurite ${VERSION} does not run here` });
      },
    });
    return main(folder);
  },

  async start(program) {
    for (let attempt = 1; ; attempt++) {
      try {
        return await startOnce(program);
      } catch (error) {
        // A port may have been taken between being found free and being used.
        if (attempt === ATTEMPTS || !isKeywheelError(error, 'ERR_TARGET_FAILED')) throw error;
      }
    }
  },
};

async function startOnce(program: string): Promise<Azurite> {
  const [port = 0] = await freePorts(1);
  const folder = await programFolder('azurite');
  const url = `http://127.0.0.1:${port}/devstoreaccount1`;
  const where = ['--tableHost', '127.0.0.1', '--tablePort', String(port)];
  // It knows fewer versions of the API than the SDK asks for.
  const how = [
    '--tableKeepAliveTimeout',
    '1',
    '--inMemoryPersistence',
    '--skipApiVersionCheck',
    '--disableTelemetry',
    '--silent',
  ];
  const started = await startProgram({
    name: 'azurite',
    folder,
    file: process.execPath,
    args: [program, ...where, ...how],
    ready: async () => (await fetch(url)).status > 0,
  });
  const env = { AZURE_STORAGE_CONNECTION_STRING: 'UseDevelopmentStorage=true' } as const;
  return { name: 'azurite', version: VERSION, host: '127.0.0.1', port, folder, url, env, ...started };
}
