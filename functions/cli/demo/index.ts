/**
 * `keywheel demo`: a real PostgreSQL, an application under load, and the production command line turning the wheel: rotated, killed,
 * resumed, proved. Nothing in the engine knows that it is a demo.
 */
import { access, constants, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openGate, systemClock } from '../../../shared/deps.ts';
import { KeywheelError } from '../../../shared/errors.ts';
import type { Phase } from '../../../shared/rotation/index.ts';
import { openState } from '../../../shared/state/index.ts';
import { openStore, supportsPut } from '../../../shared/stores/index.ts';
import { ACCOUNTS, createApplication, DATABASE, ENDPOINT, tryLogin } from './application.ts';
import { guardFolder, openScope, removeFolder, removeFolderNow, type Scope } from './cleanup.ts';
import { keywheel } from './cli.ts';
import { HOST, startDatabase } from './database.ts';
import { CACHE_AGE, makeFolder, SECRET, systemRandom, writeProject } from './files.ts';
import { findInLog } from './leaks.ts';
import { renderReport } from './report/index.ts';
import { openScreen, type Screen } from './screen.ts';
import { renderSummary } from './summary.ts';
import { addReport, complaints, LEAST_ROTATIONS, startTimeline, summarize, type Timeline } from './timeline.ts';
import { takeTurn, type TurnPorts, type TurnResult } from './turn.ts';
import { PHASE_TEXT } from './view.ts';
import { watch, lastRotation } from './watch.ts';
import { startWorkers } from './workers.ts';

export interface DemoOptions {
  /** The summary alone on stdout, as one line of JSON. */
  readonly json: boolean;
  /** Keep turning until the load has run this long. Default 30; never fewer than four rotations. */
  readonly seconds?: number;
  /** Where the HTML report goes. Default ./keywheel-demo.html. */
  readonly out?: string;
  /** Keep the temporary folder, with the database's files, to look at. */
  readonly keep?: boolean;
}

const DEFAULT_SECONDS = 30;
const DEFAULT_ROTATIONS = 5;
const LONGEST = 3_600_000;
const WORKERS = 3;
const WARM_UP = 2000;
const BETWEEN = 800;
const UNATTENDED = 700;
const INTERRUPTED = 130;
/** Which turns lose their process, and when: before publishing, after it, and at the seams. */
const KILLS: readonly (Phase | undefined)[] = [
  undefined,
  'applied',
  undefined,
  'grace',
  undefined,
  'staged',
  undefined,
  'published',
];

/** Returns the exit code: 0, 1 when a promise was broken, 130 when interrupted. ERR_MISSING_PEER, ERR_TARGET_FAILED, ERR_USAGE. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const report = path.resolve(options.out ?? 'keywheel-demo.html');
  await checkFolder(path.dirname(report));
  const scope = openScope();
  const screen = openScreen(process.stderr, process.env);
  scope.onClose(
    () => Promise.resolve(screen.close()),
    () => screen.close(),
  );
  try {
    const timeline = await play(options, scope, screen);
    screen.close();
    await writeFile(report, renderReport(timeline));
    const text = options.json ? JSON.stringify(summarize(timeline)) : renderSummary(timeline, report);
    process.stdout.write(`${text}\n`);
    return complaints(timeline).length === 0 ? 0 : 1;
  } catch (error) {
    if (!scope.signal.aborted) throw error;
    return INTERRUPTED;
  } finally {
    await scope.close();
  }
}

/** Said before half a minute of work, not after it. */
async function checkFolder(folder: string): Promise<void> {
  try {
    await access(folder, constants.W_OK);
  } catch (cause) {
    throw new KeywheelError('ERR_USAGE', `the report cannot be written, ${folder} is not a folder that can be written to`, {
      hint: 'keywheel demo --out FILE',
      cause,
    });
  }
}

async function play(options: DemoOptions, scope: Scope, screen: Screen): Promise<Timeline> {
  const { signal } = scope;
  const dir = await makeFolder();
  const keep = options.keep === true;
  const guard = guardFolder(dir, keep);
  if (keep) screen.line(`the temporary folder ${dir} is kept`);
  else
    scope.onClose(
      () => removeFolder(dir),
      () => removeFolderNow(dir),
    );

  screen.line('starting PostgreSQL');
  const database = await startDatabase(dir);
  scope.onClose(
    () => database.stop(),
    () => database.stopNow(),
  );
  signal.throwIfAborted();
  const application = await createApplication(database);
  const project = await writeProject(dir, database.port, application.adminPassword);

  const deps = { clock: systemClock, random: systemRandom, gate: openGate() };
  const store = await openStore(project.store, deps);
  if (!supportsPut(store)) throw new KeywheelError('ERR_INTERNAL', 'the local store cannot take a first value');
  await store.put(SECRET, { engine: 'postgres', host: HOST, port: database.port, dbname: DATABASE, ...application.first }, null);
  const state = await openState(project.state, deps);
  scope.onClose(() => state.close());

  const timeline = startTimeline({
    accounts: ACCOUNTS,
    serverVersion: application.serverVersion,
    workers: WORKERS,
    startedAt: Date.now(),
  });
  const note: TurnPorts['note'] = (text, tone = 'plain') => {
    timeline.notes.push({ at: Date.now(), text, tone });
    screen.line(text);
  };
  const plan = { maxCacheAge: CACHE_AGE, pool: 4, period: 20, freshEvery: 200 };
  const workers = startWorkers(
    WORKERS,
    { store: project.store, secret: SECRET, port: database.port, plan },
    {
      report: (report) => addReport(timeline, report),
      lost: (code) => timeline.failures.push({ at: Date.now(), code, account: '', during: 'idle' }),
    },
  );
  scope.onClose(
    () => workers.stop(),
    () => workers.stopNow(),
  );
  screen.show(timeline);

  const watching = new AbortController();
  const watched = watch(
    { state, store, secret: SECRET, now: Date.now },
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
    start: (args) => keywheel(args, (pid) => guard.watch(pid)),
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
  await delay(WARM_UP, undefined, { signal });
  const turns = await turnTheWheel(timeline, project.configFile, options.seconds, ports, signal);
  await proveAgain(turns, ports);
  await workers.stop();
  timeline.endedAt = Date.now();
  const secrets = [
    ...turns.map(({ retired }) => retired.password),
    (await ports.readCurrent()).password,
    application.adminPassword,
  ];
  timeline.leaks = findInLog(database.log(), secrets);
  watching.abort();
  await watched;
  return timeline;
}

async function turnTheWheel(
  timeline: Timeline,
  configFile: string,
  wanted: number | undefined,
  ports: TurnPorts,
  signal: AbortSignal,
): Promise<TurnResult[]> {
  const least = wanted === undefined ? DEFAULT_ROTATIONS : LEAST_ROTATIONS;
  const until = timeline.startedAt + Math.min((wanted ?? DEFAULT_SECONDS) * 1000, LONGEST);
  const results: TurnResult[] = [];
  for (let number = 1; number <= least || Date.now() < until; number += 1) {
    const killAt = KILLS[(number - 1) % KILLS.length];
    const plan = { number, secret: SECRET, configFile, endpoint: ENDPOINT, unattended: UNATTENDED, ...(killAt && { killAt }) };
    const result = await takeTurn(timeline, plan, ports, signal);
    results.push(result);
    if (result.trouble !== undefined) {
      ports.note(`rotation ${number} did not close: ${result.trouble}`, 'bad');
      break;
    }
    await delay(BETWEEN, undefined, { signal });
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
