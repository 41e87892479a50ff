/** What a peer is: an outside program that tests start for real. Every peer is one entry of the registry in `index.ts`. */

/** A started peer. */
export interface Running {
  readonly name: string;
  readonly version: string;
  /** Always loopback. */
  readonly host: '127.0.0.1';
  readonly port: number;
  /** The process id of the program itself (not of the guard that watches over it). */
  readonly pid: number;
  /** A private temporary folder with the program's data and log; gone after `stop`. */
  readonly folder: string;
  /** Everything that the program wrote to its standard output and standard error. */
  readonly logFile: string;
  /** Resolves when no process and no folder of this peer is left. May be called again. */
  readonly stop: () => Promise<void>;
}

/** What a peer's file gives to the registry. */
export interface PeerDefinition<Options, Peer extends Running> {
  /** Exact: a peer is pinned as a dependency is. */
  readonly version: string;
  /**
   * Makes the program present in the cache and returns its path. ERR_MISSING_PEER, with a reason fit to print, when this
   * machine cannot have it.
   */
  provision(): Promise<string>;
  /** Starts what `provision` returned on free loopback ports and resolves when it is healthy. */
  start(program: string, options: Options): Promise<Peer>;
}

export type Availability<Options, Peer extends Running> =
  | { readonly available: true; readonly start: (options: Options) => Promise<Peer> }
  | { readonly available: false; readonly reason: string };
