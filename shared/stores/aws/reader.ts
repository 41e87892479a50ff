/** The consumer's side of Secrets Manager: AWSCURRENT and nothing else. Right: GetSecretValue, and Decrypt on the secret's KMS key. */
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { awsSettings } from '../../aws.ts';
import type { AwsStoreConfig } from '../../config/index.ts';
import type { ReaderDeps, SecretReader } from '../reader.ts';
import { isNamed, storeError } from './failures.ts';
import { checkName, decode } from './value.ts';

export async function openAwsReader(config: AwsStoreConfig, _deps: ReaderDeps): Promise<SecretReader> {
  const sdk = await import('@aws-sdk/client-secrets-manager');
  let client: SecretsManagerClient | undefined;
  return {
    kind: 'aws',
    current: async (name, signal) => {
      checkName(name);
      client ??= new sdk.SecretsManagerClient(awsSettings(config));
      const command = new sdk.GetSecretValueCommand({ SecretId: name, VersionStage: 'AWSCURRENT' });
      const options = signal === undefined ? {} : { abortSignal: signal };
      try {
        const got = await client.send(command, options);
        return got.VersionId === undefined ? undefined : { version: got.VersionId, value: decode(name, got) };
      } catch (error) {
        if (isNamed(error, 'ResourceNotFoundException')) return undefined;
        throw storeError(error, name, `secret ${name} could not be read`);
      }
    },
    close: async () => client?.destroy(),
  };
}
