/** What one platform brings: its servers on this machine, its hosts, and how they are asked. */
import type { ClientStore } from '../../../shared/client/index.ts';
import type { Run } from '../../../functions/cli/demo/cli.ts';
import type { Sections, StageJob } from '../../../functions/cli/demo/platform.ts';
import type { PeerName } from '../../peers/index.ts';

export interface Output {
  readonly where: string;
  readonly text: string;
}

/** The servers are up; the hosts start when they are asked first. */
export interface Cloud {
  /** What the rotations run on, for people: fits after "on". */
  readonly title: string;
  /** For keywheel.yaml, as a user writes it. */
  readonly sections: Sections;
  /** What the rotator's processes find in their environment, and so does who looks over their shoulder. */
  readonly env: Readonly<Record<string, string>>;
  readonly consumers: { readonly store: ClientStore; readonly env: Readonly<Record<string, string>> };
  /** A certificate, in PEM, that this process is to trust; `env` tells others. */
  readonly authority?: string;
  /** Who rotates: `configFile` is written by now. */
  rotator(configFile: string): Rotator;
  /** Ends the servers. */
  stop(): Promise<void>;
}

/** The platform's own way to ask for a rotation and to go on with it, or a command line. */
export type Rotator = Hosted | Terminal;

export interface Hosted {
  /**
   * Has the platform ask for a rotation: resolves when it was answered well. `again`: what was not answered is delivered once more, as every one
   * of them does. Throws what the platform was told instead. Nothing more is delivered once `signal` is given.
   */
  ask(again: boolean, signal: AbortSignal): Promise<void>;
  /** The timer. */
  tick(signal: AbortSignal): Promise<void>;
  /** SIGKILL for the process that was asked last. */
  crash(): Promise<void>;
  output(): Promise<Output[]>;
  stop(): Promise<void>;
}

export interface Terminal {
  run(args: readonly string[]): Run;
  output(): Promise<Output[]>;
}

export interface Definition {
  readonly needs: readonly PeerName[];
  /** ERR_MISSING_PEER, with the reason, where this machine cannot have one of what it needs. */
  open(job: Pick<StageJob, 'folder' | 'watch'>, secret: string): Promise<Cloud>;
}
