/** What a real OpenBao writes, and what becomes of it: every operation one event, the same from a device that hashes and from one that does not. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FLAG, isEvent, type AuditEvent } from '../../shared/audit/event.ts';
import { vaultSource } from '../../shared/audit/sources/vault.ts';
import { describeWithPeer } from '../peers/vitest.ts';
import { openRecorder, type Recorder } from './openbao/server.ts';
import { CANARY, type Kept, type Step } from './openbao/step.ts';
import { ENGINES } from './openbao/steps-engines.ts';
import { KV } from './openbao/steps-kv.ts';
import { PEOPLE } from './openbao/steps-people.ts';
import { eventsOf, parseLine, told } from './openbao/told.ts';

/** What a step mounts and the next ones use. */
const MOUNTED: ReadonlyMap<string, string> = new Map([
  ['enables KV 2', 'kv'],
  ['enables KV there', 'team/kv'],
]);

const STEPS: readonly Step[] = [...KV, ...PEOPLE, ...ENGINES];

/** Without what two devices may write differently of one event. */
const compared = (event: AuditEvent) => ({
  ...event,
  time: 0,
  // Only a policy in clear shows what it grants.
  flags: event.flags & ~(FLAG.clear | FLAG.broad),
  principal: { ...event.principal, credential: undefined },
});

await describeWithPeer('openbao', 'audit records of a real server', (start) => {
  let bao: Recorder;
  const hashed: string[] = [];
  const raw: string[] = [];
  const steps = new Map<string, readonly string[]>();
  beforeAll(async () => {
    bao = await openRecorder(start);
    const kept: Kept = { ann: '', app: '', role: '', secret: '', wrapping: '', ciphertext: '' };
    for (const [does, work] of STEPS) {
      const lines = await bao.record(() => work(bao, kept));
      const mount = MOUNTED.get(does);
      if (mount !== undefined) await bao.served(mount);
      steps.set(does, lines.hashed);
      hashed.push(...lines.hashed);
      raw.push(...lines.raw);
    }
  });
  afterAll(() => bao.stop());

  it.each(STEPS.map(([does, , ...expected]) => [does, expected] as const))('%s: one event', (does, expected) => {
    const lines = steps.get(does) ?? [];

    const events = eventsOf(vaultSource, lines);

    expect(events.map(told)).toEqual(expected);
  });

  it('says the same from either half of a refusal, in either order', () => {
    const byId = new Map<string, AuditEvent[]>();
    for (const line of hashed) {
      const event = parseLine(vaultSource, line);
      if (isEvent(event)) byId.set(event.id, [...(byId.get(event.id) ?? []), event]);
    }

    const twice = [...byId.values()].filter((events) => events.length === 2);

    expect(twice.length).toBeGreaterThan(5);
    for (const [first, second] of twice) expect({ ...second, time: 0 }).toEqual({ ...first, time: 0, source: second?.source });
  });

  it('gives the same events from the device that writes in clear, and says that it does', () => {
    const fromHashed = eventsOf(vaultSource, hashed);

    const fromRaw = eventsOf(vaultSource, raw);

    expect(fromRaw.map(compared)).toEqual(fromHashed.map(compared));
    expect(fromHashed.filter(({ flags }) => (flags & FLAG.clear) !== 0)).toEqual([]);
    // Only who sends neither token nor password shows nothing in clear.
    const unseen = fromRaw.filter(({ flags }) => (flags & FLAG.clear) === 0);
    expect(unseen.map(told)).toEqual(['read authfail vault:kv:app/db by unknown']);
    expect(fromRaw.filter(({ flags }) => (flags & FLAG.broad) !== 0).map(({ grantee }) => grantee)).toEqual(['wide']);
  });

  it('lets nothing that is secret out of the device that writes in clear', () => {
    const tokens = new Set(raw.join('\n').match(/(?<=")[sbr]\.[\w.-]{20,}(?=")/gu));

    const written = JSON.stringify(eventsOf(vaultSource, raw));

    expect(raw.join('')).toContain(CANARY);
    expect(tokens.size).toBeGreaterThan(5);
    expect(written).not.toContain(CANARY);
    for (const token of tokens) expect(written).not.toContain(token);
  });

  it('knows OpenBao by its engines, and people and workloads over their tokens', () => {
    const events = eventsOf(vaultSource, hashed);

    const sources = new Set(
      events.filter(({ secrets: [secret] }) => secret?.key.startsWith('vault:kv:')).map(({ source }) => source),
    );
    const idsOf = (name: string) => [
      ...new Set(
        events.filter(({ principal }) => principal.name === name).map(({ principal }) => `${principal.id} ${principal.kind}`),
      ),
    ];

    expect([...sources]).toEqual(['openbao']);
    expect(idsOf('userpass-ann')).toEqual(['vault:userpass-ann human']);
    expect(idsOf('root')).toEqual(['vault:root root']);
    expect(idsOf('approle app')).toEqual([expect.stringMatching(/^[\da-f-]{36} workload$/u)]);
  });
});
