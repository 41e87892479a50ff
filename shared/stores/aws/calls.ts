/** The one way to Secrets Manager: every call goes through the gate, with a text that names the vendor's operation. The SDK is loaded by the first. */
import type { SecretsManager } from '@aws-sdk/client-secrets-manager';
import { awsSettings } from '../../aws.ts';
import type { AwsStoreConfig } from '../../config/index.ts';
import type { Gate } from '../../deps.ts';

export interface Calls {
  readonly rehearsing: boolean;
  read<T>(text: string, perform: (service: SecretsManager) => Promise<T>): Promise<T>;
  effect<T>(text: string, perform: (service: SecretsManager) => Promise<T>, rehearsed: () => T): Promise<T>;
  close(): void;
}

export function openCalls(config: AwsStoreConfig, gate: Gate): Calls {
  let opened: SecretsManager | undefined;
  const service = async (): Promise<SecretsManager> => {
    const { SecretsManager: Service } = await import('@aws-sdk/client-secrets-manager');
    return (opened ??= new Service(awsSettings(config)));
  };
  const run = <T>(
    kind: 'read' | 'effect',
    text: string,
    perform: (service: SecretsManager) => Promise<T>,
    rehearsed: () => T,
  ): Promise<T> => gate.run({ port: 'store', kind, text: `aws: ${text}` }, async () => perform(await service()), rehearsed);
  return {
    rehearsing: gate.rehearsing,
    read: (text, perform) =>
      run('read', text, perform, () => {
        throw new Error('a gate runs every read');
      }),
    effect: (text, perform, rehearsed) => run('effect', text, perform, rehearsed),
    close: () => opened?.destroy(),
  };
}
