export type * from './port.ts';
export { acknowledge } from './acknowledgement.ts';
export { deliver, deliverKept, type Deliveries } from './deliver.ts';
export { openChannels } from './open.ts';
export { interactionOf } from './slack/interaction.ts';
export { isFromSlack } from './slack/signature.ts';
