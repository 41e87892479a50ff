import { describe, expect, it } from 'vitest';
import { openScreen } from './screen.ts';
import { sampleTimeline, START } from './timeline.fixture.ts';
import { startTimeline } from './timeline.ts';
import { clip, renderView } from './view.ts';

const ESCAPE = '\u001B';
const plain = (line: string): string => line.replaceAll(new RegExp(`${ESCAPE}\\[[0-9;]*m`, 'g'), '');

describe('the live view', () => {
  it.each([
    [80, 24],
    [79, 24],
    [60, 20],
    [200, 60],
    [20, 5],
  ])('fits %d columns and %d rows', (columns, rows) => {
    for (const now of [START, START + 2400, START + 9000, START + 20_000]) {
      const lines = renderView(sampleTimeline(), now, { columns, rows, color: true }).map(plain);

      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
      expect(lines.length).toBeLessThan(rows);
    }
  });

  it('shows the phases, the labels, the accounts and the figures', () => {
    const text = renderView(sampleTimeline(), START + 28_500, { columns: 80, rows: 24, color: false }).join('\n');

    expect(text).toMatch(/planned {2}staged {2}applied {2}verified {2}published {2}grace {2}retired {2}proven {2}closed/);
    expect(text).toMatch(/current app_b 3f9ad5/);
    expect(text).toMatch(/failed 0 {3}rotations 5 {3}resumes 2 {3}old passwords refused 5/);
    expect(text).toMatch(/app_b .*█/);
    expect(text).not.toContain(ESCAPE);
  });

  it('shows something before anything happened', () => {
    const timeline = startTimeline({ accounts: ['app_a', 'app_b'], serverVersion: '18.4', workers: 3, startedAt: START });

    const text = renderView(timeline, START, { columns: 80, rows: 24, color: false }).join('\n');

    expect(text).toContain('starting');
    expect(text).toContain('failed 0');
  });

  it('cuts a painted line by what is seen, and closes its colours', () => {
    expect(clip(`${ESCAPE}[31mabcdef${ESCAPE}[0m`, 3)).toBe(`${ESCAPE}[31mabc${ESCAPE}[0m`);
  });
});

describe('the screen', () => {
  it('writes a plain line for each change where stderr is no terminal, without one control character', () => {
    const written: string[] = [];
    const screen = openScreen({ write: (text) => written.push(text) }, {}, () => START + 1500);

    screen.line('starting PostgreSQL');
    screen.show(sampleTimeline());
    screen.line('rotation 1 starts: app_a is current');
    screen.close();

    expect(written).toEqual(['keywheel: starting PostgreSQL\n', 'keywheel:   1.5 s  rotation 1 starts: app_a is current\n']);
  });

  it('redraws in place on a terminal, honours NO_COLOR, and gives the cursor back once', () => {
    const written: string[] = [];
    const stream = { isTTY: true, columns: 80, rows: 24, write: (text: string) => written.push(text) };
    const screen = openScreen(stream, { NO_COLOR: '1' }, () => START + 9000);

    screen.show(sampleTimeline());
    screen.close();
    screen.close();

    const text = written.join('');
    expect(text.split(`${ESCAPE}[?25l`)).toHaveLength(2);
    expect(text.split(`${ESCAPE}[?25h`)).toHaveLength(2);
    expect(text).not.toContain(`${ESCAPE}[2J`);
    expect(text).not.toContain(`${ESCAPE}[1m`);
  });
});
