/** What contract suites and their harnesses share: a clock that tests move, chance that a seed replays, and stand-ins for material. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { randomBytes } from 'node:crypto';
import type { Clock, Random } from '../../shared/deps.ts';

export interface ManualClock extends Clock {
  advance(milliseconds: number): void;
}

export function manualClock(start = Date.UTC(2026, 0, 1)): ManualClock {
  let time = start;
  return {
    now: () => time,
    advance(milliseconds) {
      time += milliseconds;
    },
  };
}

export const realRandom: Random = { bytes: (length) => new Uint8Array(randomBytes(length)), uniform: () => 0.5 };

/** A directory of its own for one test. */
export function scratch(): { readonly path: string; remove(): void } {
  const made = mkdtempSync(path.join(tmpdir(), 'keywheel-test-'));
  return { path: made, remove: () => rmSync(made, { recursive: true, force: true }) };
}

/** Every form in which a value might leak: as it is, in base64 at each alignment, percent-encoded, JSON-escaped and in hex. */
export function leakForms(material: string): string[] {
  const bytes = Buffer.from(material);
  const base64 = [0, 1, 2].map((skew) => {
    const encoded = Buffer.concat([Buffer.alloc(skew), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    return encoded.slice(skew === 0 ? 0 : 4, -2); // the ends depend on the neighbours
  });
  const url = base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  return [
    ...new Set([
      material,
      encodeURIComponent(material),
      JSON.stringify(material).slice(1, -1),
      bytes.toString('hex'),
      ...base64,
      ...url,
    ]),
  ];
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}
