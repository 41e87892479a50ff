/** The Target contract over the embedded server, and over an older installed one where the machine has it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { targetContract } from '../contract/target.ts';
import { installedPostgres, startPostgres, type Postgres } from '../helpers/postgres.ts';
import { postgresHarness } from './postgres-harness.ts';

function over(name: string, binaries?: string): void {
  describe(name, () => {
    let server: Postgres;
    beforeAll(async () => {
      server = await startPostgres(binaries === undefined ? {} : { binaries });
    });
    afterAll(() => server?.stop());
    targetContract(
      `postgres (${name})`,
      postgresHarness(() => server),
    );
  });
}

over('embedded server');
const installed = [14, 15, 16, 17].filter((major) => installedPostgres(major) !== undefined);
for (const major of installed) over(`PostgreSQL ${major}`, installedPostgres(major));
if (installed.length === 0) {
  it('runs over the embedded server only: no other PostgreSQL is installed here', () => expect(installed).toEqual([]));
}
