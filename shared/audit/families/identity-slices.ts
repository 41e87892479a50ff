/** What the detectors of identity remember: of a principal where each credential was used, of the tenant which networks and accounts go together. */
import { sliceIfAny, type Profile } from '../profiles/profile.ts';
import type { Slot } from '../profiles/slot.ts';
import { SLOT } from '../profiles/slots.ts';
import { freshKnown, packKnown, unpackKnown, type Known } from '../sketches/known.ts';

const FORMAT = 1;

/** A stay of a credential in one network. */
export interface Seat {
  /** Hashes of the /24 or /48, of the /16 or /32, and of the client's family. */
  readonly net: number;
  readonly wide: number;
  client: number;
  readonly six: boolean;
  /** Of the present stay: a pause of STAY ends one. */
  first: number;
  last: number;
}

export interface Credential {
  readonly hash: number;
  /** Up to MOST_SEATS; the one that was left the longest ago goes. */
  readonly seats: Seat[];
}

/** Two networks between which one credential went back and forth. */
export interface Pair {
  readonly pair: number;
  first: number;
  last: number;
}

/** In the order in which they are counted. */
export const KINDS = ['public', 'private', 'service', 'internal'] as const;

export interface Identity {
  /** The last used, up to MOST_CREDENTIALS. */
  readonly credentials: Credential[];
  /** Up to MOST_PAIRS. */
  readonly pairs: Pair[];
  /** Successful events from each of KINDS. */
  readonly kinds: number[];
  /** The last event from a cloud's inside that has no address. */
  inner: number;
  /** The longest chain of roles. */
  chain: number;
  /** Events from a console or cloud shell. */
  consoles: number;
}

export const MOST_CREDENTIALS = 6;
export const MOST_SEATS = 4;
export const MOST_PAIRS = 8;
export const STAY = 30 * 60_000;

const isWhole = (value: unknown): value is number[] => Array.isArray(value) && value.every(Number.isSafeInteger);

export const IDENTITY: Slot<Identity> = {
  index: SLOT.identity,
  name: 'identity',
  fresh: () => ({ credentials: [], pairs: [], kinds: [0, 0, 0, 0], inner: 0, chain: 0, consoles: 0 }),
  pack: ({ credentials, pairs, kinds, inner, chain, consoles }) => [
    FORMAT,
    [...kinds, inner, chain, consoles],
    pairs.flatMap(({ pair, first, last }) => [pair, first, last - first]),
    ...credentials.map(({ hash, seats }) => [
      hash,
      ...seats.flatMap(({ net, wide, client, six, first, last }) => [net, wide, client, six ? 1 : 0, first, last - first]),
    ]),
  ],
  unpack(packed) {
    if (!Array.isArray(packed) || packed[0] !== FORMAT || !packed.slice(1).every(isWhole)) return undefined;
    const [, head = [], pairs = [], ...rest] = packed as [number, ...number[][]];
    if (head.length !== KINDS.length + 3 || pairs.length % 3 !== 0 || pairs.length > 3 * MOST_PAIRS) return undefined;
    if (rest.length > MOST_CREDENTIALS || !rest.every(({ length }) => length % 6 === 1 && length <= 6 * MOST_SEATS + 1))
      return undefined;
    const [inner = 0, chain = 0, consoles = 0] = head.slice(KINDS.length);
    return {
      credentials: rest.map(([hash = 0, ...parts]) => ({ hash, seats: chunks(parts, 6).map(seatOf) })),
      pairs: chunks(pairs, 3).map(([pair = 0, first = 0, span = 0]) => ({ pair, first, last: first + span })),
      kinds: head.slice(0, KINDS.length),
      inner,
      chain,
      consoles,
    };
  },
};

const seatOf = ([net = 0, wide = 0, client = 0, six = 0, first = 0, span = 0]: readonly number[]): Seat => ({
  net,
  wide,
  client,
  six: six === 1,
  first,
  last: first + span,
});

const chunks = (list: readonly number[], size: number): number[][] =>
  Array.from({ length: list.length / size }, (_, at) => list.slice(at * size, (at + 1) * size));

/** True when this principal used this credential (its hash) with success. */
export const knowsCredential = (principal: Profile, credential: number): boolean =>
  sliceIfAny(principal, IDENTITY)?.credentials.some(({ hash }) => hash === credential) ?? false;

export interface TenantIdentity {
  /** Accounts from which others' secrets are read. */
  readonly homes: Known;
  /** Pairs of a token's address and its caller's. */
  readonly claims: Known;
  /** Pairs of networks between which credentials of one principal went back and forth, by who went. */
  readonly pairs: Known;
}

export const MOST_HOMES = 64;
export const MOST_CLAIMS = 48;
export const MOST_TENANT_PAIRS = 48;

export const TENANT_IDENTITY: Slot<TenantIdentity> = {
  index: SLOT.tenantIdentity,
  name: 'tenant-identity',
  fresh: () => ({ homes: freshKnown(), claims: freshKnown(), pairs: freshKnown() }),
  pack: ({ homes, claims, pairs }) => [FORMAT, packKnown(homes), packKnown(claims), packKnown(pairs)],
  unpack(packed) {
    if (!Array.isArray(packed) || packed[0] !== FORMAT || packed.length !== 4) return undefined;
    const [homes, claims, pairs] = packed.slice(1).map(unpackKnown);
    return homes === undefined || claims === undefined || pairs === undefined ? undefined : { homes, claims, pairs };
  },
};

/** Of two hashes, whichever comes first. 48 bits. */
export const pairOf = (a: number, b: number): number => (Math.min(a, b) * 31 + Math.max(a, b)) % 2 ** 48;
