/** What cells rotate: a pair of PostgreSQL accounts, the keys of a vendor with an HTTP API, the access keys of an IAM user. All of them real or strict. */
import { ListAccessKeysCommand } from '@aws-sdk/client-iam';
import type { TargetConfig } from '../../shared/config/index.ts';
import type { SecretValue } from '../../shared/stores/index.ts';
import type { Postgres } from '../helpers/postgres.ts';
import { awsConfig, personAt, type AwsServer } from '../targets/aws-iam-key-harness.ts';
import { configFor } from '../targets/http-harness.ts';
import { startVendor } from '../targets/http-vendor.ts';
import { accepts, reset, strangers, type Lane } from './postgres-lanes.ts';
import type { Strategy } from './world.ts';

/** One principal, or pair of them, for one cell. */
export interface Ground {
  readonly config: TargetConfig;
  readonly env: Readonly<Record<string, string>>;
  readonly first: SecretValue;
  /** Milliseconds. */
  readonly times: { readonly grace: number; readonly maxCacheAge: number; readonly quiet: number; readonly samples: number };
  /** Grace runs on the target's clock, which is the machine's and cannot be moved. */
  readonly ownClock: boolean;
  readonly keepsFence: boolean;
  /** That clock, as exactly as the target tells it. */
  targetNow(): number;
  materialOf(value: SecretValue): string;
  /** Whether exactly this material logs in, at the target itself. */
  accepts(value: SecretValue): Promise<boolean>;
  /** Names the live material beyond what is given. */
  strangers(known: readonly SecretValue[]): Promise<string[]>;
  close(): Promise<void>;
}

export interface Grounds {
  readonly kind: string;
  readonly strategy: Strategy;
  open(): Promise<Ground>;
}

const SHORT = { grace: 300, maxCacheAge: 300, quiet: 50, samples: 1 };
const ADMIN = 'CHAOS_ADMIN';

/** Lanes are used by one cell after another. */
export function postgresGrounds(server: Postgres, lanes: Lane[]): Grounds {
  return {
    kind: 'dual-account PostgreSQL',
    strategy: 'dual-account',
    async open() {
      const lane = lanes.shift();
      if (lane === undefined) throw new Error('more cells at once than lanes');
      await reset(lane);
      const { pair } = lane;
      const config = pair.config();
      return {
        config: { ...config, admin: { username: pair.admin.username, passwordEnv: ADMIN } },
        env: { [ADMIN]: pair.admin.password },
        first: { ...pair.value(), password: lane.first.password },
        times: SHORT,
        ownClock: true,
        keepsFence: true,
        targetNow: Date.now,
        materialOf: (value) => String(value['password']),
        accepts: (value) => accepts(server, lane, value),
        strangers: (known) => strangers(lane, known),
        close: async () => void lanes.push(lane),
      };
    },
  };
}

const ELSEWHERE = 'http://127.0.0.1:1';

/** A vendor that tells no use, so grace runs on workers' clocks and can be jumped over. */
export async function httpGrounds(): Promise<Grounds> {
  const template = await configFor('sendgrid', ELSEWHERE);
  return {
    kind: 'overlap HTTP',
    strategy: 'overlap',
    async open() {
      const vendor = await startVendor('sendgrid');
      const first = vendor.valueOf(vendor.createByHand('made by hand'));
      const live = (): string[] => vendor.keys.filter((key) => key.live).map((key) => key.secret);
      return {
        config: { ...template, baseUrl: template.baseUrl.replace(ELSEWHERE, vendor.url), admin: { passwordEnv: ADMIN } },
        env: { [ADMIN]: vendor.admin },
        first,
        times: { grace: 60_000, maxCacheAge: 60_000, quiet: 50, samples: 1 },
        ownClock: false,
        keepsFence: false,
        targetNow: Date.now,
        materialOf: (value) => String(value['apiKey']),
        accepts: async (value) => live().includes(String(value['apiKey'])),
        strangers: async (known) => live().filter((key) => !known.some((value) => value['apiKey'] === key)),
        async close() {
          await vendor.close();
          if (vendor.complaints.length > 0) throw new Error(`the vendor complains: ${vendor.complaints.join('; ')}`);
        },
      };
    },
  };
}

let users = 0;

/** A user for each cell, on a server that checks who signed a request. */
export function iamGrounds(server: AwsServer): Grounds {
  return {
    kind: 'overlap IAM',
    strategy: 'overlap',
    async open() {
      const userName = `chaos-${(users += 1)}`;
      const person = personAt(server, userName);
      await person.createUser();
      const made = await person.createKey();
      const config = awsConfig(server.endpoint, { userName });
      // Asked of IAM and not by a request with the key: that would be use of it, and evidence.
      const active = async (): Promise<string[]> => {
        const { AccessKeyMetadata = [] } = await person.iam.send(new ListAccessKeysCommand({ UserName: userName }));
        return AccessKeyMetadata.filter((key) => key.Status === 'Active').map((key) => key.AccessKeyId ?? '');
      };
      return {
        config,
        env: {},
        first: { ...made, username: userName },
        times: SHORT,
        ownClock: true,
        keepsFence: true,
        // IAM tells its time in whole seconds.
        targetNow: () => Math.floor(Date.now() / 1000) * 1000,
        materialOf: (value) => String(value['secretAccessKey']),
        accepts: async (value) => (await active()).includes(String(value['accessKeyId'])),
        strangers: async (known) => (await person.ids()).filter((id) => !known.some((value) => value['accessKeyId'] === id)),
        close: async () => person.iam.destroy(),
      };
    },
  };
}
