/**
 * `await import('yaml')` of a CommonJS package: Node finds the names of its exports, and esbuild, when it splits, gives `default` alone. So each such
 * import goes to a small module that names what Node names. https://esbuild.github.io/content-types/#cjs-interop (split points are not told of)
 */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Plugin, type PluginBuild } from 'esbuild';

const NAMESPACE = 'keywheel-commonjs';
/** Set on our own questions, so that they are not answered with themselves. */
const ASKED = Symbol('asked');
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

async function isCommonJs(file: string): Promise<boolean> {
  const { metafile } = await build({ entryPoints: [file], write: false, metafile: true, logLevel: 'silent' });
  return Object.values(metafile.inputs).some(({ format }) => format === 'cjs');
}

/** What `import()` gives in Node. Runs the package: it is one of ours that the functions run too. */
async function namesOf(file: string): Promise<string[]> {
  const names = Object.keys((await import(pathToFileURL(file).href)) as object);
  return names.filter((name) => name !== 'default' && name !== 'module.exports' && IDENTIFIER.test(name)).sort();
}

function contents(from: string, names: readonly string[]): string {
  // require(), not import: what Node calls `default` is module.exports, also where __esModule is set.
  const lines = names.map((name, index) => `const n${index} = all[${JSON.stringify(name)}]; export { n${index} as ${name} };`);
  return [`const all = require(${JSON.stringify(from)}); export default all;`, ...lines].join('\n');
}

/** @param root what paths are told relative to, so that nothing depends on where the checkout is */
export function commonJsNames(root: string): Plugin {
  const known = new Map<string, Promise<boolean>>();
  return {
    name: NAMESPACE,
    setup(bundler: PluginBuild) {
      bundler.onResolve({ filter: /./ }, async ({ path: name, kind, importer, resolveDir, pluginData }) => {
        if (kind !== 'dynamic-import' || pluginData === ASKED) return undefined;
        const found = await bundler.resolve(name, { kind, importer, resolveDir, pluginData: ASKED });
        if (found.external || found.errors.length > 0 || found.namespace !== 'file' || !/\.c?js$/.test(found.path)) return found;
        const commonJs = known.get(found.path) ?? isCommonJs(found.path);
        known.set(found.path, commonJs);
        return (await commonJs) ? { path: path.relative(root, found.path), namespace: NAMESPACE } : found;
      });
      bundler.onLoad({ filter: /./, namespace: NAMESPACE }, async ({ path: name }) => {
        const file = path.resolve(root, name);
        return { contents: contents(`./${name}`, await namesOf(file)), resolveDir: root, loader: 'js' };
      });
    },
  };
}
