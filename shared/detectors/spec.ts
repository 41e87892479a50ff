/** Novelty, volume, sweep, authentication, time, identity and network, privilege, log integrity, deception, across. */
export const FAMILIES = ['N', 'V', 'S', 'A', 'T', 'I', 'P', 'L', 'D', 'X'] as const;
export type Family = (typeof FAMILIES)[number];

export interface DetectorSpec {
  readonly family: Family;
  readonly title: string;
  /** The most bits that it gives. */
  readonly cap: number;
  readonly floor?: number;
  readonly attack: readonly string[];
  /** Tunable numbers. */
  readonly params: Readonly<Record<string, number>>;
  /** Which of the six signals it is, by name. */
  readonly signal?: string;
  /** Default true. */
  readonly enabled?: false;
  readonly what: string;
}
