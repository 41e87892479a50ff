/** Moving `current`: one UpdateSecret with the etag, which changes the aliases and the record of what is behind them together. */
import { isKeywheelError } from '../../errors.ts';
import type { Revision, SecretState, SecretValue } from '../port.ts';
import type { Secret, Version } from './api.ts';
import { encodePayload } from './payload.ts';
import { annotated, type MainRecord, type Published } from './record.ts';
import { drop, missing, RACED, settle, tidy } from './stage.ts';
import {
  added,
  conflict,
  labelsOf,
  live,
  look,
  numberOf,
  refuseMoved,
  stateOf,
  versionIdOf,
  type GcpContext,
  type View,
} from './view.ts';

/** What will be current: a version of the main secret, and what the record shall say of it when it is new there. */
interface Target {
  readonly number: number;
  readonly published?: Published;
}

export async function publish(context: GcpContext, name: string, version: string, expected: Revision): Promise<SecretState> {
  let mine: Version | undefined;
  const view = await settle(context, name, async () => {
    const view = await look(context, name, mine?.number);
    if (view === undefined) throw missing(name);
    if (labelsOf(view).current?.id === version) return view; // also when another rotation is pending by now
    refuseMoved(view, expected);
    const target = await targetOf(
      context,
      view,
      version,
      async (payload) => (mine ??= await context.api.add(view.main.id, payload)),
    );
    const { published } = target;
    const record: MainRecord = {
      ...view.record,
      publishes: view.record.publishes + 1,
      published: [...view.record.published, ...(published === undefined ? [] : [published])],
    };
    const moved = await move(context, view, view.main, target.number, record);
    return moved ?? RACED;
  }).catch(async (error: unknown) => {
    // After a refusal nothing names what was added. After a lost response `current` may, and the next try finds it.
    if (isKeywheelError(error, 'ERR_STORE_CONFLICT')) await drop(context, context.names.idOf(name), mine);
    throw error;
  });
  // What is published is published, whatever becomes of its copy: `stage` and `discard` sweep too, and do tell.
  await tidy(context, view).catch(() => undefined);
  return stateOf(view);
}

/** Finds the version among those of the main secret, or puts it there: at most once, also over a crash. */
async function targetOf(
  context: GcpContext,
  view: View,
  version: string,
  add: (payload: Buffer) => Promise<Version>,
): Promise<Target> {
  const { api } = context;
  const gone = () => conflict(view.name, `version ${version} is not in the store any more`, 'start a new rotation');
  const staged = live(view).find((each) => versionIdOf(each.rotation) === version);
  if (staged === undefined) {
    const number = numberOf(view, version);
    const found = number === undefined ? undefined : await api.version(view.main.id, number);
    if (found === undefined || found.state === 'DESTROYED') throw gone();
    if (found.state === 'ENABLED') return { number: found.number };
    throw conflict(
      view.name,
      `version ${version} is disabled`,
      `enable it: gcloud secrets versions enable ${found.number} --secret=${view.main.id}`,
    );
  }
  const [before] = await added(context, view, staged);
  let number = before;
  if (number === undefined) {
    const payload = await api.access(view.companion?.id ?? '', staged.number);
    if (typeof payload === 'string') throw gone();
    number = (await add(payload)).number;
  }
  return { number, published: { rotation: staged.rotation, number, createdAt: staged.createdAt } };
}

/** The compare-and-set. Undefined when the secret was changed since it was read. */
async function move(
  context: GcpContext,
  view: Pick<View, 'name' | 'current'>,
  main: Secret,
  current: number,
  record: MainRecord,
): Promise<View | undefined> {
  const { previous: _, ...others } = main.aliases;
  const aliases = { ...others, ...(view.current === undefined ? {} : { previous: view.current }), current };
  const moved = await context.api.update(main, { aliases, annotations: annotated(main, record) });
  return moved === undefined ? undefined : look(context, view.name, undefined, moved);
}

export async function put(
  context: GcpContext,
  name: string,
  value: SecretValue,
  expected: Revision | null | undefined,
): Promise<SecretState> {
  const { api, names } = context;
  const payload = encodePayload(name, value);
  let mine: Version | undefined;
  try {
    const view = await settle(context, name, async () => {
      const view = await look(context, name, mine?.number);
      // A secret without a version, as Terraform makes them with their grants, is as good as new.
      if (expected === null && view?.current !== undefined) {
        throw conflict(name, 'it exists already', 'choose another name, or replace the value that is there');
      }
      if (typeof expected === 'string') {
        if (view === undefined) throw conflict(name, 'there is no such secret any more', 'look again and repeat the change');
        refuseMoved(view, expected);
      }
      const main = view?.main ?? (await api.create(names.idOf(name), undefined));
      if (main === undefined) return RACED;
      mine ??= await api.add(main.id, payload);
      const { publishes = 0, puts = 0, published = [] } = view?.record ?? {};
      const moved = await move(context, view ?? { name, current: undefined }, main, mine.number, {
        publishes,
        puts: puts + 1,
        published,
      });
      return moved ?? RACED;
    });
    mine = undefined;
    return stateOf(view);
  } catch (error) {
    if (isKeywheelError(error, 'ERR_STORE_CONFLICT')) await drop(context, names.idOf(name), mine);
    throw error;
  }
}
