import { describe, expect, it } from 'vitest';
import { PHASES, type Phase, type RotationRecord } from '../../../shared/rotation/index.ts';
import type { Ended } from './cli.ts';
import { sampleTimeline, START } from './timeline.fixture.ts';
import { startTimeline } from './timeline.ts';
import { takeTurn, type TurnPorts } from './turn.ts';

const OK: Ended = { code: 0, signal: null, said: '' };
const KILLED: Ended = { code: null, signal: 'SIGKILL', said: '' };

/** A rotate command that moves its journal one phase at each look, and dies when it is killed. */
function fakePorts(login: 'refused' | 'accepted' = 'refused', trouble?: Ended) {
  const template = sampleTimeline(1).turns[0]?.record;
  const commands: string[][] = [];
  let phase = -1;
  let running: ((ended: Ended) => void) | undefined;
  const record = (): RotationRecord | undefined =>
    template && phase >= 0 ? { ...template, rotationId: 'new', phase: PHASES[phase] ?? 'closed' } : undefined;
  const ports: TurnPorts = {
    start(args) {
      commands.push([...args]);
      const done = new Promise<Ended>((resolve) => (running = resolve));
      if (trouble) running?.(trouble);
      else if (args.includes('--resume')) {
        phase = PHASES.length - 1;
        running?.(OK);
      }
      return {
        done,
        kill: (signal) => {
          running?.({ ...KILLED, signal });
          running = undefined;
        },
      };
    },
    readCurrent: () => Promise.resolve({ version: 'v1', username: 'app_a', password: 'old-password' }),
    readJournal: () => {
      if (running && !trouble && phase < PHASES.length - 1) phase += 1;
      if (phase === PHASES.length - 1) running?.(OK);
      return Promise.resolve(record());
    },
    tryLogin: () => Promise.resolve({ outcome: login, code: login === 'refused' ? '28P01' : '00000' }),
    note: () => undefined,
    now: Date.now,
  };
  return { ports, commands };
}

const timeline = () => startTimeline({ accounts: ['app_a', 'app_b'], serverVersion: '18.4', workers: 3, startedAt: START });
const plan = (killAt?: Phase) => ({
  number: 1,
  secret: 's',
  configFile: 'k.yaml',
  endpoint: 'primary',
  unattended: 1,
  lookEvery: 4,
  ...(killAt && { killAt }),
});
const never = new AbortController().signal;

describe('a turn', () => {
  it.each(['applied', 'grace'] as const)('kills at %s, resumes once, and tries the old password', async (phase) => {
    const { ports, commands } = fakePorts();

    const { turn, retired } = await takeTurn(timeline(), plan(phase), ports, never);

    expect(turn.closed).toBe(true);
    expect(turn.kill?.phase).toBe(phase);
    expect(turn.resumedAt).toBeGreaterThanOrEqual(turn.kill?.at ?? Infinity);
    expect(turn.refusal).toEqual({ outcome: 'refused', code: '28P01', endpoint: 'primary' });
    expect(retired).toEqual({ username: 'app_a', password: 'old-password' });
    expect(commands.map((args) => args.includes('--resume'))).toEqual([false, true]);
  });

  it('puts no password on a command line', async () => {
    const { ports, commands } = fakePorts();

    await takeTurn(timeline(), plan('applied'), ports, never);

    expect(commands.flat().join(' ')).not.toContain('old-password');
  });

  it('says so when the old password still logs in', async () => {
    const { ports } = fakePorts('accepted');

    const { turn } = await takeTurn(timeline(), plan('applied'), ports, never);

    expect(turn.refusal?.outcome).toBe('accepted');
  });

  it('gives the command’s own last words when a rotation does not close, and does not repeat a usage error', async () => {
    const { ports, commands } = fakePorts('refused', {
      code: 2,
      signal: null,
      said: 'keywheel: unknown key "sotre"\nhint: did you mean store',
    });

    const { turn, trouble } = await takeTurn(timeline(), plan(), ports, never);

    expect(turn.closed).toBe(false);
    expect(trouble).toBe('hint: did you mean store');
    expect(commands).toHaveLength(1);
  });

  it('takes the process along when it is interrupted', async () => {
    const { ports } = fakePorts();
    const interruption = new AbortController();
    const asked: string[] = [];
    const hanging: TurnPorts = {
      ...ports,
      readJournal: () => Promise.resolve(undefined),
      start: () => {
        let end: (ended: Ended) => void = () => undefined;
        const done = new Promise<Ended>((resolve) => (end = resolve));
        return { done, kill: (signal) => (asked.push(signal), end({ ...KILLED, signal })) };
      },
    };

    const turn = takeTurn(timeline(), plan(), hanging, interruption.signal);
    setImmediate(() => interruption.abort());

    await expect(turn).rejects.toMatchObject({ name: 'AbortError' });
    expect(asked).toEqual(['SIGKILL']);
  });
});
