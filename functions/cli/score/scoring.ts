/** The pipeline of one run: in memory, or over a state folder that the next run goes on from. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { KeywheelError } from '../../../shared/errors.ts';
import type { Pipeline } from '../../../shared/audit/index.ts';
import type { ScoreOptions } from './run.ts';

export interface Scoring {
  readonly pipeline: Pipeline;
  close(): Promise<void>;
}

export async function openScoring({ audit, stateFolder }: ScoreOptions): Promise<Scoring> {
  const { createPipeline, openMemoryProfiles, openStateProfiles, settingsOf, systemScorer } =
    await import('../../../shared/audit/index.ts');
  const settings = settingsOf(audit);
  const scorer = systemScorer();
  if (stateFolder === undefined) {
    const pipeline = createPipeline({ settings, scorer, profiles: openMemoryProfiles });
    return { pipeline, close: () => pipeline.close() };
  }
  const [{ openState }, { systemDeps }] = await Promise.all([
    import('../../../shared/state/index.ts'),
    import('../../../shared/engine/index.ts'),
  ]);
  await makeFolder(stateFolder);
  const state = await openState({ kind: 'sqlite', path: path.join(path.resolve(stateFolder), 'audit.db') }, systemDeps);
  const pipeline = createPipeline({
    settings,
    scorer,
    profiles: (slots) => openStateProfiles(state, { tenant: settings.tenant, slots, cache: 20_000 }),
  });
  return {
    pipeline,
    async close() {
      try {
        await pipeline.close();
      } finally {
        await state.close();
      }
    },
  };
}

/** Its parent must be there: a mistyped path is told of, and Node's recursive mkdir never ends where the system refuses every folder, as in /proc. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    const why = code === 'ENOENT' ? 'the folder that it is to be in does not exist' : `it could not be made (${code})`;
    throw new KeywheelError('ERR_USAGE', `${folder} cannot keep the state, because ${why}`, {
      hint: 'name a folder of yours with --state',
    });
  }
}
