/** Starts the servers that one cloud's chaos needs. */
import { vi } from 'vitest';
import { KeywheelError } from '../../shared/errors.ts';
import { startPostgres } from '../helpers/postgres.ts';
import { peer, type PeerName, type Peers } from '../peers/index.ts';
import { createAdmin, UNSIGNED } from '../targets/aws-iam-key-harness.ts';
import { startAws, startAzure, startGcp, startVault, type Cloud } from './cloud-stores.ts';
import { httpGrounds, iamGrounds, postgresGrounds, type Grounds } from './cloud-targets.ts';
import { openLane, type Lane } from './postgres-lanes.ts';

export const CLOUDS = ['aws', 'gcp', 'azure', 'vault'] as const;
export const GROUNDS = ['dual-account PostgreSQL', 'overlap HTTP', 'overlap IAM'] as const;

export interface Room {
  readonly cloud: Cloud;
  readonly grounds: Readonly<Record<(typeof GROUNDS)[number], Grounds>>;
  close(): Promise<void>;
}

const NEEDS = { aws: 'moto', gcp: undefined, azure: 'azurite', vault: 'openbao' } as const;

/** What is missing here, for a skip that says so; undefined when everything is there. */
export async function missingPeer(cloud: Cloud['name']): Promise<string | undefined> {
  for (const name of ['moto', NEEDS[cloud]] as const) {
    if (name === undefined) continue;
    const wanted = await peer(name);
    if (!wanted.available) return `needs the peer ${name}: ${wanted.reason}`;
  }
  return undefined;
}

/** Sets this process's environment for the vendors' clients; `close` puts it back. */
export async function startRoom(name: Cloud['name'], laneCount: number): Promise<Room> {
  const [server, iam, [cloud, stop]] = await Promise.all([
    startPostgres({ settings: { max_connections: '80', scram_iterations: '1' } }),
    started('moto', { checkLoginsAfter: UNSIGNED }),
    startCloud(name),
  ]);
  const admin = await createAdmin(iam.endpoint);
  const env = { ...cloud.env, AWS_ACCESS_KEY_ID: admin.accessKeyId, AWS_SECRET_ACCESS_KEY: admin.secretAccessKey };
  for (const [variable, value] of Object.entries(env)) vi.stubEnv(variable, value);
  const lanes: Lane[] = [];
  for (let index = 0; index < laneCount; index += 1) lanes.push(await openLane(server, `chaos${index}`));
  const opened = [...lanes];
  return {
    cloud,
    grounds: {
      'dual-account PostgreSQL': postgresGrounds(server, lanes),
      'overlap HTTP': await httpGrounds(),
      'overlap IAM': iamGrounds({ endpoint: iam.endpoint, admin }),
    },
    async close() {
      for (const { watch } of opened) await watch.end();
      await cloud.close();
      await Promise.all([server.stop(), iam.stop(), stop()]);
      vi.unstubAllEnvs();
    },
  };
}

async function startCloud(name: Cloud['name']): Promise<[Cloud, () => Promise<void>]> {
  switch (name) {
    case 'aws': {
      const moto = await started('moto', {});
      // Any key will do: this one checks none.
      vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAEXAMPLEOFNOWORTH');
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'of-no-worth');
      return [await startAws(moto), () => moto.stop()];
    }
    case 'gcp':
      return [await startGcp(), async () => {}];
    case 'azure': {
      const azurite = await started('azurite', {});
      return [await startAzure(azurite), () => azurite.stop()];
    }
    case 'vault': {
      const bao = await started('openbao', {});
      return [await startVault(bao), () => bao.stop()];
    }
  }
}

async function started<N extends PeerName>(name: N, options: Peers[N]['options']): Promise<Peers[N]['running']> {
  const wanted = await peer(name);
  if (wanted.available) return wanted.start(options);
  throw new KeywheelError('ERR_MISSING_PEER', `the peer ${name} is missing, ${wanted.reason}`);
}
