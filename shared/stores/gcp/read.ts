import { KeywheelError } from '../../errors.ts';
import type { Label, SecretSummary, SecretVersion, VersionRef } from '../port.ts';
import { decodePayload } from './payload.ts';
import {
  frame,
  labelsOf,
  live,
  look,
  numberOf,
  pendingOf,
  refOf,
  rotationRef,
  versionIdOf,
  type GcpContext,
  type View,
} from './view.ts';

interface Place {
  readonly secret: string;
  readonly number: number;
  readonly ref: VersionRef;
}

/** ERR_SECRET_INVALID when the version is there and cannot be read: disabled, or `current` and destroyed. */
export async function read(
  context: GcpContext,
  name: string,
  at: Label | { readonly version: string },
): Promise<SecretVersion | undefined> {
  const view = await look(context, name);
  const place = view === undefined ? undefined : placeOf(view, at);
  if (place === undefined) return undefined;
  const { secret, number, ref } = place;
  const data = await context.api.access(secret, number);
  if (typeof data !== 'string') return { ...ref, value: decodePayload(name, ref.id, data) };
  if (data === 'DISABLED' || at === 'current') {
    const state = data === 'MISSING' ? 'missing' : data.toLowerCase();
    throw new KeywheelError(
      'ERR_SECRET_INVALID',
      `version ${number} of secret ${secret} cannot be read, because it is ${state}`,
      {
        hint:
          data === 'DISABLED'
            ? `enable it: gcloud secrets versions enable ${number} --secret=${secret}`
            : `let current name another version: gcloud secrets update ${secret} --update-version-aliases=current=N`,
        subject: name,
      },
    );
  }
  return undefined;
}

function placeOf(view: View, at: Label | { readonly version: string }): Place | undefined {
  const staged = typeof at === 'object' ? live(view).find((each) => versionIdOf(each.rotation) === at.version) : undefined;
  const pending = at === 'pending' ? pendingOf(view) : staged;
  if (pending !== undefined && view.companion !== undefined) {
    return { secret: view.companion.id, number: pending.number, ref: rotationRef(pending) };
  }
  if (at === 'pending') return undefined;
  const number = typeof at === 'object' ? numberOf(view, at.version) : view[at];
  return number === undefined ? undefined : { secret: view.main.id, number, ref: refOf(view, number) };
}

/** One listing has the secrets and their companions. Only what was not published by Keywheel costs a call more. */
export async function list(context: GcpContext, prefix: string): Promise<SecretSummary[]> {
  const { api, names } = context;
  const secrets = new Map((await api.list()).map((secret) => [secret.id, secret]));
  const named = [...secrets.values()].flatMap((main) => {
    const name = names.nameOf(main.id);
    return name?.startsWith(prefix) === true ? [{ name, main }] : [];
  });
  const summaries: SecretSummary[] = [];
  for (const { name, main } of named.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const adopted = main.aliases['current'] !== undefined;
    const versions = adopted ? [] : await api.versions(main.id, (version) => version.state === 'ENABLED');
    const view = await frame(context, name, main, secrets.get(names.companionOf(name)), versions);
    summaries.push({ name, labels: labelsOf(view) });
  }
  return summaries;
}
