import { beforeAll, describe, expect, it } from 'vitest';
import path from 'node:path';
import { pack, type Packed } from '../../scripts/package/artifact.ts';
import { loadedAtStart, packagesIn } from '../../scripts/package/bundle.ts';
import { CLOUDS } from '../../scripts/package/clouds.ts';
import { ENTRY_AIMS } from './entries.ts';

/** What may be in a file that is loaded at start. The host's own library, and middy, which is small and wraps every handler on AWS. */
const AT_START: Readonly<Record<string, readonly string[]>> = {
  aws: ['@middy/core'],
  gcp: [],
  azure: ['@azure/functions', '@azure/functions-extensions-base', 'cookie'],
};
const SDKS = ['@aws-sdk/client-secrets-manager', '@google-cloud/secret-manager', '@azure/keyvault-secrets', 'pg', 'zod', 'yaml'];

describe.each(CLOUDS)('the entries for %s', (cloud) => {
  let packed: Packed;
  beforeAll(async () => {
    packed = await pack(cloud, path.resolve(import.meta.dirname, '../..'), []);
  });

  it('are small, with all that they load before the first call', () => {
    expect(packed.entries.map(({ name }) => name)).toEqual(['rotate', 'score']);
    for (const { bytes, startBytes } of packed.entries) {
      expect(bytes).toBeLessThan(ENTRY_AIMS.entryBytes);
      expect(startBytes).toBeLessThan(2 * ENTRY_AIMS.entryBytes);
    }
  });

  it('load no SDK at start, though the bundle has them all', () => {
    for (const { name } of packed.entries) {
      const started = loadedAtStart(packed.metafile, `bundle/${name}.mjs`);
      expect(packagesIn(packed.metafile, started)).toEqual(AT_START[cloud]);
    }
    expect(packagesIn(packed.metafile, Object.keys(packed.metafile.outputs))).toEqual(expect.arrayContaining(SDKS));
  });

  it('give a CommonJS package’s names as Node does', async () => {
    // yaml is CommonJS and read by `await import('yaml')`: without help its chunk would have a default export and nothing else.
    const outputs = Object.values(packed.metafile.outputs);
    const chunk = outputs.find(({ entryPoint }) => entryPoint?.includes('node_modules/yaml/'));

    const named = Object.keys((await import('yaml')) as object).filter((name) => name !== 'module.exports');
    expect(chunk?.exports.toSorted()).toEqual(named.sort());
  });
});
