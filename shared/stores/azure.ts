/**
 * Azure Key Vault. Its newest version is what readers get, so `publish` is a SetSecret on the main secret and pending waits in a companion
 * secret that consumers are not granted. SetSecret has no condition: Keywheel's own writers take turns by a lease from the State port, and a
 * hand edit that lands between our last look and our SetSecret is put back on top at once, as if it had been made just after ours. What is
 * left: for that moment readers get our version, which works. If the worker dies in it, the next call of `describe` or of any write puts the
 * edit back. A SetSecret that Key Vault takes up only after our time limit may do the same, and is mended the same way.
 */
import type { AzureStoreConfig } from '../config/index.ts';
import type { Call } from '../deps.ts';
import { KeywheelError } from '../errors.ts';
import { carrierOver, nonceFrom } from './azure/carry.ts';
import { checkAddress, openSecretClient } from './azure/client.ts';
import type { AzureStoreOptions } from './azure/client.ts';
import { openLeases } from './azure/lease.ts';
import { checkSuffix, givenName, isCompanion, vaultNames } from './azure/names.ts';
import type { VaultNames } from './azure/names.ts';
import * as plan from './azure/plan.ts';
import { buriedEdit, versionIdOf, viewOf } from './azure/snapshot.ts';
import type { Snapshot } from './azure/snapshot.ts';
import { checkRotationId } from './azure/tags.ts';
import { decodeValue, encodeValue } from './azure/value.ts';
import { vaultOver } from './azure/vault.ts';
import type { VaultVersion } from './azure/vault.ts';
import type { StoreDeps } from './open.ts';
import type { SecretState, SecretStore, SecretVersion, SupportsPut, VersionRef } from './port.ts';

/**
 * Reading needs no state; every write takes a lease from `deps.state` and is refused without one (ERR_INTERNAL).
 * ERR_CONFIG_INVALID for an address, suffix or name that cannot be used; otherwise the ERR_STORE codes of the port.
 */
