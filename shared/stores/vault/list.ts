/** The names of a mount. KV version 2 lists one folder at a time. */
import { KeywheelError } from '../../errors.ts';
import type { Context } from './look.ts';

/** Deeper than anybody nests secrets; a listing that goes on for ever ends here. */
const DEEPEST = 32;

/** Every name that begins with `prefix`, but for what is under `pendingPrefix`. Only folders that may hold such names are listed. */
export async function* listNames(context: Context, prefix: string): AsyncIterable<string> {
  const start = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  if (!reachable(start)) return;
  const folders: { readonly path: string; readonly depth: number }[] = [{ path: start, depth: 0 }];
  for (let folder = folders.shift(); folder !== undefined; folder = folders.shift()) {
    const { path, depth } = folder;
    const keys = await context.look(`vault: list ${context.mount}/metadata/${path}`, () => context.kv.list(path));
    for (const key of keys) {
      const name = `${path}${key}`;
      if (!reachable(name)) continue;
      if (!name.startsWith(prefix) && !prefix.startsWith(name)) continue;
      if (!key.endsWith('/')) {
        if (name.startsWith(prefix)) yield name;
      } else if (!name.startsWith(context.pendingPrefix)) {
        if (depth === DEEPEST) throw tooDeep(name);
        folders.push({ path: name, depth: depth + 1 });
      }
    }
  }
}

/** As `checkPath` has it. A URL would take such a path to another folder, or out of the mount. */
function reachable(path: string): boolean {
  const segments = path.replace(/\/$/, '').split('/');
  return path === '' || !segments.some((segment) => segment === '' || segment === '.' || segment.includes('..'));
}

function tooDeep(name: string): KeywheelError {
  return new KeywheelError('ERR_STORE_FAILED', `vault: listing ${name} failed, it is more than ${DEEPEST} folders deep`, {
    hint: 'list a part of it with a prefix',
    subject: name,
  });
}
