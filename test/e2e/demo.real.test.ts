/** The main job, as a newcomer runs it: a process of its own, a real PostgreSQL, and nothing left behind however it ends. */
import { execFileSync, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const BIN = fileURLToPath(new URL('../../functions/cli/bin.mjs', import.meta.url));

let temporary: string;
let reports: string;
const started: ChildProcessWithoutNullStreams[] = [];

beforeEach(() => {
  temporary = mkdtempSync(path.join(tmpdir(), 'keywheel-e2e-'));
  reports = mkdtempSync(path.join(tmpdir(), 'keywheel-e2e-report-'));
  // As root the server runs as another user, who must be able to enter.
  chmodSync(temporary, 0o755);
});

afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
  rmSync(temporary, { recursive: true, force: true });
  rmSync(reports, { recursive: true, force: true });
});

function demo(...args: string[]) {
  const report = path.join(reports, 'report.html');
  const child = spawn(process.execPath, [BIN, 'demo', '--out', report, ...args], { env: { ...process.env, TMPDIR: temporary } });
  started.push(child);
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  const ended = once(child, 'close').then(([code, signal]) => ({ code: code as number | null, signal: signal as string | null }));
  const said = (text: string) => vi.waitUntil(() => output.stderr.includes(text), { timeout: 60_000, interval: 20 });
  return { child, output, report, ended, said };
}

/** Processes whose command line names the temporary folder: the server, a rotation, a guard. */
function processes(): string[] {
  const all = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8', maxBuffer: 1 << 24 });
  return all.split('\n').filter((line) => line.includes(`${temporary}/`) && !line.includes(`${reports}/`));
}

function leftovers(): string[] {
  return [...readdirSync(temporary), ...processes()];
}

/** What a careless operator would do: a new password, by the admin's own account, that nobody told the store. */
async function changePassword(account: string): Promise<void> {
  const [folder = ''] = readdirSync(temporary);
  const project = path.join(temporary, folder, 'project');
  const port = Number(/port: (\d+)/.exec(readFileSync(path.join(project, 'keywheel.yaml'), 'utf8'))?.[1]);
  const password = readFileSync(path.join(project, 'admin.password'), 'utf8').trim();
  const admin = new Client({ host: '127.0.0.1', port, database: 'shop', user: 'keywheel_admin', password });
  await admin.connect();
  await admin.query(`ALTER ROLE ${account} PASSWORD 'changed-by-hand'`);
  await admin.end();
}

describe('keywheel demo', () => {
  it('rotates a real database under load without one failed query, killed and resumed, and proves what it retired', async () => {
    const { output, report, ended } = demo('--json', '--seconds', '5');

    const { code } = await ended;

    const context = output.stderr;
    expect(output.stdout.split('\n').filter(Boolean), context).toHaveLength(1);
    const summary = JSON.parse(output.stdout) as Record<string, number>;
    expect(Object.keys(summary)).toEqual(['schemaVersion', 'seconds', 'queries', 'failed', 'rotations', 'resumes', 'refused']);
    expect(summary, context).toMatchObject({ schemaVersion: 1, failed: 0 });
    expect(summary['rotations'], context).toBeGreaterThanOrEqual(4);
    expect(summary['resumes'], context).toBeGreaterThanOrEqual(1);
    expect(summary['refused'], context).toBe(summary['rotations']);
    expect(summary['queries']).toBeGreaterThan(1000);
    expect(code, context).toBe(0);
    // No terminal: plain lines, one for each phase.
    expect(output.stderr).not.toContain('\u001B');
    expect(output.stderr).toMatch(/published: current names it/);
    const page = readFileSync(report, 'utf8');
    expect(page).toContain('None failed.');
    expect(page.match(/28P01 refused at primary/g)).toHaveLength(summary['rotations'] ?? 0);
    expect(leftovers()).toEqual([]);
  });

  it('counts what fails: a password changed behind its back is seen, and the exit code says so', async () => {
    const { output, report, ended, said } = demo('--json', '--seconds', '1');
    await said('rotation 1 starts');

    await changePassword('app_a');
    const { code } = await ended;

    const summary = JSON.parse(output.stdout) as Record<string, number>;
    expect(summary['failed'], output.stderr).toBeGreaterThan(0);
    expect(code).toBe(1);
    expect(readFileSync(report, 'utf8')).toContain('Not as promised:');
    expect(leftovers()).toEqual([]);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('ends at %s with 130, and stops and removes everything', async (signal) => {
    const { child, output, ended, said } = demo();
    await said('rotation 1 starts');
    expect(processes().length).toBeGreaterThan(0);

    child.kill(signal);

    expect(await ended, output.stderr).toEqual({ code: 130, signal: null });
    expect(output.stdout).toBe('');
    await vi.waitUntil(() => leftovers().length === 0, { timeout: 10_000, interval: 50 });
  });

  it('leaves nothing behind even when it is killed itself, in the middle of a rotation', async () => {
    const { child, ended, said } = demo();
    await said('published: current names it');

    child.kill('SIGKILL');
    await ended;

    await vi.waitUntil(() => leftovers().length === 0, { timeout: 15_000, interval: 50 });
    expect(leftovers()).toEqual([]);
  });
});
