/** One cloud's package: the bundle, what stands beside it, the configuration; one zip. */
import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Metafile } from 'esbuild';
import { bundle, loadedAtStart } from './bundle.ts';
import { DEFINITIONS, type Cloud } from './clouds.ts';
import { zip, type ZipFile } from './zip.ts';

/** On AWS also the name that osls gives to a service's package, so that `serverless deploy --package` finds it. */
export const ARTIFACT = 'keywheel.zip';

export interface EntrySize {
  readonly name: string;
  /** Of the file that the host names. */
  readonly bytes: number;
  /** Of all that is loaded before its first line runs, the host's own library left out. */
  readonly startBytes: number;
}

export interface Artifact {
  readonly cloud: Cloud;
  /** Absolute. */
  readonly file: string;
  readonly bytes: number;
  /** Hexadecimal. The same code and configuration give the same one, on any day and in any folder. */
  readonly sha256: string;
  readonly files: number;
  readonly unpackedBytes: number;
  readonly entries: readonly EntrySize[];
}

export interface Packed {
  readonly files: readonly ZipFile[];
  readonly maps: readonly ZipFile[];
  readonly metafile: Metafile;
  readonly entries: readonly EntrySize[];
}

/** All files of a cloud's package, in memory. @param root the checkout */
export async function pack(cloud: Cloud, root: string, configuration: readonly ZipFile[]): Promise<Packed> {
  const { entries, external, library, beside } = DEFINITIONS[cloud];
  const all = library === undefined ? entries : { ...entries, [library.name]: library.module };
  const [{ files, maps, metafile }, others] = await Promise.all([bundle({ root, entries: all, external }), beside(root)]);
  const hosts = library === undefined ? [] : loadedAtStart(metafile, `bundle/${library.name}.mjs`);
  const sizes = Object.keys(entries).map((name): EntrySize => {
    const output = `bundle/${name}.mjs`;
    const own = loadedAtStart(metafile, output).filter((each) => !hosts.includes(each));
    const bytes = (each: string): number => metafile.outputs[each]?.bytes ?? 0;
    return { name, bytes: bytes(output), startBytes: own.reduce((sum, each) => sum + bytes(each), 0) };
  });
  return { files: [...files, ...others, ...configuration], maps, metafile, entries: sizes };
}

export interface WriteOptions {
  readonly cloud: Cloud;
  readonly root: string;
  readonly configuration: readonly ZipFile[];
  /** Where keywheel.zip and maps/ are written, in place of those of the last time. */
  readonly folder: string;
}

export async function writeArtifact({ cloud, root, configuration, folder }: WriteOptions): Promise<Artifact> {
  const { files, maps, entries } = await pack(cloud, root, configuration);
  const bytes = zip(files);
  const mapFolder = path.join(folder, 'maps');
  await rm(mapFolder, { recursive: true, force: true });
  await mkdir(mapFolder, { recursive: true });
  const file = path.join(folder, ARTIFACT);
  await writeFile(file, bytes);
  await Promise.all(maps.map((map) => writeFile(path.join(mapFolder, map.name), map.bytes)));
  return {
    cloud,
    file,
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    files: files.length,
    unpackedBytes: files.reduce((sum, each) => sum + each.bytes.length, 0),
    entries,
  };
}
