/** Documents with all their versions, and the one clock that stamps them. */
import { compareNames } from './names.ts';
import { toWire } from './wire.ts';
import type { Fields, WireDocument } from './wire.ts';

export interface Version {
  /** Of the commit, in microseconds. */
  readonly at: bigint;
  /** Undefined where the document was deleted. */
  readonly document: StoredDocument | undefined;
}

export interface StoredDocument {
  readonly name: string;
  readonly fields: Fields;
  readonly createTime: bigint;
  readonly updateTime: bigint;
}

export class Documents {
  readonly #versions = new Map<string, Version[]>();
  #ahead = 0n;
  #last = 0n;

  /** Milliseconds since the epoch. */
  now(): number {
    return Date.now() + Number(this.#ahead / 1000n);
  }

  advance(milliseconds: number): void {
    this.#ahead += BigInt(milliseconds) * 1000n;
  }

  /** Later than every one before: update times increase with each change, also over a deletion (google/firestore/v1/document.proto). */
  tick(): bigint {
    const now = BigInt(this.now()) * 1000n;
    this.#last = now > this.#last ? now : this.#last + 1n;
    return this.#last;
  }

  /** As of `at`, or as it is. */
  get(name: string, at?: bigint): StoredDocument | undefined {
    const versions = this.#versions.get(name) ?? [];
    return (at === undefined ? versions.at(-1) : versions.findLast((version) => version.at <= at))?.document;
  }

  /** The commit that last touched it, 0 when none did. */
  version(name: string): bigint {
    return this.#versions.get(name)?.at(-1)?.at ?? 0n;
  }

  /** The commit that last touched any document directly in it. */
  collectionVersion(collection: string): bigint {
    const prefix = `${collection}/`;
    let latest = 0n;
    for (const name of this.#versions.keys()) {
      if (!name.startsWith(prefix) || name.slice(prefix.length).includes('/')) continue;
      if (this.version(name) > latest) latest = this.version(name);
    }
    return latest;
  }

  set(name: string, version: Version): void {
    const versions = this.#versions.get(name);
    if (versions === undefined) this.#versions.set(name, [version]);
    else versions.push(version);
  }

  /** The documents directly in a collection, by name. */
  inCollection(collection: string, at?: bigint): StoredDocument[] {
    const prefix = `${collection}/`;
    const found: StoredDocument[] = [];
    for (const name of this.#versions.keys()) {
      if (!name.startsWith(prefix) || name.slice(prefix.length).includes('/')) continue;
      const document = this.get(name, at);
      if (document !== undefined) found.push(document);
    }
    return found.toSorted((a, b) => compareNames(a.name, b.name));
  }
}

export function toWireDocument({ name, fields, createTime, updateTime }: StoredDocument, mask?: readonly string[]): WireDocument {
  const shown =
    mask === undefined ? fields : Object.fromEntries(Object.entries(fields).filter(([field]) => mask.includes(field)));
  return { name, fields: shown, createTime: toWire(createTime), updateTime: toWire(updateTime) };
}
