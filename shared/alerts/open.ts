import type { ChannelConfig, Environment } from '../config/index.ts';
import type { AlertDeps, Channel } from './port.ts';

/**
 * Opens the channels of keywheel.yaml, `audit.alerts.channels`. No credential is read, and no address asked, before the first alert.
 * ERR_CONFIG_INVALID for an address that alerts may not be sent to.
 */
export function openChannels(
  channels: readonly ChannelConfig[],
  deps: AlertDeps,
  env: Environment = process.env,
): Promise<readonly Channel[]> {
  return Promise.all(channels.map((channel) => openChannel(channel, deps, env)));
}

/** The adapter is loaded on first use, so a function pays only for the ones it needs. */
async function openChannel(config: ChannelConfig, deps: AlertDeps, env: Environment): Promise<Channel> {
  switch (config.kind) {
    case 'slack':
      return (await import('./slack.ts')).openSlack(config, deps);
    case 'sns':
      return (await import('./sns.ts')).openSns(config);
    case 'pubsub':
      return (await import('./pubsub.ts')).openPubSub(config, deps, env);
    case 'event-grid':
      return (await import('./event-grid.ts')).openEventGrid(config, deps);
    case 'webhook':
      return (await import('./webhook.ts')).openWebhook(config, deps);
  }
}
