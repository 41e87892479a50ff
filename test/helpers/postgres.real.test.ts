import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { until } from './postgres.ts';

it('leaves no server and no folder behind when its process is killed', async () => {
  const helper = path.join(import.meta.dirname, 'postgres.ts');
  const script = `const { startPostgres } = await import(${JSON.stringify(helper)}); const s = await startPostgres(); console.log(JSON.stringify({ folder: s.folder, port: s.port })); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const { folder } = JSON.parse(line.toString()) as { folder: string };
  expect(existsSync(folder)).toBe(true);

  child.kill('SIGKILL');

  await until('the folder is gone', async () => (existsSync(folder) ? undefined : true));
  expect(existsSync(folder)).toBe(false);
});
