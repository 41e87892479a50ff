import { describe, expect, it } from 'vitest';
import { isEvent, type AuditEvent } from '../../shared/audit/event.ts';
import { createParser } from '../../shared/audit/parse.ts';
import { ATTACKS, injectionOf } from './attacks/catalog.ts';
import { deliver, type Delivery } from './deliver.ts';
import { createLabel } from './label.ts';
import { acts } from './stream.ts';
import { HOUR, type Act, type StoreKind } from './types.ts';
import { createWorld, type TenantOptions } from './world.ts';

const KINDS: readonly StoreKind[] = ['aws', 'gcp', 'azure', 'vault', 'openbao'];
const small = (seed: string, stores: readonly StoreKind[]): TenantOptions => ({ seed, size: 'small', stores });

interface Record {
  readonly source: string;
  readonly text: string;
}

function records(options: TenantOptions, delivery: Partial<Delivery> = {}): { records: Record[]; done: Act[] } {
  const made: Record[] = [];
  const done: Act[] = [];
  deliver(
    createWorld(options),
    { seed: options.seed, hours: 24, ...delivery },
    (source, text) => made.push({ source, text }),
    (act) => done.push(act),
  );
  return { records: made, done };
}

function parsed(made: readonly Record[]): { events: AuditEvent[]; skips: Map<string, number> } {
  const parse = createParser('auto', { received: Date.UTC(2030, 0) });
  const events: AuditEvent[] = [];
  const skips = new Map<string, number>();
  for (const { text } of made) {
    const bytes = Buffer.from(text);
    const one = parse(bytes, 0, bytes.length);
    if (isEvent(one)) events.push(one);
    else skips.set(one.skip, (skips.get(one.skip) ?? 0) + 1);
  }
  return { events, skips };
}

describe('a synthetic tenant', () => {
  it('is the same for the same seed, and another for another', () => {
    const one = records(small('7', ['aws']));
    const again = records(small('7', ['aws']));
    const other = records(small('8', ['aws']));

    expect(again.records).toEqual(one.records);
    expect(other.records[0]).not.toEqual(one.records[0]);
  });

  it.each(KINDS)('writes records that %s could have written', (kind) => {
    const { records: made } = records(small('3', [kind]), { hours: 48 });

    const { events, skips } = parsed(made);

    expect(made.length).toBeGreaterThan(200);
    expect(skips.get('malformed') ?? 0).toBe(0);
    expect(skips.get('unknown') ?? 0).toBe(0);
    expect(new Set(events.map(({ source }) => source))).toEqual(new Set([kind]));
    expect(events.filter(({ verb }) => verb === 'read').length).toBeGreaterThan(100);
  });

  it.each(KINDS)('keeps the order of time in %s', (kind) => {
    const { done } = records(small('4', [kind]), { hours: 72 });

    const back = done.filter((act, at) => act.time < (done[at - 1]?.time ?? 0) - HOUR);

    expect(back).toEqual([]);
  });

  it('has all personas within five weeks of a middling house', () => {
    const personas = new Set<string>();

    for (const { persona } of acts(createWorld({ seed: '1', size: 'medium', stores: ['aws', 'vault'] }), 24 * 35))
      personas.add(persona);

    for (const wanted of [
      'service',
      'poller',
      'iac',
      'rotation',
      'inventory',
      'person',
      'weekend',
      'on-call',
      'release',
      'restart',
      'scale-out',
      'new-service',
      'batch',
      'month-end',
      'crypto',
      'agent',
      'throttled',
    ]) {
      expect(personas).toContain(wanted);
    }
  }, 20_000);

  it('delivers one record in five twice, and late by at most the lateness', () => {
    const options = small('5', ['gcp']);
    const plain = records(options);

    const { records: made } = records(options, { duplicates: 0.21, lateness: 600_000 });

    const distinct = new Set(made.map(({ text }) => text));
    expect([...distinct].sort()).toEqual(plain.records.map(({ text }) => text).sort());
    expect(made.length / distinct.size).toBeGreaterThan(1.15);
    expect(made.length / distinct.size).toBeLessThan(1.27);
    let newest = 0;
    let worst = 0;
    for (const { text } of made) {
      const time = Date.parse((JSON.parse(text) as { timestamp: string }).timestamp);
      newest = Math.max(newest, time);
      worst = Math.max(worst, newest - time);
    }
    expect(worst).toBeGreaterThan(60_000);
    expect(worst).toBeLessThan(2 * 600_000 + 120_000);
  });
});

describe('attacks', () => {
  it.each(KINDS)('all leave their events in %s, and tell nothing by their names', (kind) => {
    const options = small('9', [kind, kind === 'aws' ? 'gcp' : 'aws']);
    const world = createWorld(options);
    const store = world.stores.find((one) => one.kind === kind);
    if (store === undefined) throw new Error('a tenant without its store');
    const placed = ATTACKS.filter(({ stores }) => stores.includes(kind)).map((attack) => ({
      attack,
      label: createLabel(attack, store.source),
    }));
    const made: Record[] = [];
    const injections = placed.map(({ attack }) => injectionOf(attack, store, world.start + 20 * HOUR, '9'));

    deliver(
      world,
      { seed: '9', hours: 40, injections },
      (source, text) => made.push({ source, text }),
      (act, ids) => {
        for (const { label } of placed) label.seen(act, ids);
      },
    );

    const { events, skips } = parsed(made);
    const known = new Set(events.map(({ ref }) => ref));
    const silent = placed.filter(({ label }) => !label.done()?.events.some(({ ids }) => ids.some((id) => known.has(id))));
    expect(silent.map(({ attack }) => attack.id)).toEqual([]);
    expect([skips.get('malformed') ?? 0, skips.get('unknown') ?? 0]).toEqual([0, 0]);
    expect(made.filter(({ text }) => /attack|malicious|stratus|hacker|\bpersona/i.test(text))).toEqual([]);
  });
});
