/** How the contract suites open Secrets Manager: moto behind the proxy that holds the vendor's rules, one empty account per test. */
import { PutSecretValueCommand, CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { openGate, rehearsalGate } from '../../shared/deps.ts';
import type { Call, Gate } from '../../shared/deps.ts';
import { openAwsStore } from '../../shared/stores/aws.ts';
import type { AwsStore, AwsStoreOptions } from '../../shared/stores/aws.ts';
import type { StoreDeps } from '../../shared/stores/index.ts';
import { manualClock, realRandom } from './harness.ts';
import type { Account, Vendor } from './aws-vendor.ts';
import type { StoreFixture, StoreHarness } from './store.ts';

export interface AwsFixture extends StoreFixture {
  readonly store: AwsStore;
  readonly account: Account;
  /** The vendor's own client, as a person at a terminal has it. */
  readonly person: SecretsManagerClient;
  open(deps?: Partial<StoreDeps>, options?: AwsStoreOptions): Promise<AwsStore>;
}

export interface AwsHarness extends StoreHarness {
  open(): Promise<AwsFixture>;
}

/** The SDK takes credentials from its default chain, which a test fills. */
export const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'AKIAEXAMPLEOFNOWORTH', AWS_SECRET_ACCESS_KEY: 'of-no-worth' };

export function awsStoreHarness(vendor: () => Vendor): AwsHarness {
  return {
    modelRuns: 20,
    async open() {
      const account = vendor().account();
      const clock = manualClock();
      const calls: Call[] = [];
      const observe = (call: Call) => void calls.push(call);
      const opened: AwsStore[] = [];
      const config = { kind: 'aws' as const, region: 'us-east-1', endpoint: account.endpoint, replicaTimeout: 900_000 };
      const open = async (deps: Partial<StoreDeps> = {}, options: AwsStoreOptions = {}) => {
        const pauses = { lagPauses: [1, 1, 1], replicaPauses: [1, 1, 1] };
        const store = await openAwsStore(
          config,
          { clock, random: realRandom, gate: openGate(observe), ...deps },
          { ...pauses, ...options },
        );
        opened.push(store);
        return store;
      };
      const withGate = (gate: Gate) => open({ gate });
      const credentials = { accessKeyId: CREDENTIALS.AWS_ACCESS_KEY_ID, secretAccessKey: CREDENTIALS.AWS_SECRET_ACCESS_KEY };
      const person = new SecretsManagerClient({ region: 'us-east-1', endpoint: account.endpoint, credentials });
      return {
        account,
        person,
        open,
        store: await open(),
        calls,
        clock,
        // AWSCURRENT is moved, AWSPENDING is removed.
        rotationEffects: 3,
        // % may not be in a name there; _ may, and means more than itself to a careless query too.
        oddName: 'app_',
        pairRevisions: true,
        seed: async (name, value) => {
          const SecretString = JSON.stringify(value);
          try {
            await person.send(new PutSecretValueCommand({ SecretId: name, SecretString }));
          } catch (error) {
            if ((error as Error).name !== 'ResourceNotFoundException') throw error;
            await person.send(new CreateSecretCommand({ Name: name, SecretString }));
          }
        },
        second: () => open(),
        rehearsal: () => withGate(rehearsalGate(observe)),
        close: async () => {
          for (const store of opened) store.close();
          person.destroy();
        },
      };
    },
  };
}
