import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RotationEvent } from '../../shared/rotation/index.ts';
import { createProgress, rowText } from './progress.ts';

const NOW = 1_000_000;
beforeEach(() => void vi.useFakeTimers({ now: NOW }));
afterEach(() => void vi.useRealTimers());

const plain = (_tone: string, text: string): string => text;
const event = (over: Partial<RotationEvent>): RotationEvent => ({ type: 'phase', secret: 'app/db', at: NOW, ...over });

describe('progress that is no terminal', () => {
  it.each<[Partial<RotationEvent>, string]>([
    [{ phase: 'staged' }, 'keywheel: app/db: staged\n'],
    [
      { type: 'wait', phase: 'grace', resumeAt: NOW + 3_600_000 },
      'keywheel: app/db: waits 1h after grace: previous keeps working; its use is watched\n',
    ],
    [
      { type: 'failed', phase: 'staged', resumeAt: NOW + 2000, message: 'no route\u001b[2J' },
      'keywheel: app/db: failed after staged, tried again in 2s: no route\\u001b[2J\n',
    ],
    [{ phase: 'closed' }, 'keywheel: app/db: closed\n'],
    [{ type: 'closed', phase: 'closed' }, ''],
    [{ type: 'closed', phase: 'closed', message: 'edited' }, 'keywheel: app/db: closed: edited\n'],
  ])('tells %j in one line', (over, line) => {
    let written = '';
    const progress = createProgress({ write: (text: string) => void (written += text) }, ['app/db'], {});

    progress.event(event(over));
    progress.stop();

    expect(written).toBe(line);
  });
});

describe('progress on a terminal', () => {
  it('redraws one row for each secret in place', () => {
    const writes: string[] = [];
    const sink = { isTTY: true, columns: 80, rows: 24, write: (text: string) => void writes.push(text) };
    const progress = createProgress(sink, ['app/db', 'b'], { NO_COLOR: '1' });

    progress.event(event({ phase: 'applied' }));
    progress.event(event({ type: 'wait', phase: 'grace', resumeAt: NOW + 3000 }));
    vi.advanceTimersByTime(1000);
    progress.stop();

    expect(writes[0]).toBe('\u001b[2Kapp/db  ○○○○○○○○○  starting\n\u001b[2Kb       ○○○○○○○○○  starting\n');
    expect(writes[1]).toContain('\u001b[2A\u001b[2Kapp/db  ●●●○○○○○○  applied\n');
    expect(writes.at(-1)).toContain('app/db  ●●●●●●○○○  grace      2s: previous keeps working; its use is watched\n');
  });

  it('puts a note above the rows', () => {
    const writes: string[] = [];
    const sink = { isTTY: true, columns: 80, rows: 24, write: (text: string) => void writes.push(text) };
    const progress = createProgress(sink, ['app/db', 'b'], { NO_COLOR: '1' });

    progress.note('interrupted');
    progress.stop();

    expect(writes[1]).toBe('\u001b[2A\u001b[Jkeywheel: interrupted\n');
    expect(writes[2]).toBe(writes[0]);
  });

  it('writes plain lines when rows do not fit', () => {
    let written = '';
    const sink = { isTTY: true, columns: 80, rows: 2, write: (text: string) => void (written += text) };

    createProgress(sink, ['a', 'b', 'c'], {}).event(event({ phase: 'staged' }));

    expect(written).toBe('keywheel: app/db: staged\n');
  });

  it('fits the width', () => {
    const row = { secret: 'a'.repeat(60), phase: 'grace', note: 'x'.repeat(200), trouble: true } as const;

    expect(Array.from(rowText(row, 24, 79, NOW, plain)).length).toBe(79);
  });
});
