export { CATALOG, type DetectorId } from './catalog.ts';
export { FAMILIES, type DetectorSpec, type Family } from './spec.ts';
