// Runs one program for as long as its standard input stays open: `node guard.mjs FOLDER LOG PROGRAM ARGS...`.
//
// The other end of standard input is held by the test process alone. The kernel closes it however that process ends, SIGKILL
// included, so nothing that a test started outlives it. Guard and program each lead a process group of their own: a signal to the
// test's group does not take the guard away before it has done its work. Plain JavaScript, because any Node must run it.
import { spawn } from 'node:child_process';
import { openSync, rmSync } from 'node:fs';

const KILL_AFTER_MS = 5000;
const [folder, logFile, file, ...args] = process.argv.slice(2);

let ended = false; // standard input is closed: the test is done with the program
let gone = false; // the program is no more
let keep = false; // the test asked for the folder to stay, to be read by a person

const tell = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
process.stdout.on('error', () => {}); // nobody is left to be told

const log = openSync(logFile, 'a', 0o600);
const program = spawn(file, args, { cwd: folder, detached: true, stdio: ['ignore', log, log] });

program.on('spawn', () => tell({ pid: program.pid }));
program.on('error', (error) => (program.pid === undefined ? over({ failed: error.code }) : undefined));
program.on('exit', (code, signal) => {
  signalGroup('SIGKILL'); // what the program itself left behind
  over({ code, signal });
});

process.stdin.on('data', (text) => (keep ||= String(text).includes('keep')));
process.stdin.on('error', end);
process.stdin.on('end', end);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, end);

function signalGroup(signal) {
  try {
    process.kill(-Number(program.pid), signal);
  } catch {
    // no such group any more
  }
}

function end() {
  ended = true;
  if (gone) return finish();
  signalGroup('SIGTERM');
  setTimeout(() => signalGroup('SIGKILL'), KILL_AFTER_MS).unref();
}

function over(message) {
  gone = true;
  tell(message);
  if (ended) finish();
}

function finish() {
  if (!keep) rmSync(folder, { recursive: true, force: true });
  process.exit();
}
