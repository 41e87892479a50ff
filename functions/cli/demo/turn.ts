/** One turn of the wheel: rotate by a real process, perhaps kill it half way and resume it, then try what it retired. */
import { setTimeout as delay } from 'node:timers/promises';
import { PHASES, type Phase, type RotationRecord } from '../../../shared/rotation/index.ts';
import type { LoginResult } from './application.ts';
import type { Ended, Run } from './cli.ts';
import type { Timeline, Turn } from './timeline.ts';

const RESUME_ATTEMPTS = 6;

export interface TurnPorts {
  start(args: readonly string[]): Run;
  readCurrent(): Promise<{ version: string; username: string; password: string }>;
  readJournal(): Promise<RotationRecord | undefined>;
  /** A raw login, not the engine's. */
  tryLogin(login: { username: string; password: string }): Promise<LoginResult>;
  note(text: string, tone?: 'plain' | 'good' | 'bad'): void;
  now(): number;
}

export interface TurnPlan {
  readonly number: number;
  readonly secret: string;
  readonly configFile: string;
  readonly endpoint: string;
  /** Milliseconds that nobody drives the rotation after its process was killed. */
  readonly unattended: number;
  /** Milliseconds between two looks at the journal, while it is decided whether to kill. */
  readonly lookEvery: number;
  /** Kill the process when the journal has reached this phase. */
  readonly killAt?: Phase;
}

export interface TurnResult {
  readonly turn: Turn;
  /** The value that was retired. Never kept anywhere but in memory. */
  readonly retired: { readonly username: string; readonly password: string };
  /** Why it did not close, from the process's own words. */
  readonly trouble?: string;
}

export async function takeTurn(timeline: Timeline, plan: TurnPlan, ports: TurnPorts, signal: AbortSignal): Promise<TurnResult> {
  const before = await ports.readCurrent();
  const lastId = (await ports.readJournal())?.rotationId;
  const retired = { username: before.username, password: before.password };
  const turn: Turn = {
    number: plan.number,
    startedAt: ports.now(),
    old: { version: before.version, account: before.username },
    closed: false,
  };
  timeline.turns.push(turn);
  const read = async (): Promise<RotationRecord | undefined> => {
    const record = await ports.readJournal().catch(() => undefined);
    if (record && record.rotationId !== lastId) turn.record = record;
    return turn.record;
  };
  const run = (...flags: string[]): Run =>
    ports.start([
      'rotate',
      plan.secret,
      ...flags,
      '--wait',
      '--config',
      plan.configFile,
      '--reason',
      `demo rotation ${plan.number}`,
    ]);

  ports.note(`rotation ${plan.number} starts: ${before.username} is current`);
  const { killAt } = plan;
  const look = async (): Promise<boolean> => {
    if (killAt === undefined || !reaches(await read(), killAt)) return false;
    turn.kill = { at: ports.now(), phase: turn.record?.phase ?? killAt };
    return true;
  };
  let ended = await attended(run(), signal, { every: plan.lookEvery, look });
  await read();
  // It may have finished between the look and the signal: then nothing was killed.
  if (turn.kill && ended.signal !== 'SIGKILL') delete turn.kill;
  if (turn.kill) {
    turn.kill = { at: turn.kill.at, phase: turn.record?.phase ?? turn.kill.phase };
    ports.note(`rotation ${plan.number}: its process was killed by SIGKILL, phase ${turn.kill.phase}`, 'bad');
    await delay(plan.unattended, undefined, { signal });
  }
  for (let attempt = 1; (await read())?.phase !== 'closed' && attempt <= RESUME_ATTEMPTS && ended.code !== 2; attempt += 1) {
    if (attempt > 1) await delay(500, undefined, { signal });
    if (turn.kill && turn.resumedAt === undefined) {
      turn.resumedAt = ports.now();
      ports.note(`rotation ${plan.number}: resumed by a new process`, 'good');
    }
    ended = await attended(run('--resume'), signal);
  }
  turn.closed = turn.record?.phase === 'closed' && turn.record.outcome === 'rotated';
  turn.endedAt = ports.now();
  if (!turn.closed) return { turn, retired, trouble: whyNot(turn.record, ended) };
  turn.refusal = { ...(await ports.tryLogin(retired)), endpoint: plan.endpoint };
  const refused = turn.refusal.outcome === 'refused';
  ports.note(
    `rotation ${plan.number} closed; the old password of ${before.username} is ${refused ? 'refused' : turn.refusal.outcome} (${turn.refusal.code})`,
    refused ? 'good' : 'bad',
  );
  return { turn, retired };
}

interface Looking {
  /** Milliseconds. */
  readonly every: number;
  /** Says when to kill it. */
  readonly look: () => Promise<boolean>;
}

/** Waits for a process while looking at it. An interruption takes it along. */
async function attended(run: Run, signal: AbortSignal, looking?: Looking): Promise<Ended> {
  const over = new AbortController();
  const stop = (): void => run.kill('SIGKILL');
  signal.addEventListener('abort', stop, { once: true });
  const done = run.done.finally(() => over.abort());
  try {
    if (looking) {
      while (!over.signal.aborted && !signal.aborted) {
        if (await looking.look()) {
          run.kill('SIGKILL');
          break;
        }
        await delay(looking.every);
      }
    }
    const ended = await done;
    signal.throwIfAborted();
    return ended;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function reaches(record: RotationRecord | undefined, phase: Phase): boolean {
  return record !== undefined && record.phase !== 'closed' && PHASES.indexOf(record.phase) >= PHASES.indexOf(phase);
}

function whyNot(record: RotationRecord | undefined, ended: Ended): string {
  const stands = record?.hold?.message ?? record?.failure?.message;
  if (stands !== undefined) return stands;
  const said = ended.said.split('\n').findLast((line) => line.trim() !== '');
  return said ?? `the rotate command ended with ${ended.signal ?? `code ${ended.code}`}`;
}
