/**
 * AWS Secrets Manager. AWSCURRENT, AWSPENDING and AWSPREVIOUS are `current`, `pending` and `previous`; aws/tokens.ts tells how rotations and what
 * becomes of them are written down there. Rights, on the secret: DescribeSecret, GetSecretValue, ListSecretVersionIds, PutSecretValue,
 * UpdateSecretVersionStage, and on its KMS key Decrypt and GenerateDataKey; ListSecrets for `list`, CreateSecret for `put`.
 */
import type { ListSecretsRequest } from '@aws-sdk/client-secrets-manager';
import type { AwsStoreConfig } from '../config/index.ts';
import { openCalls } from './aws/calls.ts';
import { discard } from './aws/discard.ts';
import { openFacts, type Got } from './aws/facts.ts';
import { storeError } from './aws/failures.ts';
import { openRehearsal } from './aws/labels.ts';
import { publish } from './aws/publish.ts';
import { put } from './aws/put.ts';
import { stage } from './aws/stage.ts';
import { discardedLabel, isVersionId, rotationIdOf } from './aws/tokens.ts';
import { checkName, decode } from './aws/value.ts';
import { isSettled, labelsOf, look, pendingOf, stateOf, viewOf, type Context } from './aws/view.ts';
import type { StoreDeps } from './open.ts';
import type { Label, SecretStore, SecretSummary, SecretVersion, SupportsPut, SupportsServiceRotation } from './port.ts';

const STAGES: Readonly<Record<Exclude<Label, 'pending'>, string>> = { current: 'AWSCURRENT', previous: 'AWSPREVIOUS' };

export interface AwsStore extends SecretStore, SupportsPut, SupportsServiceRotation {
  close(): void;
}

export interface AwsStoreOptions {
  /** Milliseconds between looks at a version that was just written. */
  readonly lagPauses?: readonly number[];
  /** Milliseconds between looks at replicas that are being brought up to date. */
  readonly replicaPauses?: readonly number[];
}

/** Opens nothing yet: the SDK is loaded, and its default credential chain asked, by the first call. */
export async function openAwsStore(config: AwsStoreConfig, deps: StoreDeps, options: AwsStoreOptions = {}): Promise<AwsStore> {
  const calls = openCalls(config, deps.gate);
  const context: Context = {
    calls,
    facts: openFacts(calls),
    clock: deps.clock,
    lagPauses: options.lagPauses ?? [50, 150, 400, 1000],
    replicaPauses: options.replicaPauses ?? [500, 1000, 1500, 2000],
    replicaTimeout: config.replicaTimeout,
    rotationToken: deps.rotationToken,
    rehearsal: deps.gate.rehearsing ? openRehearsal() : undefined,
  };

  return {
    kind: 'aws',
    describe: async (name) => {
      checkName(name);
      const view = await look(context, name);
      return view === undefined ? undefined : stateOf(context, view);
    },
    read: async (name, at) => {
      checkName(name);
      if (typeof at === 'string') {
        const got =
          at === 'pending' ? await readPending(context, name) : await context.facts.get(name, { VersionStage: STAGES[at] });
        return got === undefined ? undefined : versionOf(context, name, got);
      }
      if (!isVersionId(at.version)) return undefined;
      const got = await context.facts.get(name, { VersionId: at.version }, context.lagPauses);
      if (got?.VersionStages?.includes(discardedLabel(got.VersionId)) === true) return undefined;
      return got === undefined ? undefined : versionOf(context, name, got);
    },
    stage: async (name, value, rotationId) => {
      checkName(name);
      return stage(context, name, value, rotationId);
    },
    publish: async (name, version, expected) => {
      checkName(name);
      return publish(context, name, version, expected);
    },
    discard: async (name, version) => {
      checkName(name);
      return discard(context, name, version);
    },
    put: async (name, value, expected) => {
      checkName(name);
      return put(context, deps.random, name, value, expected);
    },
    list: (filter) => list(context, filter?.prefix ?? ''),
    serviceRotation: async (name, token) => {
      checkName(name);
      const view = await look(context, name);
      return view === undefined ? undefined : { enabled: view.rotationEnabled, stages: view.stages.get(token) };
    },
    close: () => calls.close(),
  };
}

/** By its label, and where that shows nothing by the version that DescribeSecret names: right after it was written the label may lag. */
async function readPending(context: Context, name: string): Promise<Got | undefined> {
  const got = await context.facts.get(name, { VersionStage: 'AWSPENDING' });
  if (got !== undefined) {
    // A left-over of a rotation that is finished, as AWS's own templates leave it.
    return isSettled(got.VersionId, got.VersionStages ?? []) ? undefined : got;
  }
  const view = await look(context, name);
  const pending = view === undefined ? undefined : pendingOf(view);
  return pending === undefined ? undefined : context.facts.get(name, { VersionId: pending }, context.lagPauses.slice(0, 2));
}

function versionOf({ facts }: Context, name: string, got: Got): SecretVersion {
  const rotationId = rotationIdOf(got.VersionId, got.VersionStages ?? []);
  const ref = { id: got.VersionId, createdAt: facts.createdAt(name, got.VersionId) ?? 0 };
  return { ...ref, ...(rotationId === undefined ? {} : { rotationId }), value: decode(name, got) };
}

/** Secrets that are scheduled for deletion are left out. A change may show five minutes late: ListSecrets is eventually consistent. */
async function* list(context: Context, prefix: string): AsyncGenerator<SecretSummary> {
  // The service's prefix filter is case-sensitive and knows `!` as negation; what it cannot say, and whatever an emulator makes of it, is filtered here.
  const filters = /^[\w/+=.@:-]+$/.test(prefix) ? { Filters: [{ Key: 'name' as const, Values: [prefix] }] } : {};
  let next: string | undefined;
  do {
    const request: ListSecretsRequest = { MaxResults: 100, ...filters, ...(next === undefined ? {} : { NextToken: next }) };
    const page = await context.calls
      .read(prefix === '' ? 'ListSecrets' : `ListSecrets ${JSON.stringify(prefix)}*`, (service) => service.listSecrets(request))
      .catch((error: unknown) => {
        throw storeError(error, prefix, 'secrets could not be listed');
      });
    for (const entry of page.SecretList ?? []) {
      if (entry.Name?.startsWith(prefix) !== true) continue;
      const view = viewOf(entry.Name, entry.SecretVersionsToStages, entry);
      yield { name: entry.Name, labels: await labelsOf(context, view) };
    }
    next = page.NextToken === '' ? undefined : page.NextToken;
  } while (next !== undefined);
}
