/** The IAM key target over a server that speaks AWS's protocols and checks signatures: a new user for each test. */
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  IAMClient,
  ListAccessKeysCommand,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import type { AwsIamKeyTargetConfig } from '../../shared/config/index.ts';
import { rehearsalGate, systemClock } from '../../shared/deps.ts';
import type { Call, Gate } from '../../shared/deps.ts';
import type { SecretValue } from '../../shared/stores/index.ts';
import { openAwsIamKeyTarget } from '../../shared/targets/aws-iam-key.ts';
import { realRandom } from '../contract/harness.ts';
import { losingGate, type KeyTargetHarness } from '../contract/key-target.ts';

export interface AwsServer {
  readonly endpoint: string;
  /** Of a user who may do everything; the default chain finds them in the environment. */
  readonly admin: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** Requests that moto answers without asking who signed them: those of `createAdmin`. */
export const UNSIGNED = 3;

export async function createAdmin(endpoint: string): Promise<AwsServer['admin']> {
  const credentials = { accessKeyId: 'AKIAEXAMPLEOFNOWORTH', secretAccessKey: 'of-no-worth' };
  const iam = new IAMClient({ endpoint, region: 'us-east-1', credentials });
  await iam.send(new CreateUserCommand({ UserName: 'keywheel-admin' }));
  const policy = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };
  await iam.send(
    new PutUserPolicyCommand({ UserName: 'keywheel-admin', PolicyName: 'all', PolicyDocument: JSON.stringify(policy) }),
  );
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'keywheel-admin' }));
  return { accessKeyId: AccessKey?.AccessKeyId ?? '', secretAccessKey: AccessKey?.SecretAccessKey ?? '' };
}

export const awsConfig = (endpoint: string, over: Partial<AwsIamKeyTargetConfig> = {}): AwsIamKeyTargetConfig => ({
  kind: 'aws-iam-key',
  userName: 'app',
  region: 'us-east-1',
  endpoint,
  ...over,
});

export function openOver(config: AwsIamKeyTargetConfig, gate: Gate) {
  const adminPassword = () => Promise.reject(new TypeError('IAM needs no password of ours'));
  return openAwsIamKeyTarget(config, { clock: systemClock, random: realRandom, gate, adminPassword });
}

let users = 0;

/** What a person does at a user's keys. */
export function personAt(server: AwsServer, userName: string) {
  const iam = new IAMClient({ endpoint: server.endpoint, region: 'us-east-1', credentials: server.admin });
  return {
    iam,
    async createUser(): Promise<void> {
      await iam.send(new CreateUserCommand({ UserName: userName }));
    },
    async createKey(): Promise<SecretValue> {
      const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: userName }));
      return { accessKeyId: AccessKey?.AccessKeyId ?? '', secretAccessKey: AccessKey?.SecretAccessKey ?? '' };
    },
    async ids(): Promise<string[]> {
      const { AccessKeyMetadata = [] } = await iam.send(new ListAccessKeysCommand({ UserName: userName }));
      return AccessKeyMetadata.map((each) => each.AccessKeyId ?? '');
    },
  };
}

/** A consumer's request with a key. */
export async function useKey(endpoint: string, value: SecretValue): Promise<boolean> {
  const credentials = { accessKeyId: String(value['accessKeyId']), secretAccessKey: String(value['secretAccessKey']) };
  const sts = new STSClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
  try {
    await sts.send(new GetCallerIdentityCommand({}));
    return true;
  } catch {
    return false;
  } finally {
    sts.destroy();
  }
}

/** `touch`: how a consumer's use is told apart from a probe of ours in the same minute. */
export function awsHarness(server: () => AwsServer, use: (value: SecretValue) => Promise<boolean>): KeyTargetHarness {
  return {
    keepsFence: true,
    recordsKeys: true,
    async open() {
      const userName = `app-${(users += 1)}`;
      const person = personAt(server(), userName);
      await person.createUser();
      const adopted = await person.createKey();
      const config = awsConfig(server().endpoint, { userName });
      const calls: Call[] = [];
      const observe = (call: Call) => void calls.push(call);
      let losing = false;
      const gate = losingGate(observe, (call) => {
        const lost = losing && call.text.includes('CreateAccessKey');
        if (lost) losing = false;
        return lost;
      });
      return {
        target: await openOver(config, gate),
        calls,
        adopted,
        loseNextMint: () => void (losing = true),
        rehearsal: () => openOver(config, rehearsalGate(observe)),
        ids: () => person.ids(),
        createByHand: async () => String((await person.createKey())['accessKeyId']),
        use,
        secrets: ['secretAccessKey'],
        close: async () => person.iam.destroy(),
      };
    },
  };
}
