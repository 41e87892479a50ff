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
    case 'dynamodb': {
      const { openDynamodbState } = await import('./dynamodb.ts');
      return openDynamodbState(config, deps);
    }
    case 'firestore': {
      const { openFirestoreState } = await import('./firestore.ts');
      return openFirestoreState(config, deps);
    }
    case 'azure-tables': {
      const { openAzureTablesState } = await import('./azure-tables.ts');
      return openAzureTablesState(config, deps);
    }
  }
}
