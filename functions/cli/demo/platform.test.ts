import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KeywheelError } from '../../../shared/errors.ts';
import { checkPlatform, openPlatform, type StageJob } from './platform.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'keywheel-platform-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function code(name: string, text: string): URL {
  const file = path.join(folder, name);
  writeFileSync(file, text);
  return pathToFileURL(file);
}
const job: StageJob = {
  folder: '/nowhere',
  first: {},
  write: () => Promise.reject(new Error('nothing is written')),
  watch: () => () => undefined,
};

describe('the code of a platform', () => {
  it('is not in an installed package, which is said before anything starts', () => {
    expect(() => checkPlatform('aws', pathToFileURL(path.join(folder, 'absent.ts')))).toThrow(
      expect.objectContaining({
        code: 'ERR_MISSING_PEER',
        message: expect.stringMatching(/demo on aws cannot start, .* an installed package$/),
        hint: 'in a checkout: npm ci && npx keywheel demo --platform aws',
      }),
    );
  });

  it('needs the packages for development', async () => {
    const opening = openPlatform('gcp', job, code('bare.mjs', `import 'a-package-that-is-not-installed';`));

    await expect(opening).rejects.toMatchObject({
      code: 'ERR_MISSING_PEER',
      message: expect.stringMatching(/packages for development, which are not installed$/),
    });
  });

  it('tells its own reasons as they are', async () => {
    const reason = new KeywheelError('ERR_MISSING_PEER', 'the peer moto is missing, pip is not there');
    Object.assign(globalThis, { reasonForTest: reason });

    const opening = openPlatform(
      'aws',
      job,
      code('reason.mjs', 'export const openPlatform = async () => { throw globalThis.reasonForTest; };'),
    );

    await expect(opening).rejects.toBe(reason);
    Reflect.deleteProperty(globalThis, 'reasonForTest');
  });
});
