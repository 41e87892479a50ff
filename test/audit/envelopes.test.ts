/** Every envelope, and what hostile or broken input does to the records around it: nothing. */
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  readRecords,
  sniff,
  unwrapPayload,
  type Limits,
  type Problem,
  type Reference,
} from '../../shared/audit/envelope/index.ts';

type Tree = Record<string, unknown>;

const trail = (id: string): Tree => ({
  eventVersion: '1.09',
  userIdentity: { type: 'AssumedRole', arn: 'arn:aws:sts::111122223333:assumed-role/app/s' },
  eventTime: '2026-11-23T03:00:00Z',
  eventSource: 'secretsmanager.amazonaws.com',
  eventName: 'GetSecretValue',
  awsRegion: 'eu-west-1',
  requestParameters: { secretId: 'a}{b', records: [{ eventID: 'not this' }] },
  eventID: id,
});
const logEntry = (id: string): Tree => ({
  protoPayload: { methodName: 'AccessSecretVersion' },
  insertId: id,
  logName: 'projects/p/logs/x',
});
const vaultRecord = (id: string): Tree => ({ time: '2026-11-23T03:00:00Z', type: 'response', auth: {}, request: { id } });
const azureRecord = (id: string): Tree => ({
  time: '2026-11-23T03:00:00.0000000Z',
  resourceId: '/X',
  operationName: 'SecretGet',
  correlationId: id,
});

const text = JSON.stringify;
const base64 = (bytes: string | Buffer): string => Buffer.from(bytes as string).toString('base64');
function idOf(record: Tree): string {
  const inner = (record['request'] as Tree | undefined)?.['id'];
  const id = record['eventID'] ?? record['insertId'] ?? record['correlationId'] ?? inner;
  return typeof id === 'string' ? id : text(record);
}

const logs = (...records: Tree[]): Tree => ({
  messageType: 'DATA_MESSAGE',
  owner: '111122223333',
  logGroup: 'trail',
  logStream: '111122223333_CloudTrail_eu-west-1',
  subscriptionFilters: ['keywheel'],
  logEvents: records.map((each, at) => ({ id: `3712${at}`, timestamp: 1_795_000_000_000, message: text(each) })),
});
const control = {
  messageType: 'CONTROL_MESSAGE',
  owner: 'CloudwatchLogs',
  logGroup: '',
  logStream: '',
  subscriptionFilters: [],
  logEvents: [{ id: '', timestamp: 1, message: 'CWL CONTROL MESSAGE: Checking health of destination Kinesis stream.' }],
};

interface Read {
  readonly ids: string[];
  readonly problems: Problem[];
  readonly addresses: string[];
  readonly references: Reference[];
}

