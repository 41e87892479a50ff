/** Reads one secret, and carries a change of it out, in the order that a crash at any point leaves safe. */
import type { Random } from '../../deps.ts';
import { KeywheelError } from '../../errors.ts';
import type { VaultNames } from './names.ts';
import { applied, restoreOf } from './plan.ts';
import type { Change } from './plan.ts';
import { buriedEdit, viewOf } from './snapshot.ts';
import type { Snapshot } from './snapshot.ts';
import type { Vault } from './vault.ts';

/** How often somebody may edit a secret while we put an edit back, before the next call has to go on with it. */
const EDITS = 5;

export interface Carrier {
  /** Undefined when there is no such secret. */
  load(names: VaultNames): Promise<Snapshot | undefined>;
  /**
   * Sets first, then puts back on top what a person set in the same moment, and last ends what was staged. `confirm` throws when another
   * worker took the lease meanwhile; it is asked before each set.
   */
  carryOut(names: VaultNames, snapshot: Snapshot | undefined, change: Change, confirm: () => Promise<void>): Promise<Snapshot>;
  /** Puts hand edits that a write of ours went over back on top: see `buriedEdit`. */
  unbury(names: VaultNames, confirm: () => Promise<void>, known?: ReadonlySet<string>): Promise<Snapshot | undefined>;
}

export const nonceFrom = (random: Random): string => Buffer.from(random.bytes(8)).toString('hex');

export function carrierOver(vault: Vault, random: Random): Carrier {
  const load = async ({ main: name, companion }: VaultNames): Promise<Snapshot | undefined> => {
    // Asked for after the list, the newest is in it, or the list is too old.
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      const main = await vault.versions(name);
      if (main.length === 0) return undefined;
      const [newest, staged] = await Promise.all([vault.get(name), vault.versions(companion)]);
      if (newest === undefined) return undefined;
      if (newest === 'disabled') return { main, newest: undefined, companion: staged };
      if (main.some(({ kv }) => kv === newest.kv)) return { main, newest, companion: staged };
    }
    throw new KeywheelError('ERR_STORE_UNAVAILABLE', `secret ${name} could not be read, it is being changed all the time`, {
      hint: 'it is tried again; find out what sets it so often',
      retryable: true,
      subject: name,
    });
  };

  const unbury = async (
    names: VaultNames,
    confirm: () => Promise<void>,
    known?: ReadonlySet<string>,
  ): Promise<Snapshot | undefined> => {
    let seen = known;
    for (let attempt = 0; ; attempt += 1) {
      const snapshot = await load(names);
      const edit = snapshot === undefined ? undefined : buriedEdit(viewOf(snapshot), seen);
      if (snapshot === undefined || edit === undefined || attempt === EDITS) return snapshot;
      const value = await vault.get(names.main, edit.stored.kv);
      if (value === undefined || value === 'disabled') return snapshot; // whoever made it has taken it back
      const { text, options } = restoreOf(snapshot, edit, value.text, nonceFrom(random));
      await confirm();
      const { kv } = await vault.set(names.main, text, options);
      seen = new Set([...snapshot.main.map((one) => one.kv), kv]);
    }
  };

  return {
    load,
    unbury,
    async carryOut(names, snapshot, change, confirm) {
      let seen = snapshot;
      if (change.set !== undefined) {
        const { secret, text, options } = change.set;
        await confirm();
        const made = await vault.set(names[secret], text, options);
        const known = new Set([...(snapshot?.main ?? []).map(({ kv }) => kv), made.kv]);
        const after = secret === 'main' ? await unbury(names, confirm, known) : undefined;
        seen = after ?? applied(snapshot, { set: change.set, amend: [] }, made);
      }
      for (const one of change.amend) await vault.amend(names.companion, one.kv, one);
      return applied(seen, { amend: change.amend }, undefined);
    },
  };
}
