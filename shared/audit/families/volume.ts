/** V: more than is usual, by a negative binomial over bins of five and of sixty minutes. */
import { FLAG, hasFlag } from '../event.ts';
import type { DetectorId } from '../../detectors/index.ts';
import { sliceIfAny, sliceOf, type Profile } from '../profiles/profile.ts';
import type { Slot } from '../profiles/slot.ts';
import { SLOT } from '../profiles/slots.ts';
import type { Finding, Scene } from '../scene.ts';
import { count, countAt, expectedAt, freshRate, packRate, tailBits, unpackRate, type Rate } from '../sketches/rate.ts';
import { isNewcomer, isWarm, type Reading } from './reading.ts';
import { TENANT } from './tenant.ts';

type Say = (finding: Finding) => void;

const MINUTE = 60_000;
const DAY = 86_400_000;
const WIDTHS = [
  { width: 5 * MINUTE, halfLife: DAY, label: '5 minutes', bins: 144 },
  { width: 60 * MINUTE, halfLife: 7 * DAY, label: '60 minutes', bins: 36 },
] as const;

/** One kind of use, in both widths. */
interface Use {
  readonly rates: readonly [Rate, Rate];
  /** Sessions and credentials of the present five minutes, as 32 bits of a linear count. */
  bin: number;
  sessions: number;
}

/** Reads; for principals also cryptographic calls and lists. */
interface Volume {
  reads: Use | undefined;
  crypto: Use | undefined;
  lists: Use | undefined;
}

const freshUse = (): Use => ({ rates: [freshRate(), freshRate()], bin: 0, sessions: 0 });

const KINDS = ['reads', 'crypto', 'lists'] as const;
type Kind = (typeof KINDS)[number];

export const VOLUME: Slot<Volume> = {
  index: SLOT.volume,
  name: 'volume',
  fresh: () => ({ reads: undefined, crypto: undefined, lists: undefined }),
  pack: (volume) =>
    KINDS.map((kind) => {
      const use = volume[kind];
      return use === undefined ? 0 : [packRate(use.rates[0]), packRate(use.rates[1]), use.bin, use.sessions];
    }),
  unpack(packed) {
    if (!Array.isArray(packed) || packed.length !== KINDS.length) return undefined;
    const volume = VOLUME.fresh();
    for (const [at, kind] of KINDS.entries()) {
      const one: unknown = packed[at];
      if (!Array.isArray(one)) continue;
      const short = unpackRate(one[0]);
      const long = unpackRate(one[1]);
      if (short === undefined || long === undefined) return undefined;
      volume[kind] = { rates: [short, long], bin: Number(one[2]), sessions: Number(one[3]) };
    }
    return volume;
  },
};

function kindOf({ event }: Scene, { reads }: Reading): Kind | undefined {
  if (reads) return 'reads';
  if (event.outcome !== 'ok') return undefined;
  if (event.verb === 'crypto') return 'crypto';
  return event.verb === 'list' || event.verb === 'describe' ? 'lists' : undefined;
}

const PRINCIPALS: Readonly<Record<Kind, DetectorId>> = { reads: 'V2', crypto: 'V4', lists: 'V6' };

export function observeVolume(scene: Scene, reading: Reading, say: Say): void {
  if (scene.own || hasFlag(scene.event, FLAG.echo | FLAG.system) || scene.late) return;
  const kind = kindOf(scene, reading);
  if (kind === undefined) return;
  const own = sliceIfAny(scene.principal, VOLUME)?.[kind];
  if (own !== undefined) observeUse(scene, own, PRINCIPALS[kind], kind, undefined, say);
  if (kind === 'crypto' && own !== undefined) observeFirstBurst(scene, own, say);
  if (kind !== 'reads') return;
  for (const secret of scene.secrets) {
    const use = sliceIfAny(secret, VOLUME)?.reads;
    if (use !== undefined) observeUse(scene, use, 'V1', kind, secret, say);
  }
  const tenant = sliceIfAny(scene.tenant, TENANT);
  if (tenant !== undefined && scene.detectors.V3.enabled) {
    const found = surprise(scene, tenant.reads, 'V3', 0);
    if (found !== undefined) {
      say({
        detector: 'V3',
        bits: found.bits,
        observed: `${found.count} reads in 5 minutes`,
        expected: `about ${found.mean}`,
        entity: 'tenant',
      });
    }
  }
}

