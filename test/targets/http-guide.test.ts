/** The examples of docs/guides/api-keys.md load as they are written; http-contract.real.test.ts runs them. */
import { expect, it } from 'vitest';
import { guideExamples, load } from './http-harness.ts';
import { VENDORS } from './http-vendor.ts';

it('load as they are written, one for AWS and one for each vendor', async () => {
  const examples = await guideExamples();
  const kinds: string[] = [];
  for (const example of examples) {
    const { secrets } = await load(example);
    kinds.push(...Object.entries(secrets).map(([name, { target }]) => `${name} ${target.kind}`));
  }
  expect(kinds).toEqual(['prod/app/aws-key aws-iam-key', ...Object.keys(VENDORS).map((name) => `prod/app/${name} http`)]);
});
