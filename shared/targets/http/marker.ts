/**
 * The name that a minted key carries at the vendor. It is all that tells whose a key is: vendors have no place for a fence or an owner, so the name
 * has both. Lower-case letters, digits and hyphens only, at most 80 of them, which vendors take everywhere.
 */
import { createHash } from 'node:crypto';
import type { Stamp } from '../port.ts';

export interface Marker {
  readonly installation: string;
  readonly secret: string;
  readonly rotation: string;
  readonly fence: number;
}

const short = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8);

export function markerOf(stamp: Stamp, rotation: string): Marker {
  return { installation: short(stamp.installation), secret: short(stamp.secret), rotation, fence: stamp.fence };
}

export const nameOf = ({ installation, secret, rotation, fence }: Marker): string =>
  `keywheel-${installation}-${secret}-${rotation}-${fence}`;

/** As a dry run tells it: before the first rotation there is no installation yet, and the fence is the real run's. */
export const toldName = ({ secret, rotation }: Marker): string => `keywheel-<installation>-${secret}-${rotation}-<fence>`;

/** Undefined for a name that people or other tools gave. */
export function parseName(name: string): Marker | undefined {
  const found = /^keywheel-([0-9a-f]{8})-([0-9a-f]{8})-(.+)-(\d{1,16})$/.exec(name);
  if (found === null) return undefined;
  const [, installation = '', secret = '', rotation = '', fence = ''] = found;
  return { installation, secret, rotation, fence: Number(fence) };
}

export const sameOwner = (a: Marker, b: Marker): boolean => a.installation === b.installation && a.secret === b.secret;
