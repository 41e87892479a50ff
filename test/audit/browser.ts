/** Chromium, where this machine has one: opens a file and tells what became of it. */
import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

export interface Seen {
  /** The document after it was loaded and laid out, as HTML. */
  readonly dom: string;
  /** What the browser wrote to the page's console: script errors, refused resources. */
  readonly messages: readonly string[];
}

/** The program's path; undefined: there is none. */
export function findBrowser(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  return folders.flatMap((folder) => NAMES.map((name) => path.join(folder, name))).find(isProgram);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The page runs in a profile of its own, which is removed. The network is out of reach: every address resolves to nothing. */
export async function look(browser: string, page: string): Promise<Seen> {
  const folder = await mkdtemp(path.join(tmpdir(), 'keywheel-browser-'));
  try {
    const file = path.join(folder, 'page.html');
    await writeFile(file, page);
    const args = [
      '--headless=new',
      '--disable-gpu',
      // Containers run tests as root, where Chromium has no sandbox to offer.
      '--no-sandbox',
      '--host-resolver-rules=MAP * ~NOTFOUND',
      `--user-data-dir=${path.join(folder, 'profile')}`,
      '--enable-logging=stderr',
      '--dump-dom',
      `file://${file}`,
    ];
    const { stdout, stderr } = await run(browser, args);
    return { dom: stdout, messages: stderr.split('\n').filter((line) => line.includes(':CONSOLE')) };
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

function run(file: string, args: readonly string[]): Promise<{ readonly stdout: string; readonly stderr: string }> {
  return new Promise((resolve, reject) => {
    execFile(file, args, { timeout: 60_000, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error === null) resolve({ stdout, stderr });
      else reject(new Error(`${path.basename(file)} failed: ${stderr.slice(-500)}`));
    });
  });
}
