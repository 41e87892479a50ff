import type { PostgresTargetConfig } from '../config/index.ts';
import type { TargetDeps } from './open.ts';
import type { SupportsUsageEvidence, Target } from './port.ts';

export function openPostgresTarget(_config: PostgresTargetConfig, _deps: TargetDeps): Target & SupportsUsageEvidence {
  throw new Error('not built yet');
}
