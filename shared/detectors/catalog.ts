/**
 * Every detector, as data: the table that keywheel.yaml's schema, the scorer, the docs and the reports are made from. Bits are of surprise
 * (-log2 of a probability); a floor is the least score of an event on which the detector fires. ATT&CK: https://attack.mitre.org
 */

import { ACTORS } from './actors.ts';
import { CHANGES } from './changes.ts';
import { READS } from './reads.ts';

export const CATALOG = { ...READS, ...ACTORS, ...CHANGES };
export type DetectorId = keyof typeof CATALOG;