/** Reads in pieces of `size` bytes. */
async function read(
  input: string | Buffer,
  { size = 1 << 16, limits }: { size?: number; limits?: Partial<Limits> } = {},
): Promise<Read> {
  const bytes = Buffer.from(input as string);
  const found: Read = { ids: [], problems: [], addresses: [], references: [] };
  function* pieces(): Generator<Buffer> {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  await readRecords(
    pieces(),
    { limits, tell: (problem) => found.problems.push(problem), reference: (one) => found.references.push(one) },
    (record, start, end, place) => {
      const slice = record.toString('utf8', start, end);
      let id = 'unreadable';
      try {
        id = idOf(JSON.parse(slice) as Tree);
      } catch {
        // Records are not parsed before they are visited.
      }
      found.ids.push(id);
      found.addresses.push(place.address());
    },
  );
  return found;
}

const kinds = (problems: readonly Problem[]): string[] => problems.map(({ kind }) => kind);
const idsOf = ({ records }: ReturnType<typeof unwrapPayload>): string[] =>
  records.map(({ bytes, start, end }) => idOf(JSON.parse(bytes.toString('utf8', start, end)) as Tree));

const THREE = [trail('1'), trail('2'), trail('3')];
const LINES = THREE.map((each) => text(each));

describe('records of a file', () => {
  const sorted = ({ eventVersion, ...rest }: Tree): Tree => ({ additionalEventData: null, ...rest, eventVersion });
  const formats: [string, string | Buffer][] = [
    ['NDJSON', LINES.join('\n')],
    ['NDJSON with CRLF, empty lines and a byte order mark', `\uFEFF${LINES.join('\r\n\r\n')}\r\n`],
    ['NDJSON with keys in another order', THREE.map((each) => text(sorted(each))).join('\n')],
    ['values one behind the other', LINES.join('')],
    ['values with spaces between', LINES.join('  ')],
    ['elements of a list without its brackets', LINES.join(',\n')],
    ['an array', text(THREE)],
    ['an array over many lines', text(THREE, null, 2)],
    ['objects over many lines', THREE.map((each) => text(each, null, 2)).join('\n')],
    ['a CloudTrail file', text({ Records: THREE })],
    ['a CloudTrail file over many lines', text({ first: [1, { a: ']}' }], Records: THREE, last: { Records: 1 } }, null, 4)],
    ['JSON strings, a record in each', LINES.map((each) => text(each)).join('\n')],
    ['log subscription payloads', [logs(...THREE.slice(0, 2)), control, logs(trail('3'))].map((each) => text(each)).join('\n')],
    [
      'log subscription payloads, one behind the other',
      text(control) + text(logs(...THREE.slice(0, 1))) + text(logs(...THREE.slice(1))),
    ],
    ['a log subscription payload over many lines', text(logs(...THREE), null, 1)],
    [
      'events',
      THREE.map((each) =>
        text({ version: '0', id: 'e', 'detail-type': 'AWS API Call via CloudTrail', source: 'aws.sts', detail: each }),
      ).join('\n'),
    ],
    [
      'a result of LookupEvents',
      text({ NextToken: 'n', Events: THREE.map((each) => ({ EventId: 'x', CloudTrailEvent: text(each) })) }),
    ],
    ['records of Event Hubs', THREE.map((_, at) => text({ records: [azureRecord(String(at + 1))] })).join('\n')],
    [
      'lines of an audit device with prefixes',
      ['1', '2', '3'].map((id) => `<13>Nov 23 bao[7]: ${text(vaultRecord(id))}`).join('\n'),
    ],
    ['lines with a prefix in brackets', ['1', '2', '3'].map((id) => `[audit] ${text(vaultRecord(id))}`).join('\n')],
    [
      'Pub/Sub messages',
      ['1', '2', '3']
        .map((id) => text({ message: { data: base64(text(logEntry(id))), messageId: id }, subscription: 's' }))
        .join('\n'),
    ],
  ];

  it.each(formats)('%s', async (_name, input) => {
    const packed = gzipSync(input);
    const wanted = ['1', '2', '3'];
    for (const each of [input, packed, gzipSync(packed)]) {
      for (const size of [1, 3, 61, 1 << 16]) {
        const { ids, problems } = await read(each, { size });
        expect([size, ids, kinds(problems).filter((kind) => kind !== 'control')]).toStrictEqual([size, wanted, []]);
      }
    }
  });

  it('reads gzip members one behind the other, and what follows them is not read as records', async () => {
    const members = Buffer.concat([gzipSync(`${LINES[0]}\n`), gzipSync(`${LINES[1]}\n${LINES[2]}`), Buffer.alloc(512)]);
    expect(await read(members, { size: 50 })).toMatchObject({ ids: ['1', '2', '3'], problems: [] });
  });

  it('counts probes apart', async () => {
    expect(kinds((await read(text(control))).problems)).toStrictEqual(['control']);
  });

  it('says where a record is', async () => {
    const { addresses } = await read(`${LINES[0]}\n\n${text([THREE[1], THREE[2]], null, 1)}`);
    expect(addresses).toStrictEqual(['line 1, record 1', 'line 4, record 2', expect.stringMatching(/^line \d+, record 3$/)]);
  });

  it('gives every record of any mixture, however it is cut into pieces', async () => {
    const part = fc.constantFrom(...formats.map(([, input]) => input as string));
    const garbage = fc.constantFrom(
      '',
      'garbage',
      ']',
      '} }',
      '\u0000\u0001',
      'null',
      '{"eventVersion":"1.0","cut":"in a str',
      '{"a":[1,{"b"',
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(garbage, part), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 900 }),
        async (parts, size) => {
          const input = parts.map(([before, records]) => `${before}\n${records.replace('\uFEFF', '')}\n`).join('');
          const { ids, problems } = await read(input, { size });
          const wrong = parts.filter(([before]) => before !== '').length;
          expect(ids.filter((id) => ['1', '2', '3'].includes(id))).toStrictEqual(parts.flatMap(() => ['1', '2', '3']));
          expect(problems.filter(({ kind }) => kind !== 'control').length + ids.length - 3 * parts.length).toBeGreaterThanOrEqual(
            wrong,
          );
        },
      ),
      { numRuns: 150 },
    );
  });

  it('waits for what the visitor awaits before it reads on', async () => {
    const order: string[] = [];
    async function* slow(): AsyncGenerator<string> {
      for (const line of LINES) {
        order.push('read');
        yield `${line}\n`;
      }
    }
    await readRecords(slow(), {}, async () => {
      await Promise.resolve();
      order.push('visited');
    });
    expect(order).toStrictEqual(['read', 'visited', 'read', 'visited', 'read', 'visited']);
  });

  it('fails when the visitor or the stream fails, and closes the stream', async () => {
    let closed = 0;
    function* lines(): Generator<string> {
      try {
        yield* LINES;
      } finally {
        closed += 1;
      }
    }
    const failing = (): never => {
      throw new RangeError('no more');
    };
    await expect(readRecords(lines(), {}, failing)).rejects.toThrow(new RangeError('no more'));
    expect(closed).toBe(1);
  });
});

