/**
 * `keywheel demo`: a real PostgreSQL, an application under load, and the production command line turning the wheel: rotated, killed,
 * resumed, proved. Nothing in the engine knows that it is a demo.
 */
import { access, constants, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { KeywheelError } from '../../../shared/errors.ts';
import { createApplication, DATABASE } from './application.ts';
import { guardFolder, openScope, removeFolder, removeFolderNow, type Scope } from './cleanup.ts';
import { HOST, startDatabase } from './database.ts';
import { CACHE_AGE, makeFolder, writeProject } from './files.ts';
import { checkPlatform, openPlatform, type PlatformName, type StageJob } from './platform.ts';
import { openLocalStage } from './platform-local.ts';
import { play, type PlayPlan } from './play.ts';
import { renderReport } from './report/index.ts';
import { openScreen, type Screen } from './screen.ts';
import { renderSummary } from './summary.ts';
import { complaints, LEAST_ROTATIONS, summarize, type Timeline } from './timeline.ts';

export interface DemoOptions {
  /** The summary alone on stdout, as one line of JSON. */
  readonly json: boolean;
  /** Keep turning until the load has run this long. Default 30; never fewer than four rotations. */
  readonly seconds?: number;
  /** Where the HTML report goes. Default ./keywheel-demo.html. */
  readonly out?: string;
  /** Keep the temporary folder, with the database's files, to look at. */
  readonly keep?: boolean;
  /** Rotate under this platform's own host, on its store and state. Default: this machine alone. */
  readonly platform?: PlatformName;
}

const DEFAULT_SECONDS = 30;
const DEFAULT_ROTATIONS = 5;
const LONGEST = 3_600_000;
const INTERRUPTED = 130;

const PLAN: Omit<PlayPlan, 'least' | 'length'> = {
  workers: 3,
  consumer: { maxCacheAge: CACHE_AGE, pool: 4, period: 20, freshEvery: 200 },
  // Before publishing, after it, and at the seams.
  kills: [undefined, 'applied', undefined, 'grace', undefined, 'staged', undefined, 'published'],
  warmUp: 2000,
  between: 800,
  unattended: 700,
};

/** Returns the exit code: 0, 1 when a promise was broken, 130 when interrupted. ERR_MISSING_PEER, ERR_TARGET_FAILED, ERR_USAGE. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const report = path.resolve(options.out ?? 'keywheel-demo.html');
  await checkFolder(path.dirname(report));
  if (options.platform !== undefined) checkPlatform(options.platform);
  const scope = openScope();
  const screen = openScreen(process.stderr, process.env);
  scope.onClose(
    () => Promise.resolve(screen.close()),
    () => screen.close(),
  );
  try {
    const timeline = await perform(options, scope, screen);
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

async function perform(options: DemoOptions, scope: Scope, screen: Screen): Promise<Timeline> {
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
  const job: StageJob = {
    folder: dir,
    first: { engine: 'postgres', host: HOST, port: database.port, dbname: DATABASE, ...application.first },
    write: (sections) => writeProject(dir, database.port, application.adminPassword, sections),
    watch: (pid) => guard.watch(pid),
  };
  const { platform, seconds } = options;
  if (platform !== undefined) {
    screen.line(`starting what stands in for ${platform} on this machine; what is missing is fetched once`);
  }
  const stage = await (platform === undefined ? openLocalStage(job) : openPlatform(platform, job));
  scope.onClose(() => stage.close());
  signal.throwIfAborted();
  if (stage.platform !== undefined) screen.line(`the rotations run on ${stage.platform.title}`);
  const plan = {
    ...PLAN,
    least: seconds === undefined ? DEFAULT_ROTATIONS : LEAST_ROTATIONS,
    length: Math.min((seconds ?? DEFAULT_SECONDS) * 1000, LONGEST),
  };
  return (await play({ database, application, stage }, plan, scope, screen)).timeline;
}
