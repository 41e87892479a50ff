/** X: what only shows across stores, stages and principals. */
import { FLAG, hasFlag, type Source } from '../event.ts';
import { sliceIfAny, sliceOf } from '../profiles/profile.ts';
import { rangesOf } from '../ranges.ts';
import type { Slot } from '../profiles/slot.ts';
import { SLOT } from '../profiles/slots.ts';
import type { Finding, Scene } from '../scene.ts';
import { READERSHIP, wordHash } from './known.ts';
import { isWarm, type Reading } from './reading.ts';
import { SWEEP } from './sweep-slice.ts';

type Say = (finding: Finding) => void;

const MINUTE = 60_000;
const DAY = 86_400_000;
const SOURCES: readonly Source[] = ['aws', 'gcp', 'azure', 'vault', 'openbao'];

/** On a network: who reads where. On a principal: how far along a chain it is. */
interface Across {
  /** Address hash, index of the source, time: in turn. */
  reads: number[];
  /** Days on which one address read in several stores. */
  days: number;
  day: number;
  /** Principals that read what was new to them from here: hash and time, in turn. */
  novel: number[];
  /** Times of the last: who-am-I, enumeration, list of secrets. */
  stages: [number, number, number];
  /** Days on which the whole chain was seen. */
  chainDays: number;
  chainDay: number;
}

export const ACROSS: Slot<Across> = {
  index: SLOT.across,
  name: 'across',
  fresh: () => ({ reads: [], days: 0, day: 0, novel: [], stages: [0, 0, 0], chainDays: 0, chainDay: 0 }),
  pack: (a) => [a.reads, a.days, a.day, a.novel, a.stages, a.chainDays, a.chainDay],
  unpack(packed) {
    if (!Array.isArray(packed) || packed.length !== 7) return undefined;
    const [reads, days, day, novel, stages, chainDays, chainDay] = packed as unknown[];
    const lists = [reads, novel, stages];
    if (!lists.every((list) => Array.isArray(list) && list.every(Number.isFinite))) return undefined;
    const numbers = [days, day, chainDays, chainDay];
    if (!numbers.every(Number.isFinite) || (stages as number[]).length !== 3) return undefined;
    return {
      reads: reads as number[],
      days: days as number,
      day: day as number,
      novel: novel as number[],
      stages: stages as [number, number, number],
      chainDays: chainDays as number,
      chainDay: chainDay as number,
    };
  },
};

/** Vault and OpenBao are one store that changed its name. */
const storeIndex = (source: Source): number => Math.min(3, SOURCES.indexOf(source));

export function observeAcross(scene: Scene, reading: Reading, say: Say): void {
  if (scene.own || !reading.reads) return;
  observeStores(scene, say);
  observeChain(scene, reading, say);
  if (!isWarm(scene)) return;
  observeCrowd(scene, reading, say);
  observeNewcomer(scene, reading, say);
}

function observeStores(scene: Scene, say: Say): void {
  const { event, network, detectors, settings } = scene;
  const { enabled, params } = detectors.X1;
  const slice = network === undefined ? undefined : sliceIfAny(network, ACROSS);
  if (!enabled || slice === undefined || event.net.ip === undefined || event.net.kind === 'service') return;
  if (rangesOf(settings.trustedNetworks)(event.net.ip)) return;
  const address = wordHash(event.net.ip);
  const since = event.time - (params['minutes'] ?? 15) * MINUTE;
  const store = storeIndex(event.source);
  // Bits by the index of a store.
  let others = 0;
  for (let at = 0; at < slice.reads.length; at += 3) {
    const other = slice.reads[at + 1] ?? 0;
    if (other !== store && slice.reads[at] === address && (slice.reads[at + 2] ?? 0) >= since) others |= 1 << other;
  }
  if (others === 0) return;
  const indexes = [0, 1, 2, 3].filter((index) => (others & (1 << index)) !== 0);
  // The way out of an office: it does so every day.
  const usual = slice.days >= 2;
  const bits = (9 + indexes.length - 1) * (usual ? 0.2 : 1);
  if (bits < 2) return;
  const names = [...indexes, store].map((index) => SOURCES[index] ?? '').sort();
  say({
    detector: 'X1',
    bits,
    observed: `secrets read in ${names.join(' and ')} from ${event.net.ip}`,
    expected: `on ${slice.days} days before`,
    entity: 'principal',
  });
}

function observeChain({ principal, event, detectors }: Scene, { novel }: Reading, say: Say): void {
  const { enabled, params } = detectors.X3;
  const slice = sliceIfAny(principal, ACROSS);
  if (!enabled || slice === undefined) return;
  const since = event.time - (params['minutes'] ?? 60) * MINUTE;
  const [who, enumerated, listed] = slice.stages;
  const inOrder = [who, enumerated, listed].filter((time) => time >= since && time <= event.time);
  const sorted = inOrder.every((time, at) => at === 0 || time >= (inOrder[at - 1] ?? 0));
  const stages = inOrder.length + 1;
  if (!sorted || stages < (params['stages'] ?? 3) || slice.chainDays >= 2) return;
  const bits = (stages >= 4 ? 9 : 6) + (novel.length > 0 ? 1 : -2);
  const observed = `${['who am I', 'enumeration', 'list of secrets'].filter((_, at) => (slice.stages[at] ?? 0) >= since).join(', ')}, then reading`;
  say({ detector: 'X3', bits, observed, expected: `on ${slice.chainDays} days before`, entity: 'principal' });
}

