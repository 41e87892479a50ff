import type { StrategyName } from '../record.ts';
import { dualAccount } from './dual-account.ts';
import { dualSlot } from './dual-slot.ts';
import { inPlace } from './in-place.ts';
import { issue, overlap, rewrap } from './independent.ts';
import type { Strategy } from './port.ts';

export type { Strategy } from './port.ts';

export const STRATEGIES: Readonly<Record<StrategyName, Strategy>> = {
  'dual-account': dualAccount,
  'dual-slot': dualSlot,
  overlap,
  issue,
  rewrap,
  'in-place': inPlace,
};
