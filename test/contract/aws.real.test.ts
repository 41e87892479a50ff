/** The contract suites over the adapters to AWS, on moto. */
import { afterAll, beforeAll, vi } from 'vitest';
import { describeWithPeer } from '../peers/vitest.ts';
import type { Moto } from '../peers/index.ts';
import { awsStoreHarness, CREDENTIALS } from './aws.ts';
import { startVendor } from './aws-vendor.ts';
import type { Vendor } from './aws-vendor.ts';
import { dynamodbStateHarness } from './dynamodb.ts';
import { stateContract } from './state.ts';
import { storeContract } from './store.ts';

await describeWithPeer('moto', 'AWS on moto', (start) => {
  let moto: Moto;
  let vendor: Vendor;
  beforeAll(async () => {
    for (const [name, value] of Object.entries(CREDENTIALS)) vi.stubEnv(name, value);
    moto = await start({});
    vendor = await startVendor(moto.endpoint);
  });
  afterAll(async () => {
    await vendor.close();
    await moto.stop();
    vi.unstubAllEnvs();
  });

  storeContract(
    'aws × moto, with the vendor’s rules',
    awsStoreHarness(() => vendor),
  );
  stateContract(
    'dynamodb × moto',
    dynamodbStateHarness(() => vendor),
  );
});
