/** KMS, and which of its records are only the trace of a secret's read. https://docs.aws.amazon.com/kms/latest/developerguide/logging-using-cloudtrail.html */
import { FLAG, type Verb } from '../../event.ts';
import type { View } from '../../view.ts';
import { listOf, objectOf, own, textOf } from '../common.ts';
import { isService, refusedResource } from './call.ts';
import { plainDeed, NOTHING, type Deed, type Record } from './deed.ts';
import { keyNamed } from './names.ts';
import { AWS } from './plan.ts';
import { accountOf, flagsOf, judgeResourcePolicy } from './policy.ts';

const VERBS: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  ...['Decrypt', 'Encrypt', 'GenerateDataKey', 'GenerateDataKeyWithoutPlaintext', 'GenerateDataKeyPair', 'Sign', 'Verify'].map(
    crypto,
  ),
  ...['GenerateDataKeyPairWithoutPlaintext', 'GenerateMac', 'VerifyMac', 'DeriveSharedSecret', 'ReEncrypt'].map(crypto),
  ['ListKeys', 'list'],
  ['ListAliases', 'list'],
  ['ListGrants', 'describe'],
  ['GenerateRandom', 'other'],
  ['CreateKey', 'create'],
  ['ReplicateKey', 'backup'],
  ['ImportKeyMaterial', 'write'],
  ['RotateKeyOnDemand', 'write'],
  ['ScheduleKeyDeletion', 'destroy'],
  ['DeleteImportedKeyMaterial', 'destroy'],
  ['CancelKeyDeletion', 'restore'],
  ['PutKeyPolicy', 'policy'],
  ['CreateGrant', 'policy'],
  ['RevokeGrant', 'policy'],
  ['RetireGrant', 'policy'],
  // Written by the service when what was scheduled happens: ScheduleKeyDeletion told it already.
  ['DeleteKey', 'delete'],
]);

function crypto(name: string): [string, Verb] {
  return [name, 'crypto'];
}

export function readKms(record: Record): Deed | undefined {
  const { view, action, actor } = record;
  const verb = VERBS.get(action) ?? (view.flag(AWS.readOnly) === true ? 'describe' : 'config');
  if (verb === 'list' || verb === 'other') return plainDeed(verb);
  const isSystem = actor.type === undefined && actor.principal.kind === 'service';
  let flags = isSystem ? FLAG.system : 0;
  if (action === 'DeleteKey') flags |= FLAG.echo | FLAG.system;
  if (verb === 'crypto') return about(record, verb, flags | (isEcho(record) ? FLAG.echo : 0) | foreignTarget(record));
  if (action === 'CreateGrant') return grant(record, flags);
  if (action === 'PutKeyPolicy' || action === 'CreateKey' || action === 'ReplicateKey') {
    const judged = judgeResourcePolicy(view.text(AWS.policy), record.account);
    // Who makes a key names its owner: only a policy that is changed tells of a grantee.
    return about(record, verb, flags | flagsOf(judged), action === 'PutKeyPolicy' ? judged.grantee : undefined);
  }
  return about(record, verb, flags);
}

/** The service decrypts on the reader's behalf: its address or invoker is a service's, and the context names what was read. */
function isEcho({ view, actor }: Record): boolean {
  if (!view.has(AWS.secretContext) && !view.has(AWS.parameterContext)) return false;
  const address = view.text(AWS.sourceIPAddress);
  return (
    actor.invokedBy !== undefined ||
    view.text(AWS.invokedBy) === 'AWS Internal' ||
    isService(address) ||
    address === 'AWS Internal'
  );
}

function about(record: Record, verb: Verb, flags: number, grantee?: string): Deed {
  const text = keyText(record.view);
  if (text === undefined) return { verb, secrets: NOTHING, weight: 1, flags, grantee };
  const { ref, owner, region } = keyNamed(text, record.account, record.region);
  return { verb, secrets: [ref], weight: 1, flags, owner, region, grantee };
}

/** The key's ARN from `resources`, as a request may name an alias, or nothing at all; else what the request names. */
function keyText(view: View): string | undefined {
  const asked = view.text(AWS.keyId);
  if (asked?.startsWith('arn:') === true && asked.includes(':key/')) return asked;
  for (const each of listOf(view.json(AWS.resources), 8)) {
    const arn = textOf(own(objectOf(each), 'ARN'));
    if (arn?.includes(':key/') === true) return arn;
  }
  return textOf(asked) ?? textOf(view.text(AWS.keyMade)) ?? textOf(view.text(AWS.aliasName)) ?? refusedResource(view);
}

/** ReEncrypt to a key of another account takes the data away. */
function foreignTarget({ view, account }: Record): number {
  const target = accountOf(view.text(AWS.destinationKeyId) ?? '');
  return target !== undefined && target !== account ? FLAG.external : 0;
}

function grant(record: Record, flags: number): Deed {
  const grantee = textOf(record.view.text(AWS.granteePrincipal))?.slice(0, 256);
  const home = accountOf(grantee ?? '');
  return about(record, 'policy', flags | (home !== undefined && home !== record.account ? FLAG.external : 0), grantee);
}
