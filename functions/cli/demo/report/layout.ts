/** Places in the chart, in its own units: the view box is scaled to the page. */
export const CHART = { width: 1120, height: 508, left: 96, right: 1108 } as const;

/** Vertical places of the tracks, in the chart's own units. */
export const ROWS = {
  load: { top: 42, bottom: 236 },
  failed: { top: 256, bottom: 286 },
  current: { top: 306, bottom: 336 },
  previous: { top: 344, bottom: 374 },
  pending: { top: 384, bottom: 396 },
  rotation: { top: 418, bottom: 446 },
  axis: { top: 462, bottom: 484 },
} as const;

export interface Scale {
  /** Seconds from the start to the chart's own units. */
  x(second: number): number;
}

export function round(value: number): number {
  return Math.round(value * 10) / 10;
}