export async function openAzureStore(
  config: AzureStoreConfig,
  deps: StoreDeps,
  options: AzureStoreOptions = {},
): Promise<SecretStore & SupportsPut> {
  const url = checkAddress(config.vaultUrl);
  const suffix = config.pendingSuffix;
  checkSuffix(suffix);
  const client = await openSecretClient(url, options);
  const vault = vaultOver(async () => client, deps.random);
  const carrier = carrierOver(vault, deps.random);
  const leases = openLeases(url.host, deps);
  const { rehearsing } = deps.gate;
  /** What a rehearsal would have written, by the main secret's name, with the material of what it staged. */
  const rehearsed = new Map<string, Snapshot>();
  const material = new Map<string, string>();

  const call = (kind: Call['kind'], text: string): Call => ({ port: 'store', kind, text: `azure: ${text}` });
  const reading = <T>(text: string, work: () => Promise<T>): Promise<T> => deps.gate.run(call('read', text), work, unreachable);
  const load = async (names: VaultNames): Promise<Snapshot | undefined> => rehearsed.get(names.main) ?? carrier.load(names);
  const expiry = (): { expiresOn?: Date } =>
    config.expiresAfter === undefined ? {} : { expiresOn: new Date(deps.clock.now() + config.expiresAfter) };

  /** A rehearsal makes no lease either: it changes nothing that another worker could see. */
  const turn = <T>(names: VaultNames, name: string, work: (confirm: () => Promise<void>) => Promise<T>): Promise<T> =>
    rehearsing ? work(async () => {}) : leases.under(names.main, name, work);

  const effect = (
    text: string,
    names: VaultNames,
    snapshot: Snapshot | undefined,
    change: plan.Change,
    confirm: () => Promise<void>,
  ): Promise<Snapshot> =>
    deps.gate.run(
      call('effect', text),
      () => carrier.carryOut(names, snapshot, change, confirm),
      () => {
        const created = Math.floor(deps.clock.now() / 1000) * 1000;
        const made: VaultVersion = {
          kv: `rehearsed-${material.size + 1}`,
          created,
          enabled: true,
          tags: {},
          ...change.set?.options,
        };
        if (change.set !== undefined) material.set(made.kv, change.set.text);
        const after = plan.applied(snapshot, change, made);
        rehearsed.set(names.main, after);
        return after;
      },
    );

  const textOf = async (names: VaultNames, snapshot: Snapshot, { secret, stored }: plan.Source): Promise<string | undefined> => {
    if (material.has(stored.kv)) return material.get(stored.kv);
    if (stored.kv === snapshot.newest?.kv) return snapshot.newest.text;
    const value = await vault.get(names[secret], stored.kv);
    return value === undefined || value === 'disabled' ? undefined : value.text;
  };
  const stateIn = (snapshot: Snapshot, name: string): SecretState => {
    const { revision, labels } = plan.viewIn(snapshot, name);
    return { name, revision, labels };
  };
  /** Under the lease: what is there now, after a hand edit that an earlier write of ours went over was put back. */
  const look = async (names: VaultNames, name: string, confirm: () => Promise<void>): Promise<Snapshot | undefined> => {
    const snapshot = await reading(`look at ${name}`, () => load(names));
    const edit = snapshot === undefined || rehearsing ? undefined : buriedEdit(viewOf(snapshot));
    if (edit === undefined) return snapshot;
    return deps.gate.run(
      call('effect', `put the hand edit ${edit.stored.kv} of ${name} back on top`),
      () => carrier.unbury(names, confirm),
      () => snapshot,
    );
  };

  return {
    kind: 'azure',
    describe: async (name) => {
      const names = vaultNames(name, suffix);
      let snapshot = await reading(`describe ${name}`, () => load(names));
      if (snapshot === undefined) return undefined;
      if (!rehearsing && buriedEdit(viewOf(snapshot)) !== undefined) {
        snapshot = (await leases.ifFree(names.main, (confirm) => look(names, name, confirm))) ?? snapshot;
      }
      return stateIn(snapshot, name);
    },
    read: async (name, at) => {
      const names = vaultNames(name, suffix);
      const where = typeof at === 'string' ? at : `version ${at.version}`;
      return reading(`read ${name} at ${where}`, async (): Promise<SecretVersion | undefined> => {
        const snapshot = await load(names);
        if (snapshot === undefined) return undefined;
        const view = plan.viewIn(snapshot, name);
        const id = typeof at === 'string' ? view.labels[at]?.id : at.version;
        const source = id === undefined ? undefined : plan.find(view, id);
        const text = source === undefined ? undefined : await textOf(names, snapshot, source);
        return source === undefined || text === undefined ? undefined : { ...source.ref, value: decodeValue(name, text) };
      });
    },
    stage: async (name, value, rotationId) => {
      const names = vaultNames(name, suffix);
      checkRotationId(rotationId);
      const text = encodeValue(name, value);
      return turn(names, name, async (confirm): Promise<VersionRef> => {
        const snapshot = await look(names, name, confirm);
        const found = plan.stageText(plan.viewIn(snapshot, name), name, rotationId);
        const set = { secret: 'companion' as const, text, options: plan.stageTags(rotationId) };
        const change = found.ref === undefined ? { set, amend: found.amend } : { amend: found.amend };
        const id = versionIdOf(rotationId);
        const told = `stage ${name} version ${id} as pending (rotation ${rotationId}) in secret ${names.companion}`;
        const after = plan.viewIn(await effect(told, names, snapshot, change, confirm), name);
        const ref = found.ref ?? after.staged.find((one) => one.ref.id === id)?.ref;
        if (ref === undefined) throw plan.gone(name, id);
        return ref;
      });
    },
    publish: async (name, version, expected) => {
      const names = vaultNames(name, suffix);
      return turn(names, name, async (confirm) => {
        const snapshot = await look(names, name, confirm);
        const view = plan.viewIn(snapshot, name);
        const source = plan.publishSource(view, name, version, expected);
        const amend = plan.afterPublish(view, version, source !== undefined);
        const text = source === undefined || snapshot === undefined ? undefined : await textOf(names, snapshot, source);
        if (source !== undefined && text === undefined) throw plan.gone(name, version);
        const set =
          source === undefined || text === undefined
            ? {}
            : { set: plan.writeOf(snapshot, text, { nonce: nonceFrom(deps.random), ref: source.ref, ...expiry() }) };
        const told = `publish ${name} version ${version} as current if it is at revision ${expected}`;
        return stateIn(await effect(told, names, snapshot, { ...set, amend }, confirm), name);
      });
    },
    discard: async (name, version) => {
      const names = vaultNames(name, suffix);
      await turn(names, name, async (confirm) => {
        const snapshot = await look(names, name, confirm);
        if (snapshot === undefined) return;
        const amend = plan.discardAmendments(plan.viewIn(snapshot, name), name, version);
        await effect(`discard ${name} version ${version}`, names, snapshot, { amend }, confirm);
      });
    },
    put: async (name, value, expected) => {
      const names = vaultNames(name, suffix);
      const text = encodeValue(name, value);
      return turn(names, name, async (confirm) => {
        const snapshot = await look(names, name, confirm);
        plan.checkPut(snapshot, name, expected);
        const set = plan.writeOf(snapshot, text, { nonce: nonceFrom(deps.random), ...expiry() });
        const condition = expected === undefined ? '' : expected === null ? ' if it is new' : ` if it is at revision ${expected}`;
        return stateIn(await effect(`put ${name} as current${condition}`, names, snapshot, { set, amend: [] }, confirm), name);
      });
    },
    async *list(filter) {
      const prefix = filter?.prefix ?? '';
      const stored = await reading(prefix === '' ? 'list' : `list ${JSON.stringify(prefix)}*`, async () => {
        const found: string[] = [];
        for await (const one of vault.secrets()) found.push(one);
        return found;
      });
      for (const one of stored.toSorted()) {
        const name = isCompanion(one, suffix) ? undefined : givenName(one);
        if (name?.startsWith(prefix) !== true) continue;
        const snapshot = await reading(`describe ${name}`, () => load(vaultNames(name, suffix)));
        // A disabled newest version hides the labels of that one secret, not the other secrets.
        if (snapshot !== undefined) yield { name, labels: viewOf(snapshot).labels };
      }
    },
  };
}

function unreachable(): never {
  throw new KeywheelError('ERR_INTERNAL', 'a read was not made');
}
