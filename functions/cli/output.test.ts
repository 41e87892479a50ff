import { describe, expect, it } from 'vitest';
import { KeywheelError, type ErrorCode } from '../../shared/errors.ts';
import { EXIT, exitCodeOf } from '../../shared/reply/index.ts';
import { createOutput, painter, wantsColour, type Output } from './output.ts';

interface Captured {
  readonly out: Output;
  readonly stdout: () => string;
  readonly stderr: () => string;
}

function capture(options: { json?: boolean; env?: Record<string, string> } = {}): Captured {
  const written = { stdout: '', stderr: '' };
  const sink = (name: 'stdout' | 'stderr') => ({ write: (text: string) => void (written[name] += text) });
  const out = createOutput({
    stdout: sink('stdout'),
    stderr: sink('stderr'),
    env: options.env ?? {},
    json: options.json ?? false,
  });
  return { out, stdout: () => written.stdout, stderr: () => written.stderr };
}

describe('exit codes', () => {
  it.each<[ErrorCode, number]>([
    ['ERR_CONFIG_INVALID', 2],
    ['ERR_CONFIG_UNKNOWN_KEY', 2],
    ['ERR_USAGE', 2],
    ['ERR_MISSING_PEER', 2],
    ['ERR_STORE_KEY', 3],
    ['ERR_TARGET_REFUSED', 3],
    ['ERR_TARGET_FORBIDDEN', 3],
    ['ERR_STORE_UNAVAILABLE', 4],
    ['ERR_STATE_UNAVAILABLE', 4],
    ['ERR_TARGET_UNREACHABLE', 4],
    ['ERR_TARGET_TLS', 4],
    ['ERR_TARGET_THROTTLED', 4],
    ['ERR_TIMEOUT', 4],
    ['ERR_FENCE_STALE', 5],
    ['ERR_LEASE_LOST', 5],
    ['ERR_SECRET_NOT_FOUND', 1],
    ['ERR_INTERNAL', 1],
  ])('%s is %i', (code, exit) => {
    expect(exitCodeOf(code)).toBe(exit);
  });

  it('is 1 for codes that are not ours, such as a hold’s', () => {
    expect([exitCodeOf('grants-differ'), exitCodeOf('toString'), exitCodeOf('')]).toEqual([1, 1, 1]);
  });
});

describe('errors', () => {
  const error = new KeywheelError('ERR_STORE_KEY', 'first line\nsecond \u001b[2J', { hint: 'chmod 600 key' });

  it('go to stderr with a prefix on every line, and give the exit code', () => {
    const { out, stdout, stderr } = capture();

    const code = out.fail(error);

    expect(code).toBe(EXIT.permission);
    expect(stderr()).toBe('keywheel: first line\nkeywheel: second \\u001b[2J\nhint: chmod 600 key\n');
    expect(stdout()).toBe('');
  });

  it('go to stdout too with --json', () => {
    const { out, stdout } = capture({ json: true });

    out.fail(error);

    expect(JSON.parse(stdout())).toEqual({
      schemaVersion: 1,
      error: { code: 'ERR_STORE_KEY', message: 'first line\nsecond \u001b[2J', hint: 'chmod 600 key' },
    });
  });

  it.each([{}, { KEYWHEEL_DEBUG: '1' }])('that are unexpected keep their text to themselves (%j)', (env) => {
    const { out, stdout, stderr } = capture({ json: true, env });

    const code = out.fail(new TypeError('canary-material'));

    expect(code).toBe(EXIT.failed);
    expect(JSON.parse(stdout()).error.code).toBe('ERR_INTERNAL');
    expect(stdout() + stderr()).not.toContain('canary-material');
    expect(stderr().includes('output.test.ts')).toBe('KEYWHEEL_DEBUG' in env);
  });
});

describe('colour', () => {
  const terminal = { isTTY: true, write: () => undefined };
  const pipe = { write: () => undefined };

  it.each([
    [terminal, {}, true],
    [pipe, {}, false],
    [terminal, { NO_COLOR: '1' }, false],
    [terminal, { NO_COLOR: '' }, true],
    [terminal, { TERM: 'dumb' }, false],
    [pipe, { FORCE_COLOR: '1' }, true],
    [terminal, { FORCE_COLOR: '0' }, false],
    [terminal, { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
  ])('%j with %j: %s', (sink, env, expected) => {
    expect(wantsColour(sink, env)).toBe(expected);
  });

  it('leaves text alone where it is not wanted', () => {
    expect(painter(pipe, {})('bad', 'x')).toBe('x');
    expect(painter(terminal, {})('bad', 'x')).toBe('\u001b[31mx\u001b[0m');
  });
});
