/**
 * Changes that a rotation announces of itself, so that what it does is not taken for an attack. The announcement names the versions that it staged: whoever
 * writes one of those is ours for that secret until the window ends. Somebody else who writes or reads the secret meanwhile is not.
 */
import { createHash } from 'node:crypto';
import { isKeywheelError } from '../errors.ts';
import type { State } from '../state/index.ts';

export interface Announcement {
  /** As consumers name it in its store. */
  readonly secret: string;
  readonly rotationId: string;
  /** Ids of versions, as the store's audit records tell them. */
  readonly versions: readonly string[];
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly until: number;
}

type Window = Omit<Announcement, 'secret'>;
interface Record {
  readonly v: 1;
  readonly secret: string;
  readonly windows: readonly Window[];
}

const HOUR = 3_600_000;
const WINDOWS = 4;
const TRIES = 5;
/** Records of what was done in the window come later than it ends. */
const LATER = 24 * HOUR;

const recordKey = (secret: string): string => `audit/expected/${createHash('sha256').update(secret).digest('hex').slice(0, 32)}`;

/** Adds to what the same rotation announced before. Keeps the newest 4 rotations of a secret. ERR_STATE codes. */
export async function announce(state: State, { secret, ...window }: Announcement): Promise<void> {
  const key = recordKey(secret);
  for (let turn = 1; ; turn += 1) {
    const stored = await state.get<Record>(key);
    const known = stored?.value.windows ?? [];
    const before = known.find(({ rotationId }) => rotationId === window.rotationId);
    const joined: Window = {
      ...window,
      versions: [...new Set([...(before?.versions ?? []), ...window.versions])],
      from: Math.min(before?.from ?? window.from, window.from),
      until: Math.max(before?.until ?? window.until, window.until),
    };
    const windows = [...known.filter(({ rotationId }) => rotationId !== window.rotationId), joined].slice(-WINDOWS);
    const value: Record = { v: 1, secret, windows };
    const ttl = Math.max(HOUR, joined.until - joined.from) + LATER;
    try {
      await state.put({ key, value, expected: stored?.revision ?? null, ttl });
      return;
    } catch (error) {
      if (!isKeywheelError(error, 'ERR_STATE_CONFLICT') || turn >= TRIES) throw error;
    }
  }
}

export interface Expected {
  /** Reads the announcements of the secrets that a batch names. */
  load(names: ReadonlySet<string>): Promise<void>;
  /** The end of the window in which this version was announced; undefined: it was not. */
  until(name: string, version: string, time: number): number | undefined;
}

const TOGETHER = 100;

export function openExpected(state: State): Expected {
  let windows = new Map<string, readonly Window[]>();
  return {
    async load(names) {
      windows = new Map();
      const keys = [...names].map(recordKey);
      for (let at = 0; at < keys.length; at += TOGETHER) {
        for (const { value } of await state.getMany<Record>(keys.slice(at, at + TOGETHER)))
          windows.set(value.secret, value.windows);
      }
    },
    until: (name, version, time) =>
      windows.get(name)?.find((one) => one.versions.includes(version) && time >= one.from && time <= one.until)?.until,
  };
}
