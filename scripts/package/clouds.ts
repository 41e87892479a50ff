/** What differs between the clouds: what the host brings along, and what stands beside the bundle. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Entries } from './bundle.ts';
import { lockedVersion, lockFor, type Lock } from './lock.ts';
import type { ZipFile } from './zip.ts';

export const CLOUDS = ['aws', 'gcp', 'azure'] as const;
export type Cloud = (typeof CLOUDS)[number];

export interface CloudDefinition {
  /** The rooms of functions/ that this cloud has, each as one file of the bundle. */
  readonly entries: Entries;
  readonly external: readonly string[];
  /** The host's own library, where it is part of the bundle: in a file of its own, since every function of that host loads it. */
  readonly library?: { readonly name: string; readonly module: string };
  readonly beside: (root: string) => Promise<readonly ZipFile[]>;
}

const text = (name: string, value: string): ZipFile => ({ name, bytes: Buffer.from(value) });
const json = (name: string, value: unknown): ZipFile => text(name, `${JSON.stringify(value, null, 2)}\n`);

/** Loads every room of a cloud; its host calls what the rooms have registered. */
const index = (entries: Entries): ZipFile =>
  text(
    'index.mjs',
    Object.keys(entries)
      .map((name) => `import './${name}.mjs';\n`)
      .join(''),
  );

async function versions(root: string): Promise<{ version: string; lock: Lock }> {
  const [manifest, lock] = await Promise.all(
    ['package.json', 'package-lock.json'].map((name) => readFile(path.join(root, name), 'utf8')),
  );
  return { version: (JSON.parse(manifest ?? '') as { version: string }).version, lock: JSON.parse(lock ?? '') as Lock };
}

const FRAMEWORK = '@google-cloud/functions-framework';
const entriesOf = (cloud: Cloud): Entries => ({ rotate: `functions/rotate/${cloud}.ts`, score: `functions/score/${cloud}.ts` });

export const DEFINITIONS: Readonly<Record<Cloud, CloudDefinition>> = {
  // Handlers are exports, named in serverless.yml as FILE.EXPORT. The SDK is bundled and not taken from the runtime: it loads faster, and it
  // is the version that was tested.
  aws: { entries: entriesOf('aws'), external: [], beside: async () => [] },

  // The framework keeps the list of functions. Bundled there would be two lists, and the one that is asked would be empty.
  gcp: {
    entries: entriesOf('gcp'),
    external: [FRAMEWORK],
    async beside(root) {
      const { version, lock } = await versions(root);
      const dependencies = { [FRAMEWORK]: lockedVersion(lock, FRAMEWORK) };
      const manifest = { name: 'keywheel-gcp', version, private: true, type: 'module', main: 'index.mjs', dependencies };
      return [index(entriesOf('gcp')), json('package.json', manifest), json('package-lock.json', lockFor(manifest, lock))];
    },
  },

  // The host's worker answers require('@azure/functions-core') itself; no such package is installed anywhere.
  azure: {
    entries: entriesOf('azure'),
    external: ['@azure/functions-core'],
    library: { name: 'azure-functions', module: '@azure/functions' },
    async beside(root) {
      const { version } = await versions(root);
      return [
        index(entriesOf('azure')),
        json('package.json', { name: 'keywheel-azure', version, private: true, type: 'module', main: 'index.mjs' }),
        json('host.json', HOST),
      ];
    },
  },
};

// https://learn.microsoft.com/azure/azure-functions/functions-host-json
const HOST = {
  version: '2.0',
  // Repeated to the function as KEYWHEEL_TIMEOUT_SECONDS (infra/azure): the host does not tell it.
  // The bindings of Event Grid and Event Hubs come in a bundle of extensions; HTTP and timers are the host's own.
  extensionBundle: { id: 'Microsoft.Azure.Functions.ExtensionBundle', version: '[4.0.0, 5.0.0)' },
  functionTimeout: '00:10:00',
  logging: { logLevel: { default: 'Information', 'Host.Aggregator': 'Warning' } },
};