function observeCrowd(scene: Scene, { novel }: Reading, say: Say): void {
  const { event, network, detectors, principal } = scene;
  const { enabled, params } = detectors.X4;
  if (!enabled || network === undefined || novel.length === 0 || event.time - network.first > DAY) return;
  const slice = sliceIfAny(network, ACROSS);
  if (slice === undefined) return;
  const since = event.time - (params['minutes'] ?? 60) * MINUTE;
  const principals = new Set([principal.hash]);
  for (let at = 0; at < slice.novel.length; at += 2) {
    if ((slice.novel[at + 1] ?? 0) >= since) principals.add(slice.novel[at] ?? 0);
  }
  if (principals.size < (params['principals'] ?? 3)) return;
  const observed = `${principals.size} principals read what is new to them from ${network.key}`;
  const bits = 6 + 2 * (principals.size - 2);
  say({ detector: 'X4', bits, observed, expected: 'a range that is known', entity: 'network' });
  say({ detector: 'X4', bits, observed, expected: 'a range that is known', entity: 'principal' });
}

function observeNewcomer(scene: Scene, { newcomer, novel }: Reading, say: Say): void {
  const { principal, detectors, event } = scene;
  const { enabled, params } = detectors.X5;
  if (!enabled || !newcomer || novel.length === 0 || event.time - principal.first > DAY) return;
  const before = sliceIfAny(principal, SWEEP)?.novel ?? [];
  const established = novel.filter((secret) => (sliceIfAny(secret, READERSHIP)?.reads ?? 0) > 0).length;
  const count = before.length / 2 + established;
  const least = params['secrets'] ?? 5;
  if (count < least) return;
  const observed = `${count} secrets of others read on its first day`;
  say({ detector: 'X5', bits: (count - least) * 1.5 + 1, observed, expected: `fewer than ${least}`, entity: 'principal' });
}

export function learnAcross(scene: Scene, reading: Reading): void {
  const { event, principal, network } = scene;
  if (scene.own || hasFlag(event, FLAG.echo | FLAG.system)) return;
  if (event.outcome === 'ok') learnStage(scene);
  if (!reading.reads) return;
  if (network !== undefined && event.net.ip !== undefined && event.net.kind !== 'service') {
    const slice = sliceOf(network, ACROSS);
    const store = storeIndex(event.source);
    learnStore(slice, wordHash(event.net.ip), store, event.time);
    if (reading.novel.length > 0 && !slice.novel.includes(principal.hash)) {
      if (slice.novel.length >= 32) slice.novel.splice(0, 2);
      slice.novel.push(principal.hash, event.time);
    }
  }
  const slice = sliceIfAny(principal, ACROSS);
  if (slice !== undefined && slice.stages.filter((time) => time > event.time - 60 * MINUTE).length >= 2) {
    const day = Math.floor(event.time / DAY);
    if (day > slice.chainDay) {
      slice.chainDay = day;
      slice.chainDays += 1;
    }
  }
}

function learnStore(slice: Across, address: number, store: number, time: number): void {
  for (let at = 0; at < slice.reads.length; at += 3) {
    if (slice.reads[at] === address && slice.reads[at + 1] === store) {
      slice.reads[at + 2] = Math.max(slice.reads[at + 2] ?? 0, time);
      return learnDay(slice, address, store, time);
    }
  }
  if (slice.reads.length >= 24) slice.reads.splice(0, 3);
  slice.reads.push(address, store, time);
  learnDay(slice, address, store, time);
}

/** A day counts when it is over: today's first time is not its own excuse. */
function learnDay(slice: Across, address: number, store: number, time: number): void {
  const day = Math.floor(time / DAY);
  if (day <= slice.day) return;
  for (let at = 0; at < slice.reads.length; at += 3) {
    const close = Math.abs((slice.reads[at + 2] ?? 0) - time) <= 15 * MINUTE;
    if (slice.reads[at] === address && slice.reads[at + 1] !== store && close) {
      slice.day = day;
      slice.days += 1;
      return;
    }
  }
}

/** Vault's agents ask who they are all day: there, only lists count. */
function learnStage({ event, principal }: Scene): void {
  const stage = stageOf(event);
  const vault = event.source === 'vault' || event.source === 'openbao';
  if (stage === undefined || (vault && stage !== 2)) return;
  const { stages } = sliceOf(principal, ACROSS);
  stages[stage] = Math.max(stages[stage], event.time);
}

function stageOf({ verb, action, secrets }: Scene['event']): 0 | 1 | 2 | undefined {
  if (verb === 'whoami') return 0;
  if (verb !== 'list') return undefined;
  return action.includes('Secret') || secrets.length > 0 ? 2 : 1;
}
