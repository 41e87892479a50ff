/** Addresses: what kind of network, and the ranges that baselines remember. Pure but for a bounded memory of its own answers. */
import type { Net } from '../event.ts';
import { createMemory } from './common-memory.ts';

export const NO_NET: Net = Object.freeze({ kind: 'none' });

const seen = createMemory<string, Net>(8_192);
/** The longest address with brackets, zone and port. */
const LONGEST = 96;

/**
 * The network of an address as stores write it: IPv4, IPv6, IPv4-mapped (`::ffff:`), with or without a port, brackets or a zone. `private` is what
 * no public network routes: RFC 1918, carrier-grade NAT, loopback, link-local, unique local. What is no address gives `none`: sources know their
 * own words (`AWS Internal`, `gce-internal-ip`) and ask for addresses only.
 */
export function netOf(ip: string | undefined): Net {
  if (ip === undefined || ip === '' || ip.length > LONGEST) return NO_NET;
  return seen.get(ip) ?? seen.keep(ip, read(ip));
}

function read(text: string): Net {
  let address = text.trim();
  if (address.startsWith('[')) {
    const end = address.indexOf(']');
    if (end === -1) return NO_NET;
    address = address.slice(1, end);
  } else if (address.indexOf(':') !== -1 && address.indexOf(':') === address.lastIndexOf(':')) {
    address = address.slice(0, address.indexOf(':'));
  }
  const zone = address.indexOf('%');
  if (zone !== -1) address = address.slice(0, zone);
  if (!address.includes(':')) {
    const four = fourOf(address);
    return four === undefined ? NO_NET : ofFour(four);
  }
  const groups = groupsOf(address);
  return groups === undefined ? NO_NET : ofSix(groups);
}

type Four = readonly [number, number, number, number];

function fourOf(text: string): Four | undefined {
  const parts = text.split('.', 5);
  if (parts.length !== 4) return undefined;
  const bytes: number[] = [];
  for (const part of parts) {
    // A leading zero means octal to some readers: such an address is nobody's.
    if (part === '' || part.length > 3 || (part.length > 1 && part.startsWith('0'))) return undefined;
    let value = 0;
    for (let at = 0; at < part.length; at += 1) {
      const digit = part.charCodeAt(at) - 48;
      if (digit < 0 || digit > 9) return undefined;
      value = value * 10 + digit;
    }
    if (value > 255) return undefined;
    bytes.push(value);
  }
  return bytes as unknown as Four;
}

function ofFour([a, b, c, d]: Four): Net {
  const closed =
    a === 10 ||
    a === 127 ||
    a === 0 ||
    (a === 172 && b >= 16 && b <= 31) ||
    (a === 192 && b === 168) ||
    (a === 192 && b === 0 && c === 0) ||
    (a === 169 && b === 254) ||
    (a === 100 && b >= 64 && b <= 127) ||
    (a === 198 && (b === 18 || b === 19));
  return Object.freeze({
    kind: closed ? 'private' : 'public',
    ip: `${a}.${b}.${c}.${d}`,
    prefix: `${a}.${b}.${c}.0/24`,
    wide: `${a}.${b}.0.0/16`,
  });
}

/** The eight groups of an IPv6 address. */
function groupsOf(text: string): readonly number[] | undefined {
  let address = text;
  const tail: number[] = [];
  if (text.includes('.')) {
    const cut = text.lastIndexOf(':');
    const four = fourOf(text.slice(cut + 1));
    if (four === undefined) return undefined;
    tail.push(four[0] * 256 + four[1], four[2] * 256 + four[3]);
    address = text.slice(0, cut);
    // `::1.2.3.4` leaves `:`, whose other colon is the cut one.
    if (address.endsWith(':')) address += ':';
  }
  const gap = address.indexOf('::');
  if (gap !== address.lastIndexOf('::')) return undefined;
  const head = hexesOf(gap === -1 ? address : address.slice(0, gap));
  const rest = gap === -1 ? [] : hexesOf(address.slice(gap + 2));
  if (head === undefined || rest === undefined) return undefined;
  const given = head.length + rest.length + tail.length;
  if (gap === -1 ? given !== 8 : given > 7) return undefined;
  return [...head, ...Array.from<number>({ length: 8 - given }).fill(0), ...rest, ...tail];
}

function hexesOf(text: string): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':', 9);
  const groups: number[] = [];
  for (const part of parts) {
    if (part.length === 0 || part.length > 4) return undefined;
    let value = 0;
    for (let at = 0; at < part.length; at += 1) {
      const digit = '0123456789abcdef'.indexOf(part[at]?.toLowerCase() ?? '?');
      if (digit === -1) return undefined;
      value = value * 16 + digit;
    }
    groups.push(value);
  }
  return groups;
}

function ofSix(groups: readonly number[]): Net {
  const [first = 0, second = 0, third = 0] = groups;
  const zeros = (to: number): boolean => groups.slice(0, to).every((group) => group === 0);
  // ::ffff:0:0/96 is IPv4 as a dual-stack socket writes it; 64:ff9b::/96 is IPv4 behind NAT64 (RFC 6052).
  const mapped = zeros(5) && groups[5] === 0xffff;
  const translated = first === 0x64 && second === 0xff9b && groups.slice(2, 6).every((group) => group === 0);
  if (mapped || translated) {
    const [high = 0, low = 0] = groups.slice(6);
    return ofFour([high >> 8, high & 255, low >> 8, low & 255]);
  }
  const closed = (first & 0xfe00) === 0xfc00 || (first & 0xffc0) === 0xfe80 || (zeros(7) && (groups[7] === 0 || groups[7] === 1));
  return Object.freeze({
    kind: closed ? 'private' : 'public',
    ip: written(groups),
    prefix: `${written([first, second, third, 0, 0, 0, 0, 0])}/48`,
    wide: `${written([first, second, 0, 0, 0, 0, 0, 0])}/32`,
  });
}

/** As RFC 5952 writes it: lower case, the longest run of two or more zeros as `::`. */
function written(groups: readonly number[]): string {
  let best = -1;
  let most = 1;
  for (let at = 0; at < 8; at += 1) {
    let end = at;
    while (end < 8 && groups[end] === 0) end += 1;
    if (end - at > most) [best, most] = [at, end - at];
    if (end > at) at = end - 1;
  }
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  return best === -1 ? hex(groups) : `${hex(groups.slice(0, best))}::${hex(groups.slice(best + most))}`;
}
