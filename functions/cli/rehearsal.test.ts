import { describe, expect, it } from 'vitest';
import { rehearsalRecord } from '../../shared/reply/index.ts';
import { rehearsalLines } from './rehearsal.ts';

const rehearsal = {
  secret: 'app/db',
  lines: [
    { kind: 'read', text: 'local: describe app/db' },
    { kind: 'effect', text: 'ALTER ROLE "app_b" PASSWORD <verifier>' },
    { kind: 'wait', text: '3600000 ms of grace; the use of app_a is sampled' },
    { kind: 'login', text: 'app_b at primary' },
  ],
  result: { secret: 'app/db', status: 'held', error: { code: 'grants-differ', message: 'they differ', at: 0 } },
} as const;

describe('a rehearsal', () => {
  it('is printed as numbered calls with the waits between them', () => {
    const lines = rehearsalLines(rehearsal, (_tone, text) => text);

    expect(lines).toEqual([
      'app/db',
      '1 read   local: describe app/db',
      '2 effect ALTER ROLE "app_b" PASSWORD <verifier>',
      '-- wait 1h: grace; the use of app_a is sampled',
      '3 login  app_b at primary',
    ]);
  });

  it('tells programs the lines as they are, and what would stop it', () => {
    expect(rehearsalRecord(rehearsal)).toEqual({
      secret: 'app/db',
      status: 'held',
      lines: rehearsal.lines,
      error: { code: 'grants-differ', message: 'they differ' },
    });
  });
});
