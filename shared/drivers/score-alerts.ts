/** What the channels of keywheel.yaml need, and what of a delivery is told to the platform. */
import type { AlertDeps, Channel, Deliveries } from '../alerts/index.ts';
import { openGate } from '../deps.ts';
import { KeywheelError } from '../errors.ts';
import type { State } from '../state/index.ts';
import type { Host } from './host.ts';

export function alertDepsOf(host: Pick<Host, 'config' | 'deps' | 'env' | 'gate'>, state: State): AlertDeps {
  const { config, deps, env } = host;
  return {
    clock: deps.clock,
    random: deps.random,
    sleep: (ms, signal) => deps.sleep(ms, signal),
    state,
    async readSecret({ store, secret }) {
      if (!Object.hasOwn(config.stores, store)) {
        throw new KeywheelError(
          'ERR_CONFIG_INVALID',
          `a channel of audit.alerts names the store ${store}, which is not in stores`,
          {
            hint: 'name a store of keywheel.yaml as credential.store',
            subject: store,
          },
        );
      }
      const { openNamedStore } = await import('../engine/index.ts');
      const opened = await openNamedStore(config, store, deps, host.gate ?? openGate(), {
        env,
        state: () => Promise.resolve(state),
      });
      try {
        return (await opened.read(secret, 'current'))?.value;
      } finally {
        await opened.close?.();
      }
    },
  };
}

export async function openConfigured(host: Host, alerting: AlertDeps): Promise<readonly Channel[]> {
  const configured = host.config.audit?.alerts.channels ?? [];
  if (configured.length === 0) return [];
  const { openChannels } = await import('../alerts/index.ts');
  return openChannels(configured, alerting, host.env);
}

export function tellDeliveries(host: Pick<Host, 'log' | 'measure'>, { delivered, missed }: Deliveries): void {
  if (delivered > 0) host.measure({ name: 'AlertsDelivered', value: delivered, unit: 'Count', dimensions: {} });
  for (const { incident, channel, error } of missed) {
    host.measure({ name: 'AlertsMissed', value: 1, unit: 'Count', dimensions: { code: error.code } });
    const fields = { incident, channel, code: error.code, reason: error.message, hint: error.hint };
    // What nobody has to mend is sent again by the tick.
    if (error.retryable) host.log.warn('an alert was not taken and is kept', fields);
    else host.log.error('an alert was not taken and is kept', fields);
  }
}
