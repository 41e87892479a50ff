export type { Host, Log, Measurement } from './host.ts';
export { httpRequestOf, stepEventOf, tickEventOf } from './lambda.ts';
export { manual } from './manual.ts';
export { answerNotification, keyVaultNotification, secretManagerNotification } from './notify.ts';
export { rotationStep } from './secrets-manager.ts';
export { tick, tickBatch } from './tick.ts';
