#!/usr/bin/env node
// Plain JavaScript that the oldest Node can read: it says clearly what is missing instead of failing on a word of syntax.
import module from 'node:module';
import os from 'node:os';
import path from 'node:path';

// Type stripping without a flag came with 22.18 (and 23.6): https://nodejs.org/docs/latest-v22.x/api/typescript.html
const LEAST = [22, 18];
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < LEAST[0] || (major === LEAST[0] && minor < LEAST[1])) {
  process.stderr.write(`keywheel: needs Node ${LEAST.join('.')} or newer, this is ${process.versions.node}\n`);
  process.stderr.write('hint: in a checkout, `npm ci` brings a newer one and `npx keywheel` uses it\n');
  process.exit(2);
}

// node:sqlite and type stripping announce that they are experimental at each start; a user can do nothing about it.
process.removeAllListeners('warning');
process.on('warning', (warning) => {
  if (warning.name === 'ExperimentalWarning' && /SQLite|Type Stripping/i.test(warning.message)) return;
  process.stderr.write(`keywheel: ${warning.name}: ${warning.message}\n`);
});

// Compiled code is kept, so that the next start is faster. Not in Node's default place: in a temporary folder that all users
// share, another user could put code there for this one to run.
function cacheFolder() {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (XDG_CACHE_HOME && path.isAbsolute(XDG_CACHE_HOME)) return path.join(XDG_CACHE_HOME, 'keywheel', 'compiled');
  if (process.platform === 'win32' && LOCALAPPDATA) return path.join(LOCALAPPDATA, 'keywheel', 'compiled');
  if (process.platform === 'darwin') return path.join(os.homedir(), 'Library', 'Caches', 'keywheel', 'compiled');
  return path.join(os.homedir(), '.cache', 'keywheel', 'compiled');
}
if (!process.env.NODE_COMPILE_CACHE) module.enableCompileCache(cacheFolder());

const { main } = await import('./main.ts');
process.exitCode = await main(process.argv.slice(2));
