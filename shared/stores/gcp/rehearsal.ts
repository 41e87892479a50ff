/** Secret Manager as a rehearsal sees it: what is there, under what it would have written itself. Nothing is sent but reads. */
import type { Secret, SecretApi, Version } from './api.ts';

interface Written {
  readonly secret: Secret;
  /** Newest first; they hide those of the same number below. */
  readonly versions: readonly (Version & { readonly payload?: Buffer })[];
}

export function rehearsalApi(live: SecretApi, now: () => number): SecretApi {
  const written = new Map<string, Written>();
  let changes = 0;
  const etag = (): string => `"rehearsed-${(changes += 1)}"`;

  const get = async (id: string): Promise<Secret | undefined> => written.get(id)?.secret ?? live.get(id);
  const write = async (id: string, change: (before: Written) => Written): Promise<void> => {
    const secret = await get(id);
    if (secret !== undefined) written.set(id, change(written.get(id) ?? { secret, versions: [] }));
  };
  const versions: SecretApi['versions'] = async (id, enough) => {
    const own = written.get(id)?.versions ?? [];
    const below = (await live.get(id)) === undefined ? [] : await live.versions(id, enough);
    return [...own, ...below.filter((version) => !own.some((each) => each.number === version.number))].toSorted(
      (a, b) => b.number - a.number,
    );
  };

  return {
    get,
    versions,
    async list() {
      const below = await live.list();
      const own = [...written.values()].map((each) => each.secret);
      return [...own, ...below.filter((secret) => !written.has(secret.id))];
    },
    async create(id, placement) {
      if ((await get(id)) !== undefined) return undefined;
      const secret = { id, etag: etag(), aliases: {}, annotations: {}, placement: placement ?? {} };
      written.set(id, { secret, versions: [] });
      return secret;
    },
    async update(secret, { aliases = secret.aliases, annotations = secret.annotations }) {
      if ((await get(secret.id))?.etag !== secret.etag) return undefined;
      const next = { ...secret, etag: etag(), aliases, annotations };
      await write(secret.id, (before) => ({ ...before, secret: next }));
      return next;
    },
    async add(id, payload) {
      const number = ((await versions(id, () => true))[0]?.number ?? 0) + 1;
      const version = { number, createdAt: now(), state: 'ENABLED' as const };
      await write(id, (before) => ({ ...before, versions: [{ ...version, payload }, ...before.versions] }));
      return version;
    },
    version: async (id, number) => written.get(id)?.versions.find((each) => each.number === number) ?? live.version(id, number),
    async access(id, number) {
      const own = written.get(id)?.versions.find((each) => each.number === number);
      if (own === undefined) return live.access(id, number);
      return own.payload ?? 'DESTROYED';
    },
    async destroy(id, number) {
      const before = (await versions(id, (version) => version.number <= number)).find((each) => each.number === number);
      const version: Version = { number, createdAt: before?.createdAt ?? now(), state: 'DESTROYED' };
      await write(id, ({ secret, versions: own }) => ({
        secret,
        versions: [version, ...own.filter((each) => each.number !== number)],
      }));
    },
  };
}
