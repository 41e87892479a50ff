/**
 * Reads are eventually consistent (https://docs.cloud.google.com/secret-manager/docs/reference/consistency), and a rotation reads what it has
 * just written. So what this process wrote is remembered for as long as reads may lag, and stands in for a reading that is older: records count
 * their writes. A change that is refused for its etag forgets it, and the readings decide again.
 */
import type { Secret, SecretApi } from './api.ts';
import { writesOf } from './record.ts';

export function remembering(api: SecretApi, lag: number, now: () => number): SecretApi {
  const written = new Map<string, { readonly secret: Secret; readonly at: number }>();
  const keep = (secret: Secret | undefined): Secret | undefined => {
    if (secret !== undefined) written.set(secret.id, { secret, at: now() });
    return secret;
  };
  const newest = (id: string, read: Secret | undefined): Secret | undefined => {
    const own = written.get(id);
    if (own === undefined || own.at + lag < now()) return read;
    return read === undefined || writesOf(read) < writesOf(own.secret) ? own.secret : read;
  };
  return {
    ...api,
    get: async (id) => newest(id, await api.get(id)),
    list: async () => {
      const read = new Map((await api.list()).map((secret) => [secret.id, secret]));
      return [...new Set([...read.keys(), ...written.keys()])].flatMap((id) => newest(id, read.get(id)) ?? []);
    },
    create: async (id, placement) => keep(await api.create(id, placement)),
    update: async (secret, changes) => {
      const saved = await api.update(secret, changes);
      if (saved === undefined) written.delete(secret.id);
      return keep(saved);
    },
  };
}
