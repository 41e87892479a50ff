/** docs/guides/client.md is what people copy, so each of its programs is run here, as a program of its own, before and after a rotation. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { prepareRoom, type Room } from '../e2e/helpers/room.ts';
import { startPostgres, type Postgres } from '../helpers/postgres.ts';

const root = path.resolve(import.meta.dirname, '../..');
const guide = readFileSync(path.join(root, 'docs/guides/client.md'), 'utf8');
const programs = [...guide.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
const entry = path.join(root, 'shared/client/index.ts');

let server: Postgres;
let room: Room;
let origin: string;
const orders: { token: string | undefined; body: string }[] = [];
const http = createServer((request, response) => {
  void request
    .setEncoding('utf8')
    .toArray()
    .then((body) => {
      orders.push({ token: request.headers.authorization, body: body.join('') });
      response.writeHead(201).end();
    });
});

beforeAll(async () => {
  server = await startPostgres();
  room = await prepareRoom(server, { secrets: ['app/db'], put: 'port' });
  const store = await room.openStore();
  await store.put('vendor/api', { token: 'a-token' }, null);
  store.close();
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
});
afterAll(async () => {
  http.close();
  await room?.close();
  await server?.stop();
});

/** Runs one program with the few names that the guide leaves to its reader. */
async function run(program: string): Promise<string> {
  const given = { port: server.port, database: room.pair('app/db').database, origin };
  const lines = Object.entries(given).map(([name, value]) => `const ${name} = ${JSON.stringify(value)};`);
  const text = program
    .replaceAll("'keywheel/client'", JSON.stringify(entry))
    .replaceAll("from 'pg'", `from ${JSON.stringify(import.meta.resolve('pg'))}`)
    .replaceAll('.keywheel/', `${room.folder}/`);
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    '--input-type=module-typescript',
    '-e',
    `${lines.join('\n')}\n${text}`,
  ]);
  expect(stderr).toBe('');
  return stdout;
}

const outputs = [/^app_db_[ab]\n$/, /^changed app\/db\n[pv]-\S+ [\d.]+ false\n$/, /^1\n$/, /^201\n$/];

describe('the programs in docs/guides/client.md', () => {
  it('are all here', () => {
    expect(programs).toHaveLength(outputs.length);
  });

  it.each(programs.map((program, index) => [index + 1, program, outputs[index] ?? /^$/] as const))(
    'number %i runs as it is, before and after a rotation',
    async (_number, program, output) => {
      const before = await run(program);
      const rotated = await room.run(['rotate', 'app/db', '--wait']);
      const after = await run(program);

      expect([before, after]).toEqual([expect.stringMatching(output), expect.stringMatching(output)]);
      expect(rotated.code, rotated.stderr).toBe(0);
    },
  );

  it('send the token and the order', () => {
    expect(orders).toEqual(Array.from({ length: 2 }, () => ({ token: 'Bearer a-token', body: '{"item":"wheel"}' })));
  });

  it('the piece of keywheel.yaml is one that the configuration takes', async () => {
    const [yaml = ''] = [...guide.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1]);
    await room.configure((config) => Object.assign(config.secrets['app/db'] ?? {}, parse(yaml)), 'piece.yaml');

    const status = await room.run(['status', '--config', 'piece.yaml']);

    expect([status.code, status.stderr]).toEqual([0, '']);
  });
});
