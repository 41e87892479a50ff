/** Drives the rotations of one secret by real processes that are killed at random moments and resumed by others. */
import { setTimeout as delay } from 'node:timers/promises';
import { journalKey, PHASES, type RotationRecord, type SecretJournal } from '../../../shared/rotation/index.ts';
import type { State } from '../../../shared/state/index.ts';
import type { Chance } from './chance.ts';
import type { Ended } from './process.ts';
import type { Room } from './room.ts';

/** What a kill landed on: the last phase that the journal had complete, or no open rotation. */
export type Moment = RotationRecord['phase'] | 'none open';

export interface Tally {
  kills: number;
  readonly byMoment: Map<Moment, number>;
  /** Rotations that were open when their process was killed, with how often. */
  readonly killed: Map<string, number>;
  processes: number;
  /** Processes that ran beside another one for the same secret. */
  rivals: number;
  /** What processes that were not killed ended with, when it was not 0: code and last words. */
  readonly troubles: Map<string, number>;
}

export const newTally = (): Tally => ({
  kills: 0,
  byMoment: new Map(),
  killed: new Map(),
  processes: 0,
  rivals: 0,
  troubles: new Map(),
});

const count = <K>(map: Map<K, number>, key: K): void => void map.set(key, (map.get(key) ?? 0) + 1);

/** Until a rotation closes, its processes are started again at most this often. */
const MOST_PROCESSES = 25;
/** Once the journal is about to say a phase, the kill follows within this many milliseconds. */
const AFTER_PHASE = 20;

export interface Storm {
  readonly room: Room;
  readonly secret: string;
  readonly state: State;
  readonly chance: Chance;
  readonly tally: Tally;
}

/** Begins a rotation with a process that is killed, and goes on with others, some killed too, until no rotation is open. */
export async function stormOnce(storm: Storm, span: { begin: number; resume: number }): Promise<void> {
  const { secret, chance } = storm;
  const wait = ['--wait'];
  await strike(
    storm,
    ['rotate', secret, ...wait],
    planKill(chance, span.begin),
    (took) => (span.begin = smooth(span.begin, took)),
  );
  for (let processes = 0; (await openRotation(storm)) !== undefined; processes += 1) {
    if (processes === MOST_PROCESSES)
      throw new Error(`the rotation of ${secret} does not converge: ${JSON.stringify([...storm.tally.troubles])}`);
    const again = processes < 4 && chance.next() < 0.4;
    // With the name alone it is delivered again; what is open is gone on with and nothing else is begun.
    const args = ['rotate', secret, ...(chance.next() < 0.7 ? ['--resume'] : []), ...wait];
    const rival = chance.next() < 0.15 ? rivalOf(storm) : undefined;
    await strike(
      storm,
      args,
      again ? planKill(chance, span.resume) : undefined,
      (took) => (span.resume = smooth(span.resume, took)),
    );
    await rival;
  }
}

const smooth = (before: number, took: number): number => before * 0.7 + took * 0.3;

interface Kill {
  /** What it follows: the start of the process, its first word, or a phase. */
  readonly after: 'start' | 'word' | RotationRecord['phase'];
  readonly ms: number;
}

/**
 * Half of the kills fall anywhere in the work of a whole run, and a few in its start-up. Phases that pass in a few milliseconds would hardly be hit
 * so: the rest follow one.
 */
function planKill(chance: Chance, span: number): Kill {
  const kind = chance.next();
  if (kind < 0.1) return { after: 'start', ms: chance.between(0, span) };
  if (kind < 0.5) return { after: 'word', ms: chance.between(0, span) };
  return { after: chance.pick(PHASES), ms: chance.between(0, AFTER_PHASE) };
}

async function strike(
  storm: Storm,
  args: readonly string[],
  kill: Kill | undefined,
  finished: (took: number) => void,
): Promise<void> {
  const { room, tally, secret } = storm;
  tally.processes += 1;
  let firstWordAt: number | undefined;
  let armed = kill === undefined;
  const running = room.start(args, {
    onStderr: (text) => {
      firstWordAt ??= performance.now();
      if (armed || kill === undefined) return;
      if (kill.after !== 'word' && !text.includes(`keywheel: ${secret}: ${kill.after}\n`)) return;
      armed = true;
      void delay(kill.ms).then(() => running.kill());
    },
  });
  if (kill?.after === 'start') {
    armed = true;
    void delay(kill.ms).then(() => running.kill());
  }
  const ended = await running.ended;
  if (ended.signal !== 'SIGKILL') {
    if (ended.code === 0) finished(performance.now() - (firstWordAt ?? performance.now()));
    else note(tally, ended);
    return;
  }
  const open = await openRotation(storm);
  tally.kills += 1;
  count(tally.byMoment, open?.phase ?? (ended.stderr.includes(`${secret}: closed`) ? 'closed' : 'none open'));
  if (open !== undefined) count(tally.killed, open.rotationId);
}

/** A second worker at the same time: the lease lets one act, the fence stops whoever is late. */
async function rivalOf(storm: Storm): Promise<void> {
  storm.tally.rivals += 1;
  storm.tally.processes += 1;
  const ended = await storm.room.run(['rotate', storm.secret, '--resume', '--wait']);
  if (ended.code !== 0) note(storm.tally, ended);
}

function note(tally: Tally, { code, signal, stderr }: Ended): void {
  const said = stderr.split('\n').findLast((line) => line.startsWith('keywheel: ')) ?? stderr.trim();
  count(tally.troubles, `${code ?? signal}: ${said.replace(/r-[0-9a-z]{20}/g, 'r-…')}`);
}

async function openRotation({ state, secret }: Storm): Promise<RotationRecord | undefined> {
  const rotation = (await state.get<SecretJournal>(journalKey(secret)))?.value.rotation;
  return rotation === undefined || rotation.phase === 'closed' ? undefined : rotation;
}
