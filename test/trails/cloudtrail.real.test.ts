/** LookupEvents against a server that holds its documented rules: signatures, pages of 50 that are the newest first, one attribute, two requests a second. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openCloudTrail, pull, type Page, type Trail } from '../../shared/trails/index.ts';
import { CREDENTIALS } from '../contract/aws.ts';
import { scoreTick } from '../../shared/drivers/index.ts';
import { serve, type Served } from '../alerts/serve.ts';
import { alertScene, START, type AlertScene } from '../alerts/scene.ts';
import { cloudTrailRecord, scoreScene, startReceiver } from '../hosts/score-scene.ts';

interface Event {
  readonly id: string;
  readonly source: string;
  readonly time: number;
  /** Instead of a small one. */
  readonly record?: object;
}

const MINUTE = 60_000;
let server: Served;
let endpoint: string;
let events: Event[];
let asked: { at: number; body: Record<string, unknown> }[];
/** The next answers, instead of events. */
let faults: { status: number; type: string }[];
let scene: AlertScene;
let trail: Trail;

beforeEach(async () => {
  for (const [name, value] of Object.entries({ ...CREDENTIALS, AWS_REGION: 'eu-central-1' })) vi.stubEnv(name, value);
  events = [];
  asked = [];
  faults = [];
  scene = alertScene();
  server = await serve((request, response, bytes) => {
    const body = JSON.parse(bytes.toString()) as Record<string, unknown>;
    const say = (status: number, json: object): void =>
      void response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(json));
    const last = asked.at(-2)?.at ?? 0;
    asked.push({ at: scene.clock.now(), body });
    if (!/\/eu-central-1\/cloudtrail\/aws4_request/.test(request.headers.authorization ?? ''))
      return say(400, { __type: 'MissingAuthenticationToken' });
    const fault = faults.shift();
    if (fault !== undefined) return say(fault.status, { __type: fault.type });
    if (scene.clock.now() - last < 1000) return say(400, { __type: 'ThrottlingException' });
    return answer(body, say);
  });
  endpoint = server.url;
  trail = await openCloudTrail({ endpoint }, { now: () => scene.clock.now(), sleep: (ms) => scene.deps.sleep(ms) });
});
afterEach(async () => {
  trail.close();
  vi.unstubAllEnvs();
  await server.close();
});

function answer(body: Record<string, unknown>, say: (status: number, json: object) => void): void {
  const { LookupAttributes: attributes, StartTime: start, EndTime: end, MaxResults: most, NextToken: token } = body;
  const [attribute, more] = attributes as { AttributeKey: string; AttributeValue: string }[];
  if (more !== undefined || attribute?.AttributeKey !== 'EventSource')
    return say(400, { __type: 'InvalidLookupAttributesException' });
  if (!(Number(most) >= 1 && Number(most) <= 50)) return say(400, { __type: 'InvalidMaxResultsException' });
  if (Number(start) > Number(end)) return say(400, { __type: 'InvalidTimeRangeException' });
  const found = events
    .filter(
      ({ source, time }) => source === attribute.AttributeValue && time >= Number(start) * 1000 && time <= Number(end) * 1000,
    )
    .sort((a, b) => b.time - a.time);
  const at = token === undefined ? 0 : Number(token);
  const page = found.slice(at, at + Number(most));
  const next = at + page.length < found.length ? { NextToken: String(at + page.length) } : {};
  say(200, {
    Events: page.map(({ id, source, time, record }) => ({
      EventId: id,
      EventSource: source,
      EventTime: time / 1000,
      CloudTrailEvent: JSON.stringify(record ?? { eventID: id, eventSource: source, eventTime: new Date(time).toISOString() }),
    })),
    ...next,
  });
}

const SECRETS = 'secretsmanager.amazonaws.com';
const idsOf = (pages: readonly Page[]): string[] =>
  pages.flatMap(({ records }) => records.map((record) => (JSON.parse(record.toString()) as { eventID: string }).eventID));

async function run(
  first = 30 * MINUTE,
  take: (page: Page) => void = () => undefined,
): Promise<{ pages: Page[]; records: number }> {
  const pages: Page[] = [];
  const records = await pull(trail, { state: scene.state, now: scene.clock.now(), first }, async (page) => {
    take(page);
    pages.push(page);
  });
  return { pages, records };
}

