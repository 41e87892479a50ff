/** Creating a secret and hand edits, with the same compare-and-set as publishing. */
import type { Random } from '../../deps.ts';
import type { Revision, SecretState, SecretValue } from '../port.ts';
import { conflict, isNamed, storeError } from './failures.ts';
import { moveLabel } from './labels.ts';
import { refuseMoved } from './publish.ts';
import { seen } from './settle.ts';
import { PUT_LABEL } from './tokens.ts';
import { encode } from './value.ts';
import { look, need, stateOf, type Context, type View } from './view.ts';

const ATTEMPTS = 3;

export async function put(
  context: Context,
  random: Random,
  name: string,
  value: SecretValue,
  expected: Revision | null | undefined,
): Promise<SecretState> {
  const text = encode(name, value);
  const token = uuid(random);
  const view = await look(context, name);
  if (view === undefined && typeof expected === 'string') {
    throw conflict(name, 'there is no such secret any more', 'look again and repeat the change');
  }
  // A secret without a value, as templates make them with their grants, is as good as new.
  if (view?.current !== undefined && expected === null) throw exists(name);
  if (view === undefined) return create(context, name, text, token);
  if (typeof expected === 'string') refuseMoved(view, expected);
  return replace(context, view, text, token, expected);
}

async function create(context: Context, name: string, text: string, token: string): Promise<SecretState> {
  try {
    await context.calls.effect(
      `CreateSecret ${name} version ${token}`,
      (service) => service.createSecret({ Name: name, SecretString: text, ClientRequestToken: token }),
      () => {
        context.facts.suppose(name, token, context.clock.now());
        return {};
      },
    );
  } catch (error) {
    if (isNamed(error, 'ResourceExistsException')) throw exists(name);
    throw storeError(error, name, `secret ${name} was not created for certain`);
  }
  if (context.rehearsal !== undefined) {
    const createdAt = Math.trunc(context.clock.now());
    return { name, revision: `${token}/none`, labels: { current: { id: token, createdAt } } };
  }
  return stateOf(context, await need(context, name));
}

/** PutSecretValue alone would take AWSCURRENT from whoever bears it; written under a label of ours first, it is moved by compare-and-set. */
async function replace(
  context: Context,
  view: View,
  text: string,
  token: string,
  expected: Revision | null | undefined,
): Promise<SecretState> {
  const { name } = view;
  try {
    await context.calls.effect(
      `PutSecretValue ${name} version ${token} as ${PUT_LABEL}`,
      (service) =>
        service.putSecretValue({ SecretId: name, ClientRequestToken: token, SecretString: text, VersionStages: [PUT_LABEL] }),
      () => {
        context.rehearsal?.note(name, { label: PUT_LABEL, to: token });
        context.facts.suppose(name, token, context.clock.now());
        return {};
      },
    );
  } catch (error) {
    throw storeError(error, name, `secret ${name} was not changed for certain`);
  }
  let now = view;
  for (let attempt = 1; ; attempt += 1) {
    const was = now.current;
    // The first version of a secret is made current by PutSecretValue itself.
    const refusal = was === token ? undefined : await moveLabel(context, name, { label: 'AWSCURRENT', from: was, to: token });
    now = await seen(context, name, ({ current }) => refusal !== undefined || current !== was);
    if (now.current === token) break;
    if (expected === null && now.current !== undefined) throw exists(name);
    if (typeof expected === 'string') refuseMoved(now, expected);
    if (attempt === ATTEMPTS)
      throw refusal ?? conflict(name, 'it is being changed by others', 'look again and repeat the change');
  }
  await moveLabel(context, name, { label: PUT_LABEL, from: token });
  return stateOf(context, await need(context, name));
}

const exists = (name: string) => conflict(name, 'it exists already', 'choose another name, or replace the value that is there');

/** https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-4 */
function uuid(random: Random): string {
  const bytes = Buffer.from(random.bytes(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
