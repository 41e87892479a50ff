import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { expect, it, vi } from 'vitest';
import { alive } from './cache.ts';
import { command } from './command.ts';
import { programFolder, startProgram } from './program.ts';

const node = (script: string) => ({ file: process.execPath, args: ['--eval', script] });
const FOREVER = 'setInterval(() => {}, 1000);';

it('gives a program its own home and log and none of the environment of the test', async () => {
  vi.stubEnv('SECRET_OF_THE_TEST', 'hunter2');
  const folder = await programFolder('shown');
  const script = `console.log(JSON.stringify(process.env)); require('node:fs').writeFileSync('up', ''); ${FOREVER}`;

  const program = await startProgram({
    name: 'shown',
    folder,
    ...node(script),
    ready: async () => existsSync(path.join(folder, 'up')),
  });
  const log = await readFile(program.logFile, 'utf8');
  await program.stop();
  vi.unstubAllEnvs();

  expect(JSON.parse(log)).toMatchObject({ HOME: folder });
  expect(log).not.toContain('hunter2');
});

it('ends also what ignores the polite signal, and the processes that it started', async () => {
  const folder = await programFolder('stubborn');
  const child = `process.on('SIGTERM', () => {}); require('node:fs').writeFileSync('child', String(process.pid)); ${FOREVER}`;
  const script = `process.on('SIGTERM', () => {}); require('node:child_process').spawn(process.execPath, ['--eval', ${JSON.stringify(child)}]); ${FOREVER}`;
  const file = path.join(folder, 'child');
  const ready = async () => (await readFile(file, 'utf8')) !== '';
  const program = await startProgram({ name: 'stubborn', folder, ...node(script), ready });
  const childPid = Number(await readFile(file, 'utf8'));

  await program.stop();

  expect(alive(program.pid)).toBe(false);
  // The child is reaped by whoever inherits it, a moment later.
  await vi.waitFor(() => expect(alive(childPid)).toBe(false), { timeout: 5000, interval: 20 });
  expect(existsSync(folder)).toBe(false);
});

it.each([
  [
    'ended early',
    node("console.error('port taken'); process.exit(3)"),
    'ERR_TARGET_FAILED',
    'picky did not start, it exited with status 3',
  ],
  [
    'cannot be run',
    { file: '/nowhere/at/all', args: [] },
    'ERR_TARGET_FAILED',
    'picky did not start, it could not be run: ENOENT',
  ],
  ['is never ready', node(FOREVER), 'ERR_TIMEOUT', 'picky did not start, it was not ready within 300 ms'],
])('says so when the program %s, and keeps its log', async (_, what, code, message) => {
  const folder = await programFolder('picky');
  const logFile = path.join(folder, 'picky.log');

  const starting = startProgram({
    name: 'picky',
    folder,
    ...what,
    ready: async () => false,
    timeout: code === 'ERR_TIMEOUT' ? 300 : 5000,
  });

  await expect(starting).rejects.toMatchObject({ code, message, hint: `read ${logFile}` });
  expect(existsSync(logFile)).toBe(true);
  await rm(folder, { recursive: true });
});

it('ends the program and removes its folder also when the guard is killed, as soon as it is asked to stop', async () => {
  const folder = await programFolder('unguarded');
  const script = `require('node:fs').writeFileSync('guard', String(process.ppid)); ${FOREVER}`;
  const file = path.join(folder, 'guard');
  const ready = async () => (await readFile(file, 'utf8')) !== '';
  const program = await startProgram({ name: 'unguarded', folder, ...node(script), ready });

  process.kill(Number(await readFile(file, 'utf8')), 'SIGKILL');
  await program.stop();

  await vi.waitFor(() => expect(alive(program.pid)).toBe(false), { timeout: 5000, interval: 20 });
  expect(existsSync(folder)).toBe(false);
});

it.each([
  ['is not there', 'no-such-program', [], 'it cannot be made, no-such-program is not there'],
  ['fails', process.execPath, ['--eval', 'console.error("first\\nlast"); process.exit(1)'], 'it cannot be made, last'],
  ['hangs', process.execPath, ['--eval', 'setInterval(() => {}, 1000)'], 'it cannot be made, it took over 200 ms'],
])('names why when a command %s', async (_, file, args, message) => {
  const running = command(file, args, { failing: 'it cannot be made', timeout: 200 });

  await expect(running).rejects.toMatchObject({ code: 'ERR_MISSING_PEER', message });
});
