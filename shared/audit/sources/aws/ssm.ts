/** Systems Manager Parameter Store; nothing else of Systems Manager. https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html */
import { FLAG, type SecretRef, type Verb } from '../../event.ts';
import { listOf, MOST_SECRETS, textOf, words } from '../common.ts';
import { refusedResource } from './call.ts';
import { plainDeed, NOTHING, type Deed, type Record } from './deed.ts';
import { isPublicParameter, parameterNamed, withVersion } from './names.ts';
import { AWS } from './plan.ts';

/** What is asked in bytes too, before a record is parsed. */
export const SSM_ACTIONS = words(
  'GetParameter GetParameters GetParametersByPath GetParameterHistory PutParameter DeleteParameter ' +
    'DeleteParameters DescribeParameters LabelParameterVersion UnlabelParameterVersion',
);

export function readSsm(record: Record): Deed | undefined {
  switch (record.action) {
    case 'GetParameter':
      return one(record, 'read', 0);
    case 'GetParameters':
      return many(record, 'read');
    case 'GetParametersByPath':
      return byPath(record);
    case 'GetParameterHistory':
      return one(record, 'read', FLAG.history);
    case 'PutParameter':
      return put(record);
    case 'DeleteParameter':
      return one(record, 'delete', 0);
    case 'DeleteParameters':
      return many(record, 'delete');
    case 'DescribeParameters':
      return plainDeed('list');
    case 'LabelParameterVersion':
    case 'UnlabelParameterVersion':
      return one(record, 'config', 0);
    default:
      return undefined;
  }
}

function one({ view, account, region }: Record, verb: Verb, flags: number): Deed | undefined {
  const name = textOf(view.text(AWS.name)) ?? refusedResource(view);
  if (name === undefined) return { verb, secrets: NOTHING, weight: 1, flags };
  if (isPublicParameter(name)) return undefined;
  const { ref, owner, region: where } = parameterNamed(name, account, region);
  return { verb, secrets: [ref], weight: 1, flags, owner, region: where };
}

function many({ view, account, region }: Record, verb: Verb): Deed | undefined {
  const refs: SecretRef[] = [];
  let open = 0;
  let first: ReturnType<typeof parameterNamed> | undefined;
  const names = listOf(view.json(AWS.names), MOST_SECRETS);
  for (const each of names.length === 0 ? [refusedResource(view)] : names) {
    const name = textOf(each);
    if (name === undefined) continue;
    if (isPublicParameter(name)) {
      open += 1;
      continue;
    }
    const named = parameterNamed(name, account, region);
    first ??= named;
    if (!refs.some(({ key }) => key === named.ref.key)) refs.push(named.ref);
  }
  if (refs.length === 0 && open > 0) return undefined;
  const flags = refs.length > 1 ? FLAG.batch : 0;
  return { verb, secrets: refs, weight: Math.max(1, refs.length), flags, owner: first?.owner, region: first?.region };
}

/** https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html: at most 10 on a page. */
const PAGE = 10;

function byPath({ view }: Record): Deed | undefined {
  const path = view.text(AWS.path) ?? '/';
  if (isPublicParameter(`${path}/`)) return undefined;
  const most = view.number(AWS.maxResults) ?? PAGE;
  const weight = Math.min(PAGE, Math.max(1, Math.trunc(most) || 1));
  const all = path === '/' && view.flag(AWS.recursive) === true ? FLAG.catchAll : 0;
  return { verb: 'read', secrets: NOTHING, weight, flags: FLAG.byPath | all };
}

function put({ view, account, region }: Record): Deed | undefined {
  const name = textOf(view.text(AWS.name));
  if (name === undefined) return plainDeed('write');
  const version = view.number(AWS.parameterVersion);
  const named = withVersion(parameterNamed(name, account, region), version === undefined ? undefined : String(version));
  return {
    verb: version === 1 ? 'create' : 'write',
    secrets: [named.ref],
    weight: 1,
    flags: 0,
    owner: named.owner,
    region: named.region,
  };
}