describe('hostile and broken files', () => {
  const good = `${LINES.join('\n')}\n`;

  it.each<[string, string | Buffer, string[]]>([
    ['nothing', '', ['empty']],
    ['nothing, gzipped', gzipSync(''), ['empty']],
    ['binary', Buffer.from([0, 1, 2, 0xff, 0xfe, 0x0a, 0x80, 0x0a]), ['malformed', 'malformed']],
    ['a list that ends early', '[', ['truncated']],
    ['an object that ends early', '{"x":[{"y":1}', ['truncated']],
    ['a record that ends early', '{"eventVersion":"1.0","x":', ['truncated']],
    ['no gzip behind its first two bytes', Buffer.from([0x1f, 0x8b, 0xff, 0xff, 0xff, 0xff]), ['corrupt', 'empty']],
  ])('%s', async (_name, input, wanted) => {
    const { ids, problems } = await read(input);
    expect([ids, kinds(problems)]).toStrictEqual([[], wanted]);
  });

  it('a gzip that was cut gives what is in it', async () => {
    const noise = Array.from({ length: 400 }, (_, at) => text(trail(`${at}-${Math.imul(at + 1, 2_654_435_761) >>> 0}`))).join(
      '\n',
    );
    const packed = gzipSync(noise);
    const whole = await read(packed);
    const cut = await read(packed.subarray(0, packed.length >> 1));
    expect(kinds(cut.problems)).toContain('truncated');
    expect(cut.ids.length).toBeGreaterThan(100);
    expect(whole.ids.slice(0, cut.ids.length)).toStrictEqual(cut.ids);
  });

  it('a damaged gzip gives what is before the damage', async () => {
    const noise = Array.from({ length: 400 }, (_, at) => text(trail(`${at}-${Math.imul(at + 1, 2_654_435_761) >>> 0}`)));
    const packed = gzipSync(noise.join('\n'));
    packed.fill(0xff, packed.length - 8);
    const { ids, problems } = await read(packed, { size: 1000 });
    expect(kinds(problems)).toContain('corrupt');
    expect(ids.length).toBeGreaterThan(100);
  });

  it.each<[string, string, string[]]>([
    ['a record cut in a string', `{"eventVersion":"1.09","eventName":"Get`, ['malformed']],
    ['a record cut behind a comma', `{"eventVersion":"1.09",`, ['malformed']],
    ['a list that never ends', `{"deep":${'['.repeat(500)}`, ['malformed']],
    ['a megabyte of brackets', '{"a":['.repeat(170_000), ['malformed']],
    ['a stray bracket', ']', ['malformed']],
    ['a line of two megabytes', `{"eventVersion":"${'x'.repeat(2 << 20)}"}`, ['oversize']],
    ['a line of two megabytes without JSON', 'x'.repeat(2 << 20), ['oversize']],
    ['a line of two megabytes with keys in another order', `{"additional":"${'x'.repeat(2 << 20)}"}`, ['oversize']],
    ['an object of twelve megabytes', `{"additional":"${'x'.repeat(12 << 20)}"}`, ['oversize']],
  ])('%s costs itself and nothing else', async (_name, bad, wanted) => {
    const { ids, problems } = await read(`${good}${bad}\n${good}`);
    expect([ids, kinds(problems)]).toStrictEqual([['1', '2', '3', '1', '2', '3'], wanted]);
  });

  it.each<[string, string, string[]]>([
    ['a stray bracket', '}', ['malformed']],
    ['a number', '17', ['malformed']],
    ['an element of two megabytes', `{"eventVersion":"${'x'.repeat(2 << 20)}"}`, ['oversize']],
    ['an element of twelve megabytes', `"${'x'.repeat(12 << 20)}"`, ['oversize']],
  ])('%s in a list costs itself and nothing else', async (_name, bad, wanted) => {
    const { ids, problems } = await read(`{"Records":[${LINES[0]},${bad},${LINES[1]},${LINES[2]}]}`);
    expect([ids, kinds(problems)]).toStrictEqual([['1', '2', '3'], wanted]);
  });

  it('a list cut in a string loses the element, not the lines behind it', async () => {
    const { ids, problems } = await read(`[${LINES[0]},{"x":"cut\n${good}`);
    expect([ids, kinds(problems)]).toStrictEqual([['1', '1', '2', '3'], ['malformed']]);
  });

  it('a bomb of ten gigabytes ends with a finding, and memory stays flat', async () => {
    const member = gzipSync(Buffer.alloc(64 << 20));
    const zeros = Buffer.concat(Array.from({ length: 160 }, () => member));
    const before = process.memoryUsage().rss;
    const { ids, problems } = await read(Buffer.concat([gzipSync(good), zeros]));
    expect([ids, kinds(problems)]).toStrictEqual([
      ['1', '2', '3'],
      ['oversize', 'bomb'],
    ]);
    expect(process.memoryUsage().rss - before).toBeLessThan(150 << 20);
  });

  it('tells nothing of what was in the input', async () => {
    const secret = 'hvs.CAESIJ-not-a-token';
    const { problems } = await read(`${secret}\n{"eventVersion":"${secret}\n[${secret}\n"${secret}`);
    expect(problems.length).toBeGreaterThan(1);
    expect(text(problems)).not.toContain('hvs.');
  });
});

