/** What the detectors of authentication remember: of a principal what was refused, of a network whose logins failed. Nothing where nothing was refused. */
import type { Slot } from '../profiles/slot.ts';
import { SLOT } from '../profiles/slots.ts';
import type { Days } from './days.ts';

/** How an attempt ended. */
export const ENDED = { failed: 0, repeat: 1, denied: 2, role: 3 } as const;

export interface Attempt {
  readonly at: number;
  /** One of ENDED: a failed login or dead token; the same again, which tells nothing new; denied on what it never read; a role that it may not take. */
  readonly ended: number;
  /** Hashes; 0: none. */
  readonly secret: number;
  readonly credential: number;
  readonly action: number;
}

export interface Auth {
  /** Ascending, up to MOST_ATTEMPTS. */
  readonly attempts: Attempt[];
  /** Successes while something was refused, ascending, one a minute, up to MOST_OKS. */
  readonly oks: number[];
  /** Days on which it was denied what it never read. */
  readonly denied: Days;
  /** Days on which it was denied a role. */
  readonly roles: Days;
  /** Credentials that it made: times, ascending, up to MOST_MADE. */
  readonly made: number[];
  /** The most that it made at once on earlier days, and on `day`, the newest on which it made one; -1: none. */
  most: number;
  today: number;
  day: number;
  /** Acts with something sensitive, and those of them without a second factor. */
  sensitive: number;
  single: number;
}

export const MOST_ATTEMPTS = 32;
export const MOST_OKS = 16;
export const MOST_MADE = 32;
const FORMAT = 1;

const ascends = (times: readonly number[]): boolean => times.every((time, at) => at === 0 || time >= (times[at - 1] ?? 0));
/** The first, then the gaps: shorter to write. */
const spread = (times: readonly number[]): number[] => times.map((time, at) => time - (times[at - 1] ?? 0));

function gathered(gaps: readonly number[]): number[] {
  let time = 0;
  return gaps.map((gap) => (time += gap));
}

const isWhole = (value: unknown): value is number[] => Array.isArray(value) && value.every(Number.isSafeInteger);

export const AUTH: Slot<Auth> = {
  index: SLOT.auth,
  name: 'auth',
  fresh: () => ({
    attempts: [],
    oks: [],
    denied: { day: -1, mask: 0 },
    roles: { day: -1, mask: 0 },
    made: [],
    most: 0,
    today: 0,
    day: -1,
    sensitive: 0,
    single: 0,
  }),
  pack: ({ attempts, oks, denied, roles, made, most, today, day, sensitive, single }) => [
    FORMAT,
    spread(attempts.map(({ at }) => at)),
    attempts.flatMap(({ ended, secret, credential, action }) => [ended, secret, credential, action]),
    spread(oks),
    spread(made),
    [denied.day, denied.mask, roles.day, roles.mask, most, today, day, sensitive, single],
  ],
  unpack(packed) {
    if (!Array.isArray(packed) || packed[0] !== FORMAT || packed.length !== 6 || !packed.slice(1).every(isWhole))
      return undefined;
    const [, gaps = [], parts = [], oks = [], made = [], rest = []] = packed as [number, ...number[][]];
    const times = gathered(gaps);
    if (parts.length !== 4 * times.length || rest.length !== 9 || times.length > MOST_ATTEMPTS || !ascends(times))
      return undefined;
    if (oks.length > MOST_OKS || made.length > MOST_MADE) return undefined;
    const [d = 0, dMask = 0, r = 0, rMask = 0, most = 0, today = 0, day = 0, sensitive = 0, single = 0] = rest;
    const auth: Auth = {
      attempts: times.map((at, index) => {
        const [ended = 0, secret = 0, credential = 0, action = 0] = parts.slice(4 * index, 4 * index + 4);
        return { at, ended, secret, credential, action };
      }),
      oks: gathered(oks),
      denied: { day: d, mask: dMask },
      roles: { day: r, mask: rMask },
      made: gathered(made),
      most,
      today,
      day,
      sensitive,
      single,
    };
    return ascends(auth.oks) && ascends(auth.made) ? auth : undefined;
  },
};

/** A principal's failure or success, from one network. */
export interface Try {
  readonly at: number;
  /** The hash of the principal. */
  readonly who: number;
  /** Of a failure, 1: nobody is named, so that several may be meant. Of a success, 1: it was a login. */
  readonly mark: number;
}

export interface NetworkAuth {
  /** Both ascending, up to MOST_TRIES. Successes are kept while there are failures, one a minute of each principal. */
  readonly fails: Try[];
  readonly oks: Try[];
}

export const MOST_TRIES = 32;

const packTries = (tries: readonly Try[]): number[] => {
  const gaps = spread(tries.map(({ at }) => at));
  return tries.flatMap(({ who, mark }, index) => [gaps[index] ?? 0, who, mark]);
};

function unpackTries(packed: unknown): Try[] | undefined {
  if (!isWhole(packed) || packed.length % 3 !== 0 || packed.length > 3 * MOST_TRIES) return undefined;
  const times = gathered(packed.filter((_, index) => index % 3 === 0));
  return ascends(times)
    ? times.map((at, index) => ({ at, who: packed[3 * index + 1] ?? 0, mark: packed[3 * index + 2] ?? 0 }))
    : undefined;
}

export const NETWORK_AUTH: Slot<NetworkAuth> = {
  index: SLOT.authNetwork,
  name: 'auth-network',
  fresh: () => ({ fails: [], oks: [] }),
  pack: ({ fails, oks }) => [FORMAT, packTries(fails), packTries(oks)],
  unpack(packed) {
    if (!Array.isArray(packed) || packed[0] !== FORMAT || packed.length !== 3) return undefined;
    const fails = unpackTries(packed[1]);
    const oks = unpackTries(packed[2]);
    return fails === undefined || oks === undefined ? undefined : { fails, oks };
  },
};

/** Puts one into an ascending list of at most `limit`, after those of the same time; the oldest goes. */
export function insert<T extends { readonly at: number }>(list: T[], one: T, limit: number): void {
  let place = list.length;
  while (place > 0 && (list[place - 1]?.at ?? 0) > one.at) place -= 1;
  list.splice(place, 0, one);
  if (list.length > limit) list.shift();
}