describe('CloudTrail’s event history', () => {
  it('gives every event once, the oldest first, over all pages and services', async () => {
    events = Array.from({ length: 130 }, (_, index) => ({
      id: `e${index}`,
      source: index % 3 === 0 ? 'kms.amazonaws.com' : SECRETS,
      time: START - 29 * MINUTE + index * 10_000,
    }));

    const { pages, records } = await run();

    expect(records).toBe(130);
    expect(idsOf(pages)).toEqual(events.map(({ id }) => id));
    expect(asked.some(({ body }) => body['NextToken'] !== undefined)).toBe(true);
  });

  it('asks twice a second at most', async () => {
    await run();

    const gaps = asked.slice(1).map(({ at }, index) => at - (asked[index]?.at ?? 0));
    expect(gaps.length).toBeGreaterThan(10);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(500);
  });

  it('goes on where the last run ended, and reads again what may have come late', async () => {
    events = [{ id: 'early', source: SECRETS, time: START - 20 * MINUTE }];
    await run();
    events.push({ id: 'late', source: SECRETS, time: START - 10 * MINUTE });
    scene.clock.advance(5 * MINUTE);
    const cursor = (await scene.state.get<{ until: number }>('audit/cursor/cloudtrail eu-central-1'))?.value.until ?? 0;

    const { pages } = await run();

    expect(cursor).toBeGreaterThanOrEqual(START);
    expect(idsOf(pages)).toEqual(['late']);
  });

  it('asks again for a page that could not be worked on', async () => {
    events = [
      { id: 'a', source: SECRETS, time: START - 25 * MINUTE },
      { id: 'b', source: SECRETS, time: START - 5 * MINUTE },
    ];
    let failing = true;
    const take = (page: Page): void => {
      if (failing && idsOf([page]).includes('b')) throw new Error('the state does not answer');
    };

    await expect(run(30 * MINUTE, take)).rejects.toThrow('the state does not answer');
    failing = false;
    const { pages } = await run(30 * MINUTE, take);

    expect(idsOf(pages)).toContain('b');
  });

  it('waits when it is throttled, and says so when it remains', async () => {
    faults = [{ status: 400, type: 'ThrottlingException' }];
    const { pages } = await run(10 * MINUTE);
    faults = Array.from({ length: 5 }, () => ({ status: 400, type: 'ThrottlingException' }));

    expect(pages).toHaveLength(1);
    await expect(run()).rejects.toMatchObject({
      code: 'ERR_TRAIL_THROTTLED',
      message: expect.stringMatching(/^cloudtrail eu-central-1 could not be read, AWS answered ThrottlingException/),
      retryable: true,
    });
  });

  it.each([
    ['AccessDeniedException', 'ERR_TRAIL_FORBIDDEN'],
    ['ExpiredTokenException', 'ERR_TRAIL_LOGIN'],
    ['InvalidNextTokenException', 'ERR_TRAIL_FAILED'],
  ])('%s is %s, asked once', async (type, code) => {
    faults = [{ status: 400, type }];

    await expect(run()).rejects.toMatchObject({ code, message: expect.stringContaining(type), retryable: false });
    expect(asked).toHaveLength(1);
  });

  it('ends when it is told to', async () => {
    const pages = trail.pages({ since: START - 60 * MINUTE, signal: AbortSignal.abort() });

    await expect(pages[Symbol.asyncIterator]().next()).rejects.toThrow(/abort/i);
    expect(asked).toEqual([]);
  });
});

describe('the tick', () => {
  it('asks the configured trails, scores what they have, and goes on when one cannot be read', async () => {
    const receiver = await startReceiver();
    const given = scoreScene(receiver.url, {
      audit: {
        canaries: ['canary/*'],
        alerts: { channels: [{ kind: 'webhook', url: receiver.url }] },
        trails: [
          { kind: 'cloudtrail', region: 'eu-west-9', endpoint },
          { kind: 'cloudtrail', endpoint },
        ],
      },
    });
    scene = given;
    events = [{ id: 'c', source: SECRETS, time: START - 60_000, record: cloudTrailRecord('canary/backup', '2') }];

    await scoreTick(given.host);
    await scoreTick(given.host);
    await receiver.close();

    expect(receiver.alerts).toMatchObject([{ band: 'critical' }]);
    expect(given.lines).toContainEqual(
      expect.objectContaining({
        level: 'error',
        fields: expect.objectContaining({ trail: 'cloudtrail eu-west-9', code: 'ERR_TRAIL_LOGIN' }) as object,
      }),
    );
    expect(given.lines.filter(({ message }) => message === 'audit records were asked for')).toHaveLength(2);
  });
});
