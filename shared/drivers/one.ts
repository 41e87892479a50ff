/** Opens what one secret needs, for drivers that look at a secret before they advance it. */
import type { AdvanceRequest, AdvanceResult, OpenPorts } from '../rotation/index.ts';
import { openState } from '../state/index.ts';
import { announcing, openPorts, rotationPolicyOf } from '../engine/index.ts';
import { eventLogger, tellResult, type Host } from './host.ts';

export interface OneSecret {
  readonly name: string;
  readonly ports: OpenPorts;
  /** Advances it as far as the request says, and tells what came of it. Undefined when the host's time was up between two steps. */
  advance(request: AdvanceRequest): Promise<AdvanceResult | undefined>;
}

/** Milliseconds that a function waits: for a lease that another worker is about to give back. Every longer wait is left to a resume. */
export const SHORT_WAIT = 1000;

export async function withSecret<T>(
  host: Host,
  name: string,
  options: { readonly rotationToken?: string | undefined },
  work: (one: OneSecret) => Promise<T>,
): Promise<T> {
  const { config, deps, env, signal, log } = host;
  const { holderName, Interrupted, runRotation } = await import('../rotation/index.ts');
  const policy = await rotationPolicyOf(config, name);
  const state = await (host.openState?.() ?? openState(config.state, deps));
  try {
    const opened = await openPorts(config, name, deps, {
      env,
      state: () => Promise.resolve(state),
      ...(host.gate === undefined ? {} : { gate: host.gate }),
      ...(options.rotationToken === undefined ? {} : { rotationToken: options.rotationToken }),
    });
    try {
      const ports = { store: opened.store, target: opened.target, state };
      return await work({
        name,
        ports,
        async advance(request) {
          const { onStaged, settled } = announcing(config, state, async () => policy);
          const run = { waitUpTo: SHORT_WAIT, holder: holderName(deps.random), signal, onEvent: eventLogger(log), onStaged };
          try {
            const result = await runRotation(name, policy, ports, request, run, deps);
            tellResult(host, result);
            return result;
          } catch (error) {
            if (error instanceof Interrupted) return undefined;
            throw error;
          } finally {
            await settled();
          }
        },
      });
    } finally {
      await opened.close();
    }
  } finally {
    await state.close();
  }
}
