/** Where a call came from, and what tells it from all others. */
import type { Net } from '../../event.ts';
import type { View } from '../../view.ts';
import { hash48 } from '../../sketches/hash.ts';
import { createMemory } from '../common-memory.ts';
import { capped, netOf, objectOf } from '../common.ts';
import { AZURE } from './plan.ts';

/** `claimIp` only where it is an address and another one than the caller's. */
export function addressesOf(caller: string | undefined, claimed: string | undefined): { net: Net; claimIp: string | undefined } {
  const net = netOf(caller);
  if (claimed === undefined) return { net, claimIp: undefined };
  const claim = netOf(claimed).ip;
  return { net, claimIp: claim === undefined || net.ip === undefined || claim === net.ip ? undefined : claim };
}

/**
 * No record of Azure has an id of its own. What tells one from the next stands in it in clear, the time to the 100 ns first: a correlation id is
 * chosen by the client, and whoever chose it well could otherwise hide a read behind another. Two records of one request differ in their time.
 */
export function idOf(view: View, time: number, name: string, place: string): { id: string; ref: string } {
  const correlation = short(view.text(AZURE.correlationId), 64);
  const when = short(view.text(AZURE.time) ?? view.text(AZURE.eventTimestamp) ?? String(time), 48);
  const caller = short(view.text(AZURE.callerIpAddress), 64);
  const asked = view.text(AZURE.requestUri) ?? view.text(AZURE.eventDataId) ?? '';
  const took = short(view.text(AZURE.durationMs) ?? String(view.number(AZURE.durationMs) ?? ''), 32);
  const what = asked.length > 2_048 ? hashed(asked) : (addresses.get(asked) ?? addresses.keep(asked, hashed(asked)));
  return { id: `azure|${when}|${place}|${short(name, 120)}|${correlation}|${caller}|${took}|${what}`, ref: correlation };
}

const short = (text: string | undefined, most: number): string =>
  text === undefined ? '' : text.length <= most ? text : capped(text, most);

/** The same few addresses are asked again and again. */
const addresses = createMemory<string, string>(8_192);
const hashed = (text: string): string => hash48(text).toString(36);

/** A request's body, which the Activity Log holds as text. */
export function bodyOf(text: string | undefined): ReturnType<typeof objectOf> {
  if (text === undefined || text.length > 65_536) return undefined;
  try {
    return objectOf(JSON.parse(text));
  } catch {
    return undefined;
  }
}
