import type { StateConfig } from '../config/index.ts';
import type { Clock, Random } from '../deps.ts';
import type { State } from './port.ts';

export interface StateDeps {
  readonly clock: Clock;
  readonly random: Random;
}

/** Opens the durable state by its configuration; the adapter is loaded on first use. */
export async function openState(config: StateConfig, deps: StateDeps): Promise<State> {
  switch (config.kind) {
    case 'sqlite': {
      const { openSqliteState } = await import('./sqlite.ts');
      return openSqliteState(config, deps);
    }
  }
}
