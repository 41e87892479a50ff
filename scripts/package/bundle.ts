/**
 * Bundles the entries of one cloud: ECMAScript modules split at every `import()`, so that a function loads its own few kilobytes at start
 * and an SDK only when it first needs it. A single file would link every builtin that any part needs before the first line runs.
 */
import path from 'node:path';
import { build, type Metafile } from 'esbuild';
import { commonJsNames } from './commonjs.ts';
import type { ZipFile } from './zip.ts';

/** By the name that the host knows it by: `rotate` becomes rotate.mjs. */
export type Entries = Readonly<Record<string, string>>;

export interface BundleOptions {
  /** The checkout: entries are relative to it, and nothing in the result depends on where it is. */
  readonly root: string;
  readonly entries: Entries;
  /** What the host brings along, or what must be there once only. */
  readonly external: readonly string[];
}

export interface Bundle {
  /** Flat: a module that looks beside itself finds the same folder wherever the splitting put it. */
  readonly files: readonly ZipFile[];
  /** Linked source maps. They stay out of the package: they are ten times its size, and only people need them. */
  readonly maps: readonly ZipFile[];
  readonly metafile: Metafile;
}

// The platform-neutral parts of the SDKs are CommonJS, which expects these three. Each file of a bundle is a module of its own.
const BANNER =
  `import{createRequire as __keywheelRequire}from'node:module';` +
  `const require=__keywheelRequire(import.meta.url),__filename=import.meta.filename,__dirname=import.meta.dirname;`;

export async function bundle({ root, entries, external }: BundleOptions): Promise<Bundle> {
  const result = await build({
    absWorkingDir: root,
    entryPoints: { ...entries },
    outdir: 'bundle', // nothing is written there: it is what names are relative to
    write: false,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    outExtension: { '.js': '.mjs' },
    chunkNames: '[name]-[hash]',
    mainFields: ['module', 'main'],
    external: [...external],
    plugins: [commonJsNames(root)],
    banner: { js: BANNER },
    minify: true,
    legalComments: 'none',
    sourcemap: 'linked',
    metafile: true,
    logLevel: 'silent', // faults are thrown
  });
  const all = result.outputFiles.map((file) => ({ name: path.basename(file.path), bytes: file.contents }));
  return {
    files: all.filter(({ name }) => !name.endsWith('.map')),
    maps: all.filter(({ name }) => name.endsWith('.map')),
    metafile: result.metafile,
  };
}

/** What is loaded before the first line of an output runs: itself, and all that it imports without `import()`. Paths as in the metafile. */
export function loadedAtStart(metafile: Metafile, output: string): string[] {
  const seen = new Set<string>();
  const visit = (name: string): void => {
    const found = metafile.outputs[name];
    if (found === undefined || seen.has(name)) return;
    seen.add(name);
    for (const each of found.imports) if (each.kind === 'import-statement') visit(each.path);
  };
  visit(output);
  return [...seen];
}

/** The npm packages whose code is in the named outputs, sorted. */
export function packagesIn(metafile: Metafile, outputs: readonly string[]): string[] {
  const names = outputs.flatMap((output) =>
    Object.keys(metafile.outputs[output]?.inputs ?? {}).flatMap((input) => {
      const [, name] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input) ?? [];
      return name === undefined ? [] : [name];
    }),
  );
  return [...new Set(names)].sort();
}
