/** A process of its own over a store or state file, for tests of concurrency, kills and full disks: `storage.ts TASK DIRECTORY ARGUMENT`. */
import path from 'node:path';
import { openGate, systemClock } from '../../../shared/deps.ts';
import { isKeywheelError } from '../../../shared/errors.ts';
import { openState } from '../../../shared/state/index.ts';
import type { State } from '../../../shared/state/index.ts';
import { openStore, supportsPut } from '../../../shared/stores/index.ts';
import { realRandom } from '../harness.ts';

const [task = '', directory = '', argument = ''] = process.argv.slice(2);
const deps = { clock: systemClock, random: realRandom, gate: openGate() };
const say = (line: unknown) => process.stdout.write(`${JSON.stringify(line)}\n`);

const state = () => openState({ kind: 'sqlite', path: path.join(directory, 'state.db') }, deps);
async function store() {
  const opened = await openStore(
    { kind: 'local', path: path.join(directory, 'store.db'), keyFile: path.join(directory, 'key') },
    deps,
  );
  if (!supportsPut(opened)) throw new Error('the local store takes puts');
  return opened;
}

/** Adds one, again after each lost race; returns how many races were lost. */
async function increment(on: State, key: string): Promise<number> {
  for (let lost = 0; ; lost += 1) {
    const now = await on.get<number>(key);
    try {
      await on.put({ key, value: (now?.value ?? 0) + 1, expected: now?.revision ?? null });
      return lost;
    } catch (error) {
      if (!isKeywheelError(error, 'ERR_STATE_CONFLICT')) throw error;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

const tasks: Record<string, () => Promise<void>> = {
  /** Opens both files, which may not be there yet. */
  async open() {
    const [files, secrets] = [await state(), await store()];
    await secrets.put(`from/${argument}`, { password: argument }, null);
    say(await files.installation());
  },

  async count() {
    const on = await state();
    for (let n = 0; n < Number(argument); n += 1) await increment(on, 'counter');
  },

  /** Takes the lease, and inside it a guard record that must be free each time. Says each fence. */
  async lease() {
    const on = await state();
    for (let taken = 0; taken < Number(argument);) {
      const lease = await on.acquire('lease/s', `worker-${process.pid}`, 60_000);
      if (lease === undefined) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        continue;
      }
      const entered = await on.put({ key: 'guard', value: process.pid, expected: null });
      await on.put({ key: 'guard', value: undefined, expected: entered });
      await on.release(lease);
      say(lease.fence);
      taken += 1;
    }
  },

  /** Rotates a secret; says how many publishes were its own. */
  async rotate() {
    const on = await store();
    let won = 0;
    for (let n = 0; n < Number(argument); n += 1) {
      const rotation = `r-${process.pid}-${n}`;
      try {
        const { revision = '' } = (await on.describe('s')) ?? {};
        const ref = await on.stage('s', { password: rotation }, rotation);
        await on.publish('s', ref.id, revision);
        won += 1;
      } catch (error) {
        if (!isKeywheelError(error, 'ERR_STORE_CONFLICT')) throw error;
        await on.discard('s', `v-${rotation}`);
      }
    }
    say(won);
  },

  /** Writes to both files for ever, and says each number once it is durable in both. */
  async churn() {
    const [on, secrets] = [await state(), await store()];
    for (let n = Number(argument); ; n += 1) {
      const before = await on.getMany(['a', 'b']);
      const at = (key: string) => before.find((one) => one.key === key)?.revision ?? null;
      await on.transact([
        { key: 'a', value: n, expected: at('a') },
        { key: 'b', value: n, expected: at('b') },
      ]);
      const ref = await secrets.stage('s', { password: `p-${n}`, filler: 'x'.repeat(3000) }, `r-${n}`);
      await secrets.publish('s', ref.id, (await secrets.describe('s'))?.revision ?? '');
      say(n);
    }
  },

  /** Writes until there is no room; says the codes, and what is still readable then. */
  async fill() {
    const [on, secrets] = [await state(), await store()];
    const codes: string[] = [];
    const until = async (write: (n: number) => Promise<unknown>) => {
      let n = 0;
      try {
        for (; n < 1000; n += 1) await write(n);
      } catch (error) {
        codes.push(isKeywheelError(error) ? error.code : String(error));
      }
      return n;
    };
    const records = await until((n) => on.put({ key: `fill/${n}`, value: 'x'.repeat(4000), expected: null }));
    const puts = await until((n) => secrets.put('s', { password: `p-${n}`, filler: 'x'.repeat(4000) }));
    const last = (await secrets.read('s', 'current'))?.value['password'];
    let readable = 0;
    for await (const record of on.list<string>('fill/')) readable += record.value.length / 4000;
    say({ codes, records, readable, puts, last });
  },

  /** Reads `current` where not one byte can be written, and tries to write. */
  async starve() {
    const secrets = await store();
    const value = (await secrets.read('s', 'current'))?.value['password'];
    const error = await secrets.put('s', { password: 'new' }).catch((caught: unknown) => caught);
    say({ value, code: isKeywheelError(error) ? error.code : String(error), error: String(error) });
  },
};

const run = tasks[task];
if (run === undefined) throw new Error(`no task ${task}`);
await run();
