/** The scene itself: an application under load, and a wheel that turns under it, killed and resumed and proved. The stage says where. */
import { setTimeout as delay } from 'node:timers/promises';
import { KeywheelError } from '../../../shared/errors.ts';
import type { Phase } from '../../../shared/rotation/index.ts';
import { ACCOUNTS, ENDPOINT, tryLogin, type Application } from './application.ts';
import type { Scope } from './cleanup.ts';
import type { ConsumerPlan } from './consumer.ts';
import type { Database } from './database.ts';
import { SECRET } from './files.ts';
import { findInLog } from './leaks.ts';
import type { Stage } from './platform.ts';
import type { Screen } from './screen.ts';
import { addReport, startTimeline, type Timeline } from './timeline.ts';
import { takeTurn, type TurnPorts, type TurnResult } from './turn.ts';
import { PHASE_TEXT } from './view.ts';
import { lastRotation, watch } from './watch.ts';
import { startWorkers } from './workers.ts';

export interface House {
  readonly database: Database;
  readonly application: Application;
  readonly stage: Stage;
}

/** Times in milliseconds. */
export interface PlayPlan {
  readonly workers: number;
  readonly consumer: ConsumerPlan;
  /** Never fewer rotations than this. */
  readonly least: number;
  /** New rotations are begun until the load has run this long. */
  readonly length: number;
  /** Which turns lose their process, and when; begun again at its end. */
  readonly kills: readonly (Phase | undefined)[];
  readonly warmUp: number;
  readonly between: number;
  /** How long nobody drives a rotation whose process was killed. */
  readonly unattended: number;
}

export interface Played {
  readonly timeline: Timeline;
  /** The material that was in use, to search for. Never kept anywhere but in memory. */
  readonly material: readonly string[];
}

/** What it starts is given back through `scope`, when that is closed. */
export async function play(
  { database, application, stage }: House,
  plan: PlayPlan,
  scope: Pick<Scope, 'signal' | 'onClose'>,
  screen: Pick<Screen, 'line' | 'show'>,
): Promise<Played> {
  const { signal } = scope;
  const { state, store } = stage;
  const timeline = startTimeline({
    accounts: ACCOUNTS,
    serverVersion: application.serverVersion,
    ...(stage.platform === undefined ? {} : { platform: stage.platform }),
    workers: plan.workers,
    startedAt: Date.now(),
  });
  const note: TurnPorts['note'] = (text, tone = 'plain') => {
    timeline.notes.push({ at: Date.now(), text, tone });
    screen.line(text);
  };
  const workers = startWorkers(
    plan.workers,
    { store: stage.consumers.store, secret: SECRET, port: database.port, plan: plan.consumer },
    {
      report: (report) => addReport(timeline, report),
      lost: (code) => timeline.failures.push({ at: Date.now(), code, account: '', during: 'idle' }),
    },
    stage.consumers.env,
  );
  scope.onClose(
    () => workers.stop(),
    () => workers.stopNow(),
  );
  screen.show(timeline);

  const watching = new AbortController();
  const watched = watch(
    { state, store, secret: SECRET, now: Date.now, every: stage.lookEvery * 3 },
    {
      record: (record) => {
        const turn = timeline.turns.at(-1);
        if (turn && !turn.closed && record.startedAt >= turn.startedAt - 5) turn.record = record;
      },
      step: ({ phase }) => screen.line(`  ${phase === 'held' || phase === 'resumed' ? phase : PHASE_TEXT[phase]}`),
      labels: (change) => timeline.labels.push(change),
    },
    watching.signal,
  );
  scope.onClose(() => {
    watching.abort();
    return watched;
  });

  const ports: TurnPorts = {
    start: (args) => stage.start(args),
    async readCurrent() {
      const current = await store.read(SECRET, 'current');
      if (!current) throw new KeywheelError('ERR_SECRET_NOT_FOUND', `no version of ${SECRET} is current`);
      return { version: current.id, username: String(current.value['username']), password: String(current.value['password']) };
    },
    readJournal: () => lastRotation({ state, secret: SECRET }),
    tryLogin: (login) => tryLogin(database.port, login),
    note,
    now: Date.now,
  };
  await delay(plan.warmUp, undefined, { signal });
  const turns = await turnTheWheel(timeline, plan, stage, ports, signal);
  await proveAgain(turns, ports);
  await workers.stop();
  timeline.endedAt = Date.now();
  const material = [
    ...turns.map(({ retired }) => retired.password),
    (await ports.readCurrent()).password,
    application.adminPassword,
  ];
  const logs = (await stage.output()).map(({ text }) => text);
  timeline.leaks = findInLog([...database.log(), ...logs], material);
  watching.abort();
  await watched;
  return { timeline, material };
}

async function turnTheWheel(
  timeline: Timeline,
  plan: PlayPlan,
  { configFile, lookEvery }: Stage,
  ports: TurnPorts,
  signal: AbortSignal,
): Promise<TurnResult[]> {
  const until = timeline.startedAt + plan.length;
  const results: TurnResult[] = [];
  for (let number = 1; number <= plan.least || Date.now() < until; number += 1) {
    const killAt = plan.kills[(number - 1) % plan.kills.length];
    const { unattended } = plan;
    const turn = { number, secret: SECRET, configFile, endpoint: ENDPOINT, unattended, lookEvery, ...(killAt && { killAt }) };
    const result = await takeTurn(timeline, turn, ports, signal);
    results.push(result);
    if (result.trouble !== undefined) {
      ports.note(`rotation ${number} did not close: ${result.trouble}`, 'bad');
      break;
    }
    await delay(plan.between, undefined, { signal });
  }
  return results;
}

/** Every retired password once more, at the very end: a later rotation must not have brought one back. */
async function proveAgain(results: readonly TurnResult[], ports: TurnPorts): Promise<void> {
  for (const { turn, retired } of results) {
    if (turn.refusal?.outcome !== 'refused') continue;
    const again = await ports.tryLogin(retired);
    if (again.outcome !== 'refused') turn.refusal = { ...turn.refusal, ...again };
  }
}
