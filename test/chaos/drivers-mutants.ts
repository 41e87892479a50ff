/** Deliberate bugs of drivers and of the state under them. The matrix must find every one. */
import { withSecret } from '../../shared/drivers/one.ts';
import type { Phase } from '../../shared/rotation/index.ts';
import type { State } from '../../shared/state/index.ts';
import type { Cloud } from './cloud-stores.ts';
import type { DriverMutant } from './drivers-scene.ts';
import type { Delivery } from './drivers.ts';

const UNTIL: Readonly<Record<string, Phase>> = { createSecret: 'staged', setSecret: 'applied', testSecret: 'verified' };

/** Names the rotation itself, whatever the service's token says. */
const ignoreTheToken: DriverMutant = {
  delivery: (delivery, { secret }) => ({
    ...delivery,
    run: (host) =>
      withSecret(host, secret, {}, async (one) => {
        const until = UNTIL[delivery.name];
        const request = { start: delivery.name === 'createSecret', reason: 'mutant', resume: true };
        return one.advance({ ...request, ...(until === undefined ? {} : { until }) });
      }),
  }),
};

/** The first step does all the work, though the service has not come to it yet. */
const doAllAtOnce: DriverMutant = {
  delivery: (delivery, { secret }) => ({
    ...delivery,
    async run(host) {
      await delivery.run(host);
      if (delivery.name !== 'createSecret') return;
      await withSecret(host, secret, {}, (one) => one.advance({ start: false, reason: 'mutant', resume: true }));
    },
  }),
};

/** Says that all went well whatever happened. */
const swallow: DriverMutant = {
  delivery: (delivery: Delivery) => ({ ...delivery, run: (host) => delivery.run(host).catch(() => undefined) }),
};

/** Every event begins a rotation, also one that came before. */
const beginOnDuplicates: DriverMutant = {
  delivery: (delivery, { secret }) =>
    delivery.name === 'tick'
      ? delivery
      : {
          ...delivery,
          run: (host) => withSecret(host, secret, {}, (one) => one.advance({ start: true, reason: 'mutant', resume: false })),
        },
};

/** A journal whose last writer wins. */
const overwriteTheJournal: DriverMutant = {
  state: (state: State): State => ({
    ...state,
    async transact(writes) {
      const stored = await state.getMany(writes.map((write) => write.key));
      const revision = (key: string): string | null => stored.find((each) => each.key === key)?.revision ?? null;
      return state.transact(writes.map((write) => ({ ...write, expected: revision(write.key) })));
    },
  }),
};

export interface NamedMutant {
  readonly bug: string;
  readonly cloud: Cloud['name'];
  readonly mutant: DriverMutant;
  /** Faults that bring it to light, at the effects that `at` matches; none when it shows without a fault. */
  readonly fault?: string;
  readonly at?: RegExp;
  readonly found: RegExp;
}

export const DRIVER_MUTANTS: readonly NamedMutant[] = [
  { bug: 'the token is ignored', cloud: 'aws', mutant: ignoreTheToken, found: /returned, and the version of the token has/ },
  { bug: 'a step goes further than it was asked to', cloud: 'aws', mutant: doAllAtOnce, found: /createSecret published/ },
  {
    bug: 'a failed step is told as done',
    cloud: 'aws',
    mutant: swallow,
    fault: 'throttled',
    at: /PutSecretValue/,
    found: /createSecret returned, and/,
  },
  { bug: 'a duplicate begins a rotation', cloud: 'gcp', mutant: beginOnDuplicates, found: /a late duplicate changed/ },
  {
    bug: 'a failure is acknowledged',
    cloud: 'gcp',
    mutant: swallow,
    fault: 'throttled',
    at: /state\.acquire/,
    found: /acknowledged, and no rotation began/,
  },
  {
    bug: 'the last writer of the journal wins',
    cloud: 'gcp',
    mutant: overwriteTheJournal,
    fault: 'stale, ticks to the end',
    at: /state\.transact/,
    found: /back to|dropped|history|live|authenticate/,
  },
];
