/**
 * What a version's tags say of it. Tags are readable with `list` alone, so no material and nothing made of it is in them.
 * At most 15 tags of 256 characters: https://learn.microsoft.com/azure/key-vault/secrets/about-secrets#secret-tags
 */
import { KeywheelError } from '../../errors.ts';
import type { VersionRef } from '../port.ts';
import type { VaultVersion } from './vault.ts';

const ROTATION = 'keywheel-rotation';
const PREVIOUS = 'keywheel-previous';
const WRITE = 'keywheel-write';
const STATE = 'keywheel-state';
const OURS = 'keywheel-';
const MOST_TAGS = 15;

/** Of a version of the companion secret. Only `pending` bears the label; `staged` lost it when another version was published. */
export type PendingState = 'pending' | 'staged' | 'published' | 'discarded';

/** How a version of ours came to be the newest of the main secret. */
export interface Written {
  /** Random for each write: tags that people copy to a version of their own are known by it. */
  readonly nonce: string;
  /** Key Vault's id of the version that was the newest before; absent when it was the first. */
  readonly base?: string;
  /** How many other versions were made in the same second as `base`, at that time. */
  readonly beside: number;
  /** Which version of ours it carries. Absent for a hand edit: then it is its own. */
  readonly ref?: VersionRef;
  /** The version that it made previous. */
  readonly previous?: string;
}

/** The tags of a new version of the main secret; `kept` are the tags that people gave the one before. */
export function tagsOfWrite(written: Written, kept: Readonly<Record<string, string>>): Record<string, string> {
  const { nonce, base, beside, ref, previous } = written;
  const own: Record<string, string> = { [WRITE]: [nonce, base ?? '', beside, ref?.createdAt ?? '', ref?.id ?? ''].join('.') };
  if (ref?.rotationId !== undefined) own[ROTATION] = ref.rotationId;
  if (previous !== undefined) own[PREVIOUS] = previous;
  const theirs = Object.entries(kept).filter(([name]) => !name.startsWith(OURS));
  return { ...Object.fromEntries(theirs.slice(0, MOST_TAGS - Object.keys(own).length)), ...own };
}

/** Undefined for a version that Keywheel did not write. */
export function writtenOf({ tags }: VaultVersion): Written | undefined {
  const [nonce = '', base = '', beside = '', createdAt = '', ...rest] = tags[WRITE]?.split('.') ?? [];
  if (nonce === '' || !/^\d+$/.test(beside)) return undefined;
  const id = rest.join('.');
  const rotationId = tags[ROTATION];
  const ref: VersionRef = { id, createdAt: Number(createdAt), ...(rotationId === undefined ? {} : { rotationId }) };
  return {
    nonce,
    beside: Number(beside),
    ...(base === '' ? {} : { base }),
    ...(id === '' || !/^\d+$/.test(createdAt) ? {} : { ref }),
    ...(tags[PREVIOUS] === undefined ? {} : { previous: tags[PREVIOUS] }),
  };
}

export function tagsOfPending(rotationId: string, state: PendingState): Record<string, string> {
  return { [ROTATION]: rotationId, [STATE]: state };
}

/** Undefined for a version that Keywheel did not stage. */
export function pendingOf({ tags }: VaultVersion): { readonly rotationId: string; readonly state: PendingState } | undefined {
  const [rotationId, state] = [tags[ROTATION], tags[STATE]];
  if (rotationId === undefined || (state !== 'pending' && state !== 'staged' && state !== 'published' && state !== 'discarded')) {
    return undefined;
  }
  return { rotationId, state };
}

/** ERR_CONFIG_INVALID for a rotation id that would not fit a tag beside the rest, or break a line. */
export function checkRotationId(id: string): void {
  if (/^[\x21-\x7e]{1,150}$/.test(id)) return;
  throw new KeywheelError('ERR_CONFIG_INVALID', `rotation id ${JSON.stringify(id.slice(0, 80))} cannot be used`, {
    hint: 'use 1 to 150 printable ASCII characters without spaces',
  });
}