function observeUse(scene: Scene, use: Use, detector: DetectorId, kind: Kind, secret: Profile | undefined, say: Say): void {
  if (!scene.detectors[detector].enabled) return;
  const found = surprise(scene, use.rates[0], detector, 0) ?? surprise(scene, use.rates[1], detector, 1);
  if (found === undefined) return;
  const { time } = scene.event;
  const name = secret === undefined ? undefined : (scene.event.secrets[scene.secrets.indexOf(secret)]?.name ?? secret.key);
  const what = name === undefined ? `${kind} by this principal` : `reads of ${name}`;
  // Many sessions that read once each are a fleet that starts, not one reader that hoards.
  const sessions = Math.floor(time / WIDTHS[0].width) === use.bin ? distinct(use.sessions) : 1;
  const fleet = sessions >= 8 && sessions * 2 >= Math.min(found.count, 40);
  say({
    detector,
    bits: found.bits * (fleet ? 0.5 : 1),
    observed: `${found.count} ${what} in ${found.label}`,
    expected: `about ${found.mean}, at most ${found.peak} so far`,
    entity: 'principal',
    ...(secret === undefined ? {} : { about: secret.key }),
  });
}

/** A known principal that never used keys has no baseline to exceed: then the least count is one. */
function observeFirstBurst(scene: Scene, use: Use, say: Say): void {
  const { V4 } = scene.detectors;
  const [short] = use.rates;
  const most = (V4.params['least'] ?? 50) * (isNewcomer(scene.principal, scene.event.time) ? 4 : 1);
  if (!V4.enabled || !isWarm(scene) || short.bins >= WIDTHS[0].bins) return;
  const c = countAt(short, scene.event.time, WIDTHS[0].width) + 1;
  if (c < most) return;
  const observed = `${c} uses of keys by this principal in ${WIDTHS[0].label}`;
  say({ detector: 'V4', bits: 8 + 2 * Math.log2(c / most), observed, expected: 'none before', entity: 'principal' });
}

interface Surprise {
  readonly bits: number;
  readonly count: number;
  readonly mean: string;
  readonly peak: number;
  readonly label: string;
}

function surprise(scene: Scene, rate: Rate, detector: DetectorId, index: 0 | 1): Surprise | undefined {
  const { width, halfLife, label, bins } = WIDTHS[index];
  const { params } = scene.detectors[detector];
  const { time } = scene.event;
  const c = countAt(rate, time, width) + 1;
  if (c < (params['least'] ?? 10) || rate.bins < bins) return undefined;
  const { mean, variance } = expectedAt(rate, time, width, halfLife);
  const peak = Math.max(rate.peak, mean);
  const times = params['times'] ?? 3;
  // More than three times the mean, and more than one and a half times the highest ever: a nightly job is no surprise.
  const limit = Math.max(times * mean, 1.5 * peak, params['least'] ?? 10);
  if (c < limit) return undefined;
  const bits = tailBits(c, mean, variance);
  if (bits < (params['bits'] ?? 10)) return undefined;
  return {
    bits: Math.min(bits, 6 + 3 * Math.log2(c / limit)),
    count: c,
    mean: mean.toPrecision(2),
    peak: Math.round(peak),
    label,
  };
}

/** Linear counting over 32 bits. */
function distinct(bits: number): number {
  let zeros = 0;
  for (let at = 0; at < 32; at += 1) if (((bits >>> at) & 1) === 0) zeros += 1;
  return zeros === 0 ? 100 : Math.round(-32 * Math.log(zeros / 32));
}

export function learnVolume(scene: Scene, reading: Reading): void {
  if (scene.own || hasFlag(scene.event, FLAG.echo | FLAG.system)) return;
  const kind = kindOf(scene, reading);
  if (kind === undefined) return;
  const { event } = scene;
  learnUse(scene.principal, kind, scene);
  if (kind !== 'reads') return;
  for (const secret of scene.secrets) learnUse(secret, 'reads', scene);
  count(sliceOf(scene.tenant, TENANT).reads, event.time, 1, WIDTHS[0].width, WIDTHS[0].halfLife);
}

function learnUse(profile: Profile, kind: Kind, { event }: Scene): void {
  const use = (sliceOf(profile, VOLUME)[kind] ??= freshUse());
  count(use.rates[0], event.time, 1, WIDTHS[0].width, WIDTHS[0].halfLife);
  count(use.rates[1], event.time, 1, WIDTHS[1].width, WIDTHS[1].halfLife);
  const bin = Math.floor(event.time / WIDTHS[0].width);
  if (bin > use.bin) {
    use.bin = bin;
    use.sessions = 0;
  }
  const session = event.principal.session ?? event.principal.credential;
  if (bin === use.bin && session !== undefined) use.sessions |= 1 << (quick(session) & 31);
}

/** Five bits of a text, from its end: session names differ there. */
function quick(text: string): number {
  let sum = text.length;
  for (let at = Math.max(0, text.length - 12); at < text.length; at += 1) sum = (Math.imul(sum, 31) + text.charCodeAt(at)) | 0;
  return sum ^ (sum >>> 5) ^ (sum >>> 11);
}
