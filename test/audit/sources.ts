/** What every source's parser must hold, whatever it parses. Run by each source's own test, over its fixtures. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isEvent, type AuditEvent, type Parsed } from '../../shared/audit/event.ts';
import { createScanner } from '../../shared/audit/scan/index.ts';
import type { SourceParser } from '../../shared/audit/source.ts';
import { jsonView } from '../../shared/audit/view.ts';

/** Later than every fixture. */
export const RECEIVED = Date.parse('2026-11-20T10:00:00Z');

export type Json = Readonly<Record<string, unknown>>;

/** The fixtures of a source by name, without `.json`. */
export function fixturesOf(source: string): Readonly<Record<string, Json>> {
  const folder = path.join(import.meta.dirname, 'fixtures', source);
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
  return Object.fromEntries(
    files.map((file) => [file.slice(0, -5), JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as Json]),
  );
}

export const parsed = (source: SourceParser, record: unknown): Parsed =>
  source.parse(jsonView(source.plan, record), { received: RECEIVED });

export function eventOf(source: SourceParser, record: unknown): AuditEvent {
  const event = parsed(source, record);
  if (!isEvent(event)) throw new TypeError(`no event: ${event.skip}`);
  return event;
}

export function concerns(source: SourceParser, text: string): boolean {
  const record = Buffer.from(text);
  // In the midst of others, as the splitter hands it over.
  const around = Buffer.concat([
    Buffer.from('{"eventSource":"kms.amazonaws.com"}\n'),
    record,
    Buffer.from('\n{"operationName":"SecretGet"}'),
  ]);
  const start = around.indexOf(record);
  return source.mayConcern(around, start, start + record.length);
}

const LONGEST = 2_048;

function texts(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(texts) : [];
}

/** A record with the value at one of the plan's paths replaced. */
function withValue(record: Json, at: readonly string[], value: unknown): Json {
  const [key, ...rest] = at;
  if (key === undefined) return record;
  if (rest.length === 0) return { ...record, [key]: value };
  const inner = record[key];
  return {
    ...record,
    [key]: withValue(typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? (inner as Json) : {}, rest, value),
  };
}

/** JSON with every letter of its keys and texts escaped, and spaces between. */
function disguised(value: unknown): string {
  if (typeof value === 'string')
    return `"${value
      .split('')
      .map((letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join('')}"`;
  if (Array.isArray(value)) return `[ ${value.map(disguised).join(' , ')} ]`;
  if (typeof value === 'object' && value !== null) {
    return `{ ${Object.entries(value)
      .map(([key, inner]) => `${disguised(key)} :\t${disguised(inner)}`)
      .join(' ,\n')} }`;
  }
  return JSON.stringify(value) ?? 'null';
}

const reversed = (record: Json): Json => Object.fromEntries(Object.entries(record).toReversed());

const hostile = fc.oneof(
  fc.json().map((text) => JSON.parse(text) as unknown),
  fc.constantFrom(
    '',
    '*',
    '\u0000',
    'arn:',
    'arn:aws:secretsmanager:::secret:-abcdef',
    '{',
    '[',
    '__proto__',
    'constructor',
    '\ud800',
  ),
  fc.constantFrom(Number.MAX_VALUE, -1, 0.5, true, false, null, [], {}),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constant('x'.repeat(200_000)),
  fc.constant('{"Statement":['.padEnd(10_000, '[')),
);

export function holdsTheContract(source: SourceParser, fixtures: Readonly<Record<string, Json>>): void {
  const records = Object.entries(fixtures);
  const told = records.filter(([, record]) => isEvent(parsed(source, record)));

  describe('as every source', () => {
    it('takes no path that leads through another', () => {
      const paths = source.plan.paths.map((each) => each.join('\n'));
      const through = paths.filter((one) => paths.some((other) => other !== one && other.startsWith(`${one}\n`)));
      expect(through).toEqual([]);
    });

    it.each(told)('tells by its bytes that %s may concern a store, however it is written', (_name, record) => {
      const spellings = [
        JSON.stringify(record),
        JSON.stringify(record, null, 2),
        JSON.stringify(reversed(record)),
        disguised(record),
      ];
      expect(spellings.map((text) => concerns(source, text))).toEqual([true, true, true, true]);
    });

    it.each(told)('gives the same of %s in any order of its keys, and changes nothing on the way', (_name, record) => {
      const before = JSON.stringify(record);
      expect(parsed(source, reversed(record))).toEqual(parsed(source, record));
      expect(JSON.stringify(record)).toBe(before);
    });

    it('never throws, gives bounded events, and never misses by bytes what it would parse', () => {
      const anyRecord = fc.constantFrom(...records.map(([, record]) => record));
      const anyPath = fc.constantFrom(...source.plan.paths);
      const changes = fc.array(fc.tuple(anyPath, hostile), { minLength: 1, maxLength: 6 });
      fc.assert(
        fc.property(anyRecord, changes, (record, list) => {
          let changed = record;
          for (const [at, value] of list) changed = withValue(changed, at, value);
          const result = parsed(source, changed);
          if (!isEvent(result)) return;
          expect(concerns(source, JSON.stringify(changed))).toBe(true);
          expect(result.secrets.length).toBeLessThanOrEqual(100);
          expect(result.action.length).toBeLessThanOrEqual(120);
          expect(result.principal.credential?.length ?? 0).toBeLessThanOrEqual(64);
          expect(Number.isInteger(result.weight) && result.weight >= 1 && result.weight <= 1_000).toBe(true);
          expect(Number.isFinite(result.time) && (result.ttl === undefined || result.ttl > 0)).toBe(true);
          expect(texts(result).filter((text) => text.length > LONGEST)).toEqual([]);
        }),
        { numRuns: 1_000 },
      );
    });

    it.each(records)('gives the same of %s through the scanner', (_name, record) => {
      const bytes = Buffer.from(JSON.stringify(record));
      const view = createScanner(source.plan).scan(bytes, 0, bytes.length);
      expect(view === undefined ? 'not scanned' : source.parse(view, { received: RECEIVED })).toEqual(parsed(source, record));
    });

    it('never throws on any JSON at all', () => {
      fc.assert(
        fc.property(fc.jsonValue(), (record) => {
          expect(parsed(source, record)).toBeDefined();
        }),
        { numRuns: 1_000 },
      );
    });

    it('flags what comes from the future', () => {
      const [, record = {}] = told[0] ?? [];
      const late = source.parse(jsonView(source.plan, record), { received: RECEIVED - 86_400_000 });
      const event = eventOf(source, record);
      expect(isEvent(late) && late.flags & ~event.flags).toBe(1 << 21);
    });
  });
}
