import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAccountPair, type AccountPair } from '../helpers/account-pair.ts';
import { startPostgres, type Postgres } from '../helpers/postgres.ts';
import { makeFolder, type Folder } from '../helpers/terminal.ts';

const guide = await readFile(path.resolve(import.meta.dirname, '../../docs/guides/terminal.md'), 'utf8');
const shown = [...guide.matchAll(/^\$ keywheel (.+)$/gm)].map((match) => match[1] ?? '');

let server: Postgres;
let pair: AccountPair;
let folder: Folder;

beforeAll(async () => {
  server = await startPostgres();
  pair = await createAccountPair(server);
  folder = await makeFolder();
  await writeFile(path.join(folder.path, 'value.json'), JSON.stringify(pair.value()));
});
afterAll(async () => {
  await folder?.remove();
  await server?.stop();
});

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

/** Splits as a shell does, as far as the guide needs it: double quotes, and a file for stdin. */
function parse(line: string): { args: string[]; stdin: string | undefined } {
  const [command = '', stdin] = line.split(' < ');
  const args = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '');
  return { args, stdin };
}

describe('the guide to the terminal', () => {
  it('shows commands', () => {
    expect(shown.length).toBeGreaterThan(12);
  });

  it.each(shown)('keywheel %s', async (line) => {
    const { args, stdin } = parse(line);
    const text = stdin === undefined ? '' : await readFile(path.join(folder.path, stdin), 'utf8');

    const run = await folder.run(args, { stdin: text, env: { PGADMIN: pair.admin.password } });
    if (args[0] === 'init') await edit();

    expect({ code: run.code, stderr: run.code === 0 ? '' : run.stderr }).toEqual({ code: 0, stderr: '' });
  });
});
