export { openCloudTrail } from './cloudtrail.ts';
export type { Page, Trail } from './port.ts';
export { pull } from './pull.ts';
export { openObjects, type Objects } from './s3.ts';