describe('payloads of functions', () => {
  const packedLogs = (...records: Tree[]): string => base64(gzipSync(text(logs(...records))));
  const s3 = (key: string): Tree => ({
    Records: [
      {
        eventVersion: '2.1',
        eventSource: 'aws:s3',
        awsRegion: 'eu-west-1',
        eventTime: '2026-11-23T03:00:00.000Z',
        eventName: 'ObjectCreated:Put',
        userIdentity: { principalId: 'AWS:X' },
        s3: { bucket: { name: 'trails' }, object: { key, size: 5, eTag: 'e' } },
      },
    ],
  });
  const topic = (message: unknown): Tree => ({
    Type: 'Notification',
    MessageId: 'n1',
    TopicArn: 'arn:aws:sns:eu-west-1:1:t',
    Message: text(message),
  });

  it.each<[string, unknown, string[], (string | undefined)[]]>([
    ['a log subscription', { awslogs: { data: packedLogs(...THREE) } }, ['1', '2', '3'], [undefined, undefined, undefined]],
    ['a decoded log subscription', logs(...THREE), ['1', '2', '3'], [undefined, undefined, undefined]],
    [
      'Kinesis',
      {
        Records: [THREE.slice(0, 2), THREE.slice(2)].map((some, at) => ({
          kinesis: { partitionKey: 'p', sequenceNumber: `49${at}`, data: packedLogs(...some) },
          eventSource: 'aws:kinesis',
          eventVersion: '1.0',
          eventID: 'shardId-000000000000:1',
          awsRegion: 'eu-west-1',
        })),
      },
      ['1', '2', '3'],
      ['490', '490', '491'],
    ],
    [
      'EventBridge',
      { version: '0', id: 'e1', 'detail-type': 'AWS API Call via CloudTrail', source: 'aws.kms', time: 't', detail: trail('1') },
      ['1'],
      ['e1'],
    ],
    [
      'SNS',
      { Records: [{ EventSource: 'aws:sns', EventVersion: '1.0', Sns: { MessageId: 'n', Message: text(trail('1')) } }] },
      ['1'],
      ['n'],
    ],
    [
      'SQS with an event',
      {
        Records: [
          {
            messageId: 'm',
            receiptHandle: 'r',
            body: text({ id: 'e1', 'detail-type': 'x', detail: trail('1') }),
            eventSource: 'aws:sqs',
            awsRegion: 'eu-west-1',
          },
        ],
      },
      ['1'],
      ['m'],
    ],
    [
      'a Pub/Sub push',
      {
        message: { data: base64(text(logEntry('1'))), messageId: '7', message_id: '7', publishTime: 't', publish_time: 't' },
        subscription: 's',
      },
      ['1'],
      ['7'],
    ],
    [
      'a Pub/Sub push in snake case',
      { message: { data: base64(text(logEntry('1'))), message_id: '7' }, subscription: 's' },
      ['1'],
      ['7'],
    ],
    ['a Pub/Sub message', { data: base64(text(logEntry('1'))), messageId: '7', attributes: {} }, ['1'], ['7']],
    [
      'a CloudEvent',
      {
        time: 't',
        specversion: '1.0',
        id: '9',
        type: 'google.cloud.pubsub.topic.v1.messagePublished',
        source: 's',
        data: { message: { data: base64(text(logEntry('1'))), messageId: '7' }, subscription: 's' },
      },
      ['1'],
      ['7'],
    ],
    [
      'a CloudEvent in base64',
      { specversion: '1.0', id: '9', data_base64: base64(text({ records: [azureRecord('1')] })) },
      ['1'],
      [undefined],
    ],
    [
      'Event Hub messages',
      [
        { records: [azureRecord('1')] },
        text([azureRecord('2')]),
        Buffer.from(`${text(azureRecord('3'))}\n${text(azureRecord('4'))}`),
        gzipSync(text({ records: [azureRecord('5')] })),
      ],
      ['1', '2', '3', '4', '5'],
      Array.from({ length: 5 }, () => undefined),
    ],
    ['one Event Hub message', { records: [azureRecord('1')] }, ['1'], [undefined]],
    ['an HTTP device', text(vaultRecord('1')), ['1'], [undefined]],
    ['a record', vaultRecord('1'), ['1'], [undefined]],
    ['a GCP entry with a message of its own', { ...logEntry('1'), message: { data: 'AAAA' }, records: [1] }, ['1'], [undefined]],
  ])('%s', (_name, payload, ids, keys) => {
    const unwrapped = unwrapPayload(payload);
    expect(idsOf(unwrapped)).toStrictEqual(ids);
    expect(unwrapped.records.map(({ id }) => id)).toStrictEqual(keys);
    expect([unwrapped.problems, unwrapped.references, unwrapped.controls]).toStrictEqual([[], [], 0]);
    const asText = Array.isArray(payload) ? payload : typeof payload === 'string' ? payload : text(payload);
    expect(idsOf(unwrapPayload(asText))).toStrictEqual(ids);
  });

  it('gives the objects that notifications name, with the id of the message to retry', () => {
    const bodies = [
      s3('AWSLogs%2Fa+b%3D1.json.gz'),
      topic(s3('c.json.gz')),
      topic({ s3Bucket: 'trails', s3ObjectKey: ['d', 'e'] }),
    ];
    const bridged = {
      'detail-type': 'Object Created',
      source: 'aws.s3',
      region: 'eu-west-1',
      detail: { bucket: { name: 'trails' }, object: { key: 'f+g', size: 1, 'version-id': 'v' } },
    };
    const payload = {
      Records: [...bodies, bridged].map((body, at) => ({
        messageId: `m${at}`,
        receiptHandle: 'r',
        body: text(body),
        eventSource: 'aws:sqs',
      })),
    };
    expect(unwrapPayload(payload)).toStrictEqual({
      records: [],
      references: [
        { bucket: 'trails', key: 'AWSLogs/a b=1.json.gz', region: 'eu-west-1', size: 5, id: 'm0' },
        { bucket: 'trails', key: 'c.json.gz', region: 'eu-west-1', size: 5, id: 'm1' },
        { bucket: 'trails', key: 'd', id: 'm2' },
        { bucket: 'trails', key: 'e', id: 'm2' },
        { bucket: 'trails', key: 'f+g', region: 'eu-west-1', versionId: 'v', size: 1, id: 'm3' },
      ],
      problems: [],
      controls: 0,
    });
  });

  it('skips removals and tests of notifications, and probes', () => {
    const removed = text(s3('x')).replace('ObjectCreated:Put', 'ObjectRemoved:Delete');
    expect(unwrapPayload(removed)).toMatchObject({ records: [], references: [], problems: [], controls: 0 });
    expect(
      unwrapPayload({ Records: [{ messageId: 'm', body: text({ Service: 'Amazon S3', Event: 's3:TestEvent' }) }] }),
    ).toMatchObject({ problems: [], controls: 1 });
    expect(unwrapPayload({ awslogs: { data: base64(gzipSync(text(control))) } })).toMatchObject({
      records: [],
      problems: [],
      controls: 1,
    });
  });

  it('loses no other message for one that is broken, and says which it was', () => {
    const data = packedLogs(trail('1'));
    const broken: [string, string][] = [
      [data.slice(0, 80), 'truncated'],
      ['%%%', 'corrupt'],
      [base64('H4sI'), 'malformed'],
      [base64(gzipSync(Buffer.alloc(11 << 20))), 'bomb'],
      [base64(Buffer.from([0x1f, 0x8b, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9])), 'corrupt'],
      ['', 'empty'],
    ];
    const kinesis = (each: unknown, at: number): Tree => ({ kinesis: { sequenceNumber: String(at), data: each } });
    const records = broken.flatMap(([each]) => [data, each]).map((each, at) => kinesis(each, at));
    const { problems, ...rest } = unwrapPayload({ Records: [...records, kinesis(7, 12), kinesis(data, 13)] });
    expect(idsOf({ problems, ...rest })).toStrictEqual(Array.from({ length: 7 }, () => '1'));
    const told = new Map(problems.map(({ id, kind }) => [id, kind]));
    expect([...told.keys()]).toStrictEqual(['1', '3', '5', '7', '9', '11', '12']);
    for (const [at, [, kind]] of broken.entries())
      expect(problems.filter(({ id }) => id === String(2 * at + 1)).map((one) => one.kind)).toContain(kind);
    expect(problems.at(-1)).toStrictEqual({
      kind: 'malformed',
      message: 'a Kinesis record without its data',
      address: expect.stringContaining('Kinesis record 12'),
      id: '12',
    });
  });

  it('keeps to its limits', () => {
    const many = unwrapPayload({ Records: THREE }, { records: 2 });
    expect([idsOf(many), kinds(many.problems)]).toStrictEqual([['1', '2'], ['records']]);
    const large = unwrapPayload([trail('1'), { ...trail('2'), userAgent: 'x'.repeat(1000) }, trail('3')], { record: 900 });
    expect([idsOf(large), large.problems]).toStrictEqual([
      ['1', '3'],
      [{ kind: 'oversize', message: 'a record of more than 900 bytes', address: 'message 2, record 2' }],
    ]);
    let nested: unknown = trail('1');
    for (let level = 0; level < 10; level += 1) nested = { Records: [{ messageId: `m${level}`, body: text(nested) }] };
    expect(kinds(unwrapPayload(nested).problems)).toStrictEqual(['nesting']);
    let packed = gzipSync(text(trail('1')));
    for (let level = 0; level < 20; level += 1) packed = gzipSync(packed);
    expect(kinds(unwrapPayload(packed).problems)).toStrictEqual(['nesting']);
  });

  it('never throws', () => {
    const circular: Tree = {};
    circular['self'] = circular;
    for (const payload of [
      undefined,
      null,
      '',
      0,
      true,
      Symbol('x'),
      () => 1,
      circular,
      [],
      [null],
      new Map(),
      new Date(Number.NaN),
      1n,
      { toJSON: () => undefined },
    ]) {
      const { records, problems } = unwrapPayload(payload);
      expect(records.length + problems.length).toBeGreaterThan(0);
    }
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.uint8Array(), fc.object(), fc.string()), (payload) => {
        const { records } = unwrapPayload(payload);
        expect(records.every(({ start, end }) => start < end)).toBe(true);
      }),
      { numRuns: 2000 },
    );
    const names = fc.constantFrom(
      'awslogs',
      'kinesis',
      'Sns',
      'Message',
      'TopicArn',
      's3',
      'body',
      'messageId',
      'detail',
      'detail-type',
      'CloudTrailEvent',
      'message',
      'data',
      'specversion',
      'Records',
      'logEvents',
      'bucket',
      'object',
      'key',
      'name',
    );
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 5 },
        fc.jsonValue(),
        fc.dictionary(names, tie('tree'), { maxKeys: 4 }),
        fc.array(tie('tree'), { maxLength: 3 }),
      ),
    }));
    fc.assert(
      fc.property(tree, (payload) => {
        const { records, problems, references } = unwrapPayload(payload);
        expect([records, problems, references].every(Array.isArray)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('whose record it is', () => {
  const of = (record: unknown, space?: number): unknown => {
    const bytes = Buffer.from(`xx${text(record, null, space)}xx`);
    return sniff(bytes, 2, bytes.length - 2);
  };
  const shuffled = (record: Tree): fc.Arbitrary<Tree> =>
    fc
      .shuffledSubarray(Object.keys(record), { minLength: Object.keys(record).length })
      .map((keys) => Object.fromEntries(keys.map((each) => [each, record[each]])));

  it.each([
    ['aws', trail('1')],
    ['gcp', logEntry('1')],
    ['azure', azureRecord('1')],
    ['vault', vaultRecord('1')],
  ])('%s, whatever the order of keys, the spaces, and what is inside', (source, record) => {
    const lookAlike = { ...trail('x'), ...logEntry('x'), ...azureRecord('x'), ...vaultRecord('x') };
    fc.assert(
      fc.property(
        shuffled({ ...record, nested: lookAlike, list: [lookAlike], text: text(lookAlike) }),
        fc.nat(3),
        (mixed, space) => {
          expect(of(mixed, space)).toBe(source);
        },
      ),
    );
  });

  it('parses where the keys are those of two', () => {
    expect(of({ protoPayload: 'no object', ...trail('1'), logName: 'x' })).toBe('aws');
    expect(of({ ...logEntry('1'), eventSource: 7 })).toBe('gcp');
    expect(of({ eventSource: 'x', eventName: 'y', eventTime: 'z', ...logEntry('1') })).toBeUndefined();
  });

  it.each([
    ['nothing', {}],
    ['an application’s log', { level: 'info', message: 'GetSecretValue' }],
    [
      'a notification of S3',
      { eventVersion: '2.1', eventSource: 'aws:s3', eventName: 'ObjectCreated:Put', awsRegion: 'eu-west-1', s3: {} },
    ],
    ['a list', [trail('1')]],
  ])('none: %s', (_name, record) => {
    expect(of(record)).toBeUndefined();
  });

  it('says nothing of broken bytes', () => {
    for (const broken of ['', '{', '{"eventSource"', '{"eventSource":', '"eventSource"', '{ "protoPayload":{"a":1']) {
      expect(sniff(Buffer.from(broken), 0, broken.length)).toBeUndefined();
    }
  });
});
