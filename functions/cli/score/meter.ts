/** How far a long run is: one line on stderr, redrawn, on a terminal alone. */
import type { Output } from '../output.ts';
import { cut } from '../text.ts';
import type { Input } from './input.ts';

export interface Meter {
  tick(records: number, incidents: number): void;
  stop(): void;
}

const EVERY = 200;
const FIRST = 800;

export function openMeter({ stderr, stdout }: Output, inputs: readonly Input[], now: () => number = Date.now): Meter {
  // Drawn over a report that goes to the same terminal, it would be in the way only while it runs.
  const width = stderr.columns ?? stdout.columns ?? 80;
  const began = now();
  let last = began + FIRST - EVERY;
  let drawn = false;
  return {
    tick(records, incidents) {
      if (stderr.isTTY !== true || now() - last < EVERY) return;
      last = now();
      drawn = true;
      let [read, size] = [0, 0];
      for (const input of inputs) {
        const progress = input.progress();
        read += progress.read;
        size += progress.size;
      }
      const share = size === 0 ? '' : `${Math.min(100, Math.floor((100 * read) / size))} %  `;
      const rate = Math.round(records / Math.max(0.001, (last - began) / 1000));
      const text = `${share}${records.toLocaleString('en')} records  ${rate.toLocaleString('en')}/s  ${incidents} incidents`;
      stderr.write(`\r${cut(text, width - 1)}\u001b[K`);
    },
    stop() {
      if (drawn) stderr.write('\r\u001b[K');
    },
  };
}
