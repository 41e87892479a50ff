/** The contract of key targets over moto, which checks signatures once its first requests are through. */
import { afterAll, beforeAll, vi } from 'vitest';
import { IAMClient, ListAccessKeysCommand } from '@aws-sdk/client-iam';
import { keyTargetContract } from '../contract/key-target.ts';
import { describeWithPeer } from '../peers/vitest.ts';
import type { Moto } from '../peers/index.ts';
import { awsHarness, createAdmin, UNSIGNED, type AwsServer } from './aws-iam-key-harness.ts';

await describeWithPeer('moto', 'IAM access keys over moto', (start) => {
  let moto: Moto;
  let server: AwsServer;
  beforeAll(async () => {
    moto = await start({ checkLoginsAfter: UNSIGNED });
    server = { endpoint: moto.endpoint, admin: await createAdmin(moto.endpoint) };
    vi.stubEnv('AWS_ACCESS_KEY_ID', server.admin.accessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', server.admin.secretAccessKey);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await moto?.stop();
  });

  // Another service than STS, as a consumer's use mostly is; that it may not do this is told after it was known.
  const use = async (value: Readonly<Record<string, unknown>>): Promise<boolean> => {
    const credentials = { accessKeyId: String(value['accessKeyId']), secretAccessKey: String(value['secretAccessKey']) };
    const iam = new IAMClient({ endpoint: server.endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
    try {
      await iam.send(new ListAccessKeysCommand({}));
      return true;
    } catch (error) {
      return (error as Error).name === 'AccessDenied';
    } finally {
      iam.destroy();
    }
  };
  keyTargetContract(
    'aws-iam-key (moto 5.2.5, signatures checked)',
    awsHarness(() => server, use),
  );
});
