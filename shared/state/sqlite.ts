import type { SqliteStateConfig } from '../config/index.ts';
import type { StateDeps } from './open.ts';
import type { State } from './port.ts';

export function openSqliteState(_config: SqliteStateConfig, _deps: StateDeps): State {
  throw new Error('not built yet');
}
