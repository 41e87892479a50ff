/** Secrets Manager. https://docs.aws.amazon.com/secretsmanager/latest/userguide/cloudtrail_log_entries.html */
import { FLAG, type SecretRef, type Verb } from '../../event.ts';
import type { View } from '../../view.ts';
import { listOf, MOST_SECRETS, objectOf, own, textOf } from '../common.ts';
import { refusedResource } from './call.ts';
import { plainDeed, NOTHING, type Deed, type Record } from './deed.ts';
import { arnOf, secretNamed, withVersion } from './names.ts';
import { AWS } from './plan.ts';
import { flagsOf, judgeResourcePolicy } from './policy.ts';

const VERBS: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  ['GetSecretValue', 'read'],
  ['ListSecrets', 'list'],
  ['DescribeSecret', 'describe'],
  ['ListSecretVersionIds', 'describe'],
  ['GetResourcePolicy', 'describe'],
  ['ValidateResourcePolicy', 'describe'],
  ['GetRandomPassword', 'other'],
  ['PutSecretValue', 'write'],
  ['CreateSecret', 'create'],
  ['RestoreSecret', 'restore'],
  ['ReplicateSecretToRegions', 'backup'],
  ['DeleteResourcePolicy', 'policy'],
]);

/** Written by the service of its own work: https://docs.aws.amazon.com/secretsmanager/latest/userguide/monitoring-cloudtrail.html */
const ECHOES: ReadonlySet<string> = new Set(['StartSecretVersionDelete', 'EndSecretVersionDelete', 'CancelSecretVersionDelete']);

export function readSecretsManager(record: Record): Deed | undefined {
  const { view, action } = record;
  switch (action) {
    case 'GetSecretValue':
      return readOne(record);
    case 'BatchGetSecretValue':
      return readBatch(record);
    case 'ListSecrets':
    case 'GetRandomPassword':
      return plainDeed(VERBS.get(action) ?? 'other');
    case 'DeleteSecret':
      return view.flag(AWS.force) === true ? about(record, 'destroy', FLAG.force) : about(record, 'delete', 0);
    case 'PutSecretValue':
    case 'CreateSecret':
      return about(record, action === 'CreateSecret' ? 'create' : 'write', foreignKey(record), madeVersion(view));
    case 'UpdateSecret':
      // Without a new version only the description or the key changed.
      return about(record, view.has(AWS.madeVersion) ? 'write' : 'config', foreignKey(record), madeVersion(view));
    case 'UpdateSecretVersionStage':
      return about(record, 'config', 0, view.text(AWS.moveToVersionId));
    case 'PutResourcePolicy':
      return changePolicy(record);
    default:
      return otherwise(record);
  }
}

function otherwise(record: Record): Deed {
  const { view, action, actor } = record;
  if (ECHOES.has(action)) return about(record, 'delete', FLAG.system | FLAG.echo);
  const verb = VERBS.get(action) ?? (view.flag(AWS.readOnly) === true ? 'describe' : 'config');
  return about(record, verb, actor.type === undefined && actor.principal.kind === 'service' ? FLAG.system : 0);
}

/** The new version's id: the service's, else the one that the caller chose. */
const madeVersion = (view: View): string | undefined => view.text(AWS.madeVersion) ?? view.text(AWS.clientRequestToken);

const secretText = (view: View): string | undefined =>
  textOf(view.text(AWS.secretId)) ??
  textOf(view.text(AWS.arnMade)) ??
  textOf(view.text(AWS.arnMadeUpper)) ??
  textOf(view.text(AWS.arnMadeOdd)) ??
  textOf(view.text(AWS.secretArn)) ??
  textOf(view.text(AWS.secretArnOdd)) ??
  textOf(view.text(AWS.secretIdOfService)) ??
  textOf(view.text(AWS.name)) ??
  refusedResource(view);

/** What is done to one secret. */
function about({ view, account, region }: Record, verb: Verb, flags: number, version?: string, grantee?: string): Deed {
  const text = secretText(view);
  if (text === undefined) return { verb, secrets: NOTHING, weight: 1, flags, grantee };
  const named = withVersion(secretNamed(text, account, region), version);
  return { verb, secrets: [named.ref], weight: 1, flags, owner: named.owner, region: named.region, grantee };
}

function readOne(record: Record): Deed {
  const stage = record.view.text(AWS.versionStage);
  const version = record.view.text(AWS.versionId) ?? stage;
  // AWSCURRENT and AWSPENDING are what consumers and rotations read.
  return about(record, 'read', stage === 'AWSPREVIOUS' ? FLAG.history : 0, version);
}

/** https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_BatchGetSecretValue.html: at most 20 in one call. */
const BATCH = 20;

function readBatch({ view, account, region }: Record): Deed {
  const listed = listOf(view.json(AWS.secretIdList), MOST_SECRETS);
  if (listed.length > 0) {
    const refs: SecretRef[] = [];
    let first: ReturnType<typeof secretNamed> | undefined;
    for (const each of listed) {
      const text = textOf(each);
      if (text === undefined) continue;
      const named = secretNamed(text, account, region);
      first ??= named;
      if (!refs.some(({ key }) => key === named.ref.key)) refs.push(named.ref);
    }
    const weight = Math.max(1, refs.length);
    return { verb: 'read', secrets: refs, weight, flags: FLAG.batch, owner: first?.owner, region: first?.region };
  }
  const most = view.number(AWS.maxResults) ?? BATCH;
  const weight = Math.min(BATCH, Math.max(1, Math.trunc(most) || 1));
  const all = onlyExcludes(view.json(AWS.filters)) ? FLAG.catchAll : 0;
  return { verb: 'read', secrets: NOTHING, weight, flags: FLAG.batch | FLAG.byPath | all };
}

/** Filters narrow together; `!` excludes. https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_Filter.html */
function onlyExcludes(filters: unknown): boolean {
  return listOf(filters, 16).every((filter) =>
    listOf(own(objectOf(filter), 'values'), 16).every((value) => textOf(value) === undefined || String(value).startsWith('!')),
  );
}

function changePolicy(record: Record): Deed {
  const judged = judgeResourcePolicy(record.view.text(AWS.resourcePolicy), record.account);
  return about(record, 'policy', flagsOf(judged), undefined, judged.grantee);
}

/** A key of another account: the secret is then in the hands of whoever owns the key. */
function foreignKey({ view, account }: Record): number {
  const arn = arnOf(view.text(AWS.kmsKeyId) ?? '');
  return arn !== undefined && arn.account !== '' && arn.account !== account ? FLAG.external : 0;
}
