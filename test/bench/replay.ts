/**
 * The bare calls of a recorded rotation, one after the other, on a twin of its secret and accounts: what a script would do that knows
 * in advance that everything goes well. No engine, no lease, no decision, no look whether a connection still lives.
 */
import pg from 'pg';
import type { State } from '../../shared/state/index.ts';
import type { SecretStore } from '../../shared/stores/index.ts';
import type { Recorded } from './recording.ts';

export interface Twin {
  readonly server: { readonly host: string; readonly port: number; readonly database: string };
  readonly store: SecretStore;
  readonly state: State;
  readonly secret: string;
  /** What stands in a recorded call for the original, and what takes its place. */
  readonly names: readonly (readonly [original: string, twin: string])[];
}

/** What a connection needs for itself is not part of a rotation: whether it still lives, and its session's settings. */
export function isNeeded(call: Recorded): boolean {
  return call.do !== 'query' || !(call.text === 'SELECT 1' || call.text.startsWith('SET search_path'));
}

/** Milliseconds from the first call to the end of the last. Connections that the recording left open are closed after that. */
export async function replay(calls: readonly Recorded[], twin: Twin): Promise<number> {
  const steps = calls.filter(isNeeded).map((call) => renamed(call, twin.names));
  const clients = new Map<number, pg.Client>();
  let revision = '';
  const from = performance.now();
  for (const step of steps) {
    switch (step.do) {
      case 'login': {
        const client = await login(step, twin.server);
        if (client !== undefined) clients.set(step.connection, client);
        break;
      }
      case 'query':
        await clients.get(step.connection)?.query(step.text, [...step.values]);
        break;
      case 'logout':
        await clients.get(step.connection)?.end();
        clients.delete(step.connection);
        break;
      case 'describe':
        revision = (await twin.store.describe(twin.secret))?.revision ?? '';
        break;
      case 'read':
        await twin.store.read(twin.secret, step.at);
        break;
      case 'stage':
        await twin.store.stage(twin.secret, step.value, step.rotationId);
        break;
      case 'publish':
        await twin.store.publish(twin.secret, step.version, revision);
        break;
      case 'journal':
        await journal(step, twin.state);
        break;
    }
  }
  const ms = performance.now() - from;
  for (const client of clients.values()) await client.end();
  return ms;
}

async function login(step: Extract<Recorded, { do: 'login' }>, server: Twin['server']): Promise<pg.Client | undefined> {
  const client = new pg.Client({ ...server, user: step.username, password: step.password, ssl: false, keepAlive: true });
  client.on('error', () => {});
  let accepted = true;
  try {
    await client.connect();
  } catch {
    accepted = false;
  }
  if (accepted !== step.accepted)
    throw new Error(`the replayed login of ${step.username} went another way than the recorded one`);
  return accepted ? client : undefined;
}

/** One durable write for each that the journal made. The revisions are the twin's own, so they are not compared. */
const revisions = new WeakMap<State, Map<string, string>>();
async function journal({ writes }: Extract<Recorded, { do: 'journal' }>, state: State): Promise<void> {
  const known = revisions.get(state) ?? new Map<string, string>();
  revisions.set(state, known);
  const written = await state.transact(writes.map((write) => ({ ...write, expected: known.get(write.key) ?? null })));
  writes.forEach((write, index) => known.set(write.key, written[index] ?? ''));
}

/** Every text in the call with the twin's names in place of the original's. */
function renamed<T>(value: T, names: Twin['names']): T {
  if (typeof value === 'string') return names.reduce((text, [from, to]) => text.replaceAll(from, to), value as string) as T;
  if (Array.isArray(value)) return value.map((each: unknown) => renamed(each, names)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, renamed<unknown>(each, names)])) as T;
}
