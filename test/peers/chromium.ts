/**
 * Chromium, the browser without its windows (`headless-shell`): what an HTML report looks like and does in a real one. It comes with its own
 * fonts and the libraries that a bare server lacks, so that every machine draws the same. https://github.com/Sparticuz/chromium
 */
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createReadStream, createWriteStream } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';
import { openDevTools, type Page, type PageOptions } from './chromium-page.ts';
import { command } from './command.ts';
import { npm } from './npm.ts';
import type { PeerDefinition, Running } from './port.ts';
import { programFolder, startProgram } from './program.ts';

const VERSION = '153.0.0';
/** Beside the package's own files, unpacked when it is installed. */
const UNPACKED = 'unpacked';

export interface Chromium extends Running {
  /** A page of its own, with nothing remembered from another. Resolves when the page and all it asked for have loaded. */
  open(url: string, options?: PageOptions): Promise<Page>;
}

// Reaches nothing but this machine, whatever a page asks for; nothing of the browser's own traffic.
const QUIET = [
  '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
  '--no-proxy-server',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-domain-reliability',
  '--disable-sync',
  '--no-first-run',
  '--no-pings',
];
// Containers give a small /dev/shm, and root gets no sandbox: only pages that the tests made are opened.
const BARE = ['--headless=shell', '--no-sandbox', '--no-zygote', '--disable-dev-shm-usage', '--disable-gpu', '--hide-scrollbars'];
const DRAWING = ['--font-render-hinting=none', '--force-color-profile=srgb'];

export const chromium: PeerDefinition<object, Chromium> = {
  version: VERSION,

  async provision() {
    const folder = await npm({ name: '@sparticuz/chromium', version: VERSION, check: unpack });
    return path.join(folder, UNPACKED);
  },

  async start(program) {
    const folder = await programFolder('chromium');
    const profile = path.join(folder, 'profile');
    const fonts = path.join(folder, 'fonts.conf');
    await writeFile(fonts, fontSettings(path.join(program, 'fonts'), path.join(folder, 'font-cache')));
    let port = 0;
    let browser = '';
    const started = await startProgram({
      name: 'chromium',
      folder,
      file: path.join(program, 'chromium'),
      // It takes a free port itself, and writes it into its profile.
      args: [...BARE, ...QUIET, ...DRAWING, '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'],
      env: { ...libraries(program), FONTCONFIG_FILE: fonts, TMPDIR: folder },
      async ready() {
        const [first = '', second = ''] = (await readFile(path.join(profile, 'DevToolsActivePort'), 'utf8')).split('\n');
        [port, browser] = [Number(first), second];
        return port > 0 && (await fetch(`http://127.0.0.1:${port}/json/version`)).ok;
      },
    });
    const tools = await openDevTools(`ws://127.0.0.1:${port}${browser}`);
    return {
      name: 'chromium',
      version: VERSION,
      host: '127.0.0.1',
      port,
      folder,
      ...started,
      open: (url, options = {}) => tools.open(url, options),
      async stop() {
        tools.close();
        await started.stop();
      },
    };
  },
};

const libraries = (program: string): { readonly LD_LIBRARY_PATH: string } => ({ LD_LIBRARY_PATH: path.join(program, 'lib') });

/** The package keeps everything in Brotli, and would unpack it into the system's temporary folder, for everybody and without a version. */
async function unpack(folder: string): Promise<void> {
  const to = path.join(folder, UNPACKED);
  await mkdir(to);
  const inflated = (name: string, target: string): Promise<void> =>
    pipeline(createReadStream(path.join(folder, 'bin', `${name}.br`)), createBrotliDecompress(), createWriteStream(target));
  const program = path.join(to, 'chromium');
  await inflated('chromium', program);
  await chmod(program, 0o755);
  for (const archive of ['al2023.tar', 'fonts.tar']) {
    const file = path.join(to, archive);
    await inflated(archive, file);
    await command('tar', ['-xf', file, '-C', to], { failing: `chromium ${VERSION} cannot be unpacked` });
    await rm(file);
  }
  // The packed form is a third of the entry, and of no more use.
  await rm(path.join(folder, 'bin'), { recursive: true });
  const failing = `chromium ${VERSION} does not run here`;
  await command('env', [`LD_LIBRARY_PATH=${libraries(to).LD_LIBRARY_PATH}`, program, '--version'], { failing });
}

/** Its own fonts alone: what the machine has besides would change where lines break. */
const fontSettings = (fonts: string, cache: string): string => `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${fonts}</dir><cachedir>${cache}</cachedir></fontconfig>
`;
