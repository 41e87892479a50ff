import { copyFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAccountPair, type AccountPair } from '../helpers/account-pair.ts';
import { startPostgres, type Postgres } from '../helpers/postgres.ts';
import { makeFolder, type Folder } from '../helpers/terminal.ts';

const root = path.resolve(import.meta.dirname, '../..');
const commandsOf = async (file: string): Promise<string[]> =>
  [...(await readFile(path.join(root, file), 'utf8')).matchAll(/^\$ (?:npx )?keywheel (.+)$/gm)].map((match) => match[1] ?? '');
const guides = ['README.md', 'docs/guides/terminal.md'];
const shown = await Promise.all(guides.map(async (file) => [file, await commandsOf(file)] as const));

let server: Postgres;
let pair: AccountPair;
let folder: Folder;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.stop());

/** What the guide's reader does after `init`. */
async function edit(): Promise<void> {
  const { connectTimeout: _connect, statementTimeout: _statement, ...target } = pair.config();
  const times = {
    schedule: { every: '30d' },
    consumers: { maxCacheAge: '1s' },
    grace: '1s',
    evidence: { samples: 2, quiet: '100ms' },
  };
  const config = {
    version: 1,
    state: { kind: 'sqlite', path: '.keywheel/state.db' },
    stores: { local: { kind: 'local', path: '.keywheel/store.db', keyFile: '.keywheel/store.key' } },
    secrets: { 'app/db': { store: 'local', strategy: 'dual-account', target, ...times } },
  };
  await writeFile(path.join(folder.path, 'keywheel.yaml'), stringify(config));
}

/** Splits as a shell does, as far as the guides need it: double quotes, and a file for stdin or stdout. */
function parse(line: string): { args: string[]; stdin: string | undefined; stdout: string | undefined } {
  const [rest = '', stdout] = line.split(' > ');
  const [command = '', stdin] = rest.split(' < ');
  const args = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '');
  return { args, stdin, stdout };
}

describe.each(shown)('the commands in %s', (file, commands) => {
  beforeAll(async () => {
    pair = await createAccountPair(server, { name: path.basename(file, '.md').toLowerCase() });
    folder = await makeFolder();
    await writeFile(path.join(folder.path, 'value.json'), JSON.stringify(pair.value()));
    await copyFile(path.join(root, 'test/audit/fixtures/vault/openbao-2.7.jsonl'), path.join(folder.path, 'audit.log'));
  });
  afterAll(() => folder?.remove());

  it('are shown', () => {
    expect(commands.length).toBeGreaterThan(5);
  });

  it.each(commands)('keywheel %s', async (line) => {
    const { args, stdin, stdout } = parse(line);
    const text = stdin === undefined ? '' : await readFile(path.join(folder.path, stdin), 'utf8');

    const run = await folder.run(args, { stdin: text, env: { PGADMIN: pair.admin.password } });
    if (args[0] === 'init') await edit();
    if (stdout !== undefined) await writeFile(path.join(folder.path, stdout), run.stdout);

    expect({ code: run.code, stderr: run.code === 0 ? '' : run.stderr }).toEqual({ code: 0, stderr: '' });
  });
});
