/** Where a demo's rotations happen: on this machine alone, or under a platform's own host, on its store and its state. */
import { existsSync } from 'node:fs';
import type { ClientStore } from '../../../shared/client/index.ts';
import { isKeywheelError, KeywheelError } from '../../../shared/errors.ts';
import type { State } from '../../../shared/state/index.ts';
import type { SecretStore, SecretValue } from '../../../shared/stores/index.ts';
import type { Run } from './cli.ts';

export const PLATFORMS = ['aws', 'gcp', 'azure', 'vault'] as const;
export type PlatformName = (typeof PLATFORMS)[number];

/** `store` and `state` of a keywheel.yaml, as a user writes them. */
export interface Sections {
  readonly store: Readonly<Record<string, unknown>>;
  readonly state: Readonly<Record<string, unknown>>;
}

export interface Project {
  readonly configFile: string;
}

/** What a stage is made from. */
export interface StageJob {
  /** Only this user can read it; its owner removes it. */
  readonly folder: string;
  /** The first version of the secret. */
  readonly first: SecretValue;
  write(sections: Sections): Promise<Project>;
  /** Names a process that must not outlive the demo; the result is called when it has ended. */
  readonly watch: (pid: number) => () => void;
}

export interface Stage {
  /** Absent: this machine alone. */
  readonly platform?: { readonly name: PlatformName; readonly title: string };
  readonly configFile: string;
  /** The consumers' way to the secret, and the environment that their processes need besides this one's. */
  readonly consumers: { readonly store: ClientStore; readonly env: Readonly<Record<string, string>> };
  /** The rotator's own, to look at. */
  readonly state: State;
  readonly store: SecretStore;
  /** Milliseconds between two looks at the journal: a look is a request. */
  readonly lookEvery: number;
  /** Begins a rotation, or goes on with the one that is open where the command line says --resume, by processes that can be killed. */
  start(args: readonly string[]): Run;
  /** Everything that its processes have written. */
  output(): Promise<readonly { readonly where: string; readonly text: string }[]>;
  close(): Promise<void>;
}

interface Platforms {
  openPlatform(name: PlatformName, job: StageJob): Promise<Stage>;
}

const TEST_CODE = new URL('../../../test/e2e/platforms/index.ts', import.meta.url);

/** The hosts and servers of a platform are test code, which a checkout has and an installed package has not. @throws ERR_MISSING_PEER */
export async function openPlatform(name: PlatformName, job: StageJob, code: URL = TEST_CODE): Promise<Stage> {
  return (await load(name, code)).openPlatform(name, job);
}

/** Said before anything is started. @throws ERR_MISSING_PEER */
export function checkPlatform(name: PlatformName, code: URL = TEST_CODE): void {
  if (!existsSync(code)) throw missing(name, 'are in a checkout of Keywheel, and this is an installed package');
}

async function load(name: PlatformName, code: URL): Promise<Platforms> {
  checkPlatform(name, code);
  try {
    return (await import(code.href)) as Platforms;
  } catch (error) {
    if (isKeywheelError(error) || (error as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw missing(name, 'need the packages for development, which are not installed');
  }
}

function missing(name: PlatformName, why: string): KeywheelError {
  return new KeywheelError('ERR_MISSING_PEER', `the demo on ${name} cannot start, its host and servers ${why}`, {
    hint: `in a checkout: npm ci && npx keywheel demo --platform ${name}`,
  });
}
