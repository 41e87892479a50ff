import type { TargetConfig } from '../config/index.ts';
import type { Clock, Gate, Random } from '../deps.ts';
import type { Target } from './port.ts';

export interface TargetDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly gate: Gate;
  /** Reads the admin credential at each use, so that its own rotation needs no restart. Never cached in the configuration. */
  adminPassword(): Promise<string>;
}

/** Opens a target by its configuration; the adapter and its driver are loaded on first use. */
export async function openTarget(config: TargetConfig, deps: TargetDeps): Promise<Target> {
  switch (config.kind) {
    case 'postgres': {
      const { openPostgresTarget } = await import('./postgres.ts');
      return openPostgresTarget(config, deps);
    }
    case 'aws-iam-key': {
      const { openAwsIamKeyTarget } = await import('./aws-iam-key.ts');
      return openAwsIamKeyTarget(config, deps);
    }
    case 'http': {
      const { openHttpTarget } = await import('./http.ts');
      return openHttpTarget(config, deps);
    }
  }
}
