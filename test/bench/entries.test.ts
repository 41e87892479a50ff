import { describe, expect, it } from 'vitest';
import { renderEntries, type EntryCost } from './entries.ts';
import { ratioOf } from './measure.ts';

describe('the printed sizes and starts', () => {
  it('fit 80 columns and show the aims', () => {
    const start = ratioOf('azure rotate', [36, 37, 35], 'empty handler', [34, 33, 35]);
    const cost: EntryCost = {
      cloud: 'azure',
      entry: 'rotate',
      entryBytes: 2500,
      startBytes: 4100,
      bundleBytes: 6_060_000,
      start,
    };

    const lines = renderEntries([cost]);

    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines[1]).toBe('azure rotate  2.5 KB  4.1 KB    6.06 MB  1.06   1.00-1.12    36 ms  34 ms');
    expect(lines[2]).toContain('12.0 KB');
  });
});
