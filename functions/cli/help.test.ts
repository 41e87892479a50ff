import { expect, it } from 'vitest';
import { main } from './main.ts';

async function printed(argv: readonly string[], columns: number): Promise<string> {
  let stdout = '';
  const sink = { columns, write: (text: string) => void (stdout += text) };
  const quiet = { write: () => undefined };

  const code = await main(argv, { stdout: sink, stderr: quiet, stdin: (async function* () {})(), env: {} });

  expect(code).toBe(0);
  return stdout;
}

// `help` always goes through commander; the others do not where the terminal is wide enough.
it.each([80, 200])('the help of the whole is what commander would print, at %i columns', async (columns) => {
  const reference = await printed(['help'], columns);

  expect(reference).toContain('Usage: keywheel [options] [command]');
  expect(reference.split('\n').filter((line) => line.length > 80)).toEqual([]);
  for (const asked of [['--help'], ['-h'], [], ['--json'], ['--json', '--help']]) {
    expect(await printed(asked, columns)).toBe(reference);
  }
});

it('a narrow terminal gets narrower help', async () => {
  const lines = (await printed(['--help'], 70)).split('\n');

  expect(lines).toContain('  -V, --version    print the version');
  expect(lines.filter((line) => /^ {2}--config/.test(line) && line.length > 70)).toEqual([]);
});
