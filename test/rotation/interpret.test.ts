import { describe, expect, it } from 'vitest';
import { KeywheelError } from '../../shared/errors.ts';
import { interpret, Interrupted, type Engine, type EnginePorts } from '../../shared/rotation/index.ts';
import { call } from '../../shared/rotation/ops.ts';

const ports = (change: Record<string, unknown> = {}): EnginePorts =>
  ({
    clock: { now: () => 42 },
    state: { installation: async () => 'here', release: async () => {}, ...change },
  }) as unknown as EnginePorts;

const lease = { key: 'lease/app', holder: 'w1', fence: 1, expiresAt: 0 };

function* asks(): Engine<string> {
  const at = yield* call('clock', 'now');
  const where = yield* call('state', 'installation');
  return `${where} at ${at}`;
}

describe('interpret', () => {
  it('gives the engine each result, of plain calls and of promises, and tells of each call first', async () => {
    const calls: string[] = [];
    const result = await interpret(asks(), ports(), { timeout: 1000, onCall: (op) => calls.push(`${op.port}.${op.method}`) });
    expect(result).toBe('here at 42');
    expect(calls).toEqual(['clock.now', 'state.installation']);
  });

  it('gives the engine each error, where it may be caught', async () => {
    function* careful(): Engine<string> {
      try {
        return yield* asks();
      } catch (error) {
        return (error as Error).message;
      }
    }
    const broken = ports({ installation: () => Promise.reject(new Error('no')) });
    expect(await interpret(careful(), broken, { timeout: 1000 })).toBe('no');
    await expect(interpret(asks(), broken, { timeout: 1000 })).rejects.toThrow('no');
  });

  it('calls that take too long are ERR_TIMEOUT, which may be tried again', async () => {
    const hangs = ports({ installation: () => new Promise(() => {}) });
    const error: unknown = await interpret(asks(), hangs, { timeout: 20 }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(KeywheelError);
    expect(error).toMatchObject({
      code: 'ERR_TIMEOUT',
      message: 'state did not answer installation within 0.02 s',
      retryable: true,
      hint: 'whether it took effect is unknown; it is found out before anything else is done',
    });
  });

  it('a call that no port has is our own mistake', async () => {
    const engine = (function* (): Engine<void> {
      yield { port: 'state', method: 'nothing', args: [] };
    })();
    await expect(interpret(engine, ports(), { timeout: 20 })).rejects.toMatchObject({
      code: 'ERR_INTERNAL',
      message: 'no such call: state.nothing',
    });
  });

  it('makes no further call once it is interrupted, but what the engine does to leave', async () => {
    // Prepare
    const stop = new AbortController();
    const made: string[] = [];
    function* leaves(): Engine<string> {
      try {
        yield* call('state', 'installation');
        stop.abort();
        yield* call('clock', 'now');
        return yield* asks();
      } finally {
        yield* call('state', 'release', lease);
      }
    }
    const recording = ports({
      installation: async () => void made.push('installation'),
      release: async () => {
        made.push('release');
        throw new Error('the lease runs out by itself');
      },
    });
    // Act, assess: an error in leaving is the engine's to catch, and this one does not.
    await expect(interpret(leaves(), recording, { timeout: 1000, signal: stop.signal })).rejects.toThrow(
      'the lease runs out by itself',
    );
    expect(made).toEqual(['installation', 'release']);
  });

  it('an engine that leaves quietly ends as interrupted', async () => {
    const stop = AbortSignal.abort();
    await expect(interpret(asks(), ports(), { timeout: 1000, signal: stop })).rejects.toBeInstanceOf(Interrupted);
  });
});
