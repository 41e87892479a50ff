/**
 * CloudTrail's event history, for accounts without a trail of their own: LookupEvents has management events of 90 days, in one region.
 * https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html. Needs cloudtrail:LookupEvents, which takes no resource.
 */
import type { CloudTrailClient, LookupEventsCommandInput, LookupEventsCommandOutput } from '@aws-sdk/client-cloudtrail';
import { awsFailure, awsSettings, type AwsPlace } from '../aws.ts';
import { awsTrailError } from './failure.ts';
import type { Page, PullOptions, Trail } from './port.ts';

export interface CloudTrailDeps {
  readonly now: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** One lookup takes one attribute: each service is asked for by itself, since the others are most of a history. */
const SERVICES = ['secretsmanager', 'ssm', 'kms', 'sts', 'iam', 'cloudtrail', 'signin'].map((name) => `${name}.amazonaws.com`);
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** Two requests a second for an account in a region, for all who ask. */
const PACE = 500;
/** Milliseconds of history that are read before any of it is given: its events come newest first. */
const WINDOW = 15 * MINUTE;
const TRIES = 5;

export async function openCloudTrail(place: AwsPlace, { now, sleep }: CloudTrailDeps): Promise<Trail> {
  const { CloudTrailClient: Sdk, LookupEventsCommand } = await import('@aws-sdk/client-cloudtrail');
  const client: CloudTrailClient = new Sdk({ ...awsSettings(place), maxAttempts: 1 });
  const region = await client.config.region();
  const name = `cloudtrail ${region}`;
  let last = Number.NEGATIVE_INFINITY;

  const ask = async (input: LookupEventsCommandInput, signal: AbortSignal | undefined): Promise<LookupEventsCommandOutput> => {
    for (let tries = 1; ; tries += 1) {
      signal?.throwIfAborted();
      const wait = last + PACE - now();
      if (wait > 0) await sleep(wait, signal);
      last = now();
      try {
        const options = signal === undefined ? {} : { abortSignal: signal };
        return await client.send(new LookupEventsCommand(input), options);
      } catch (error) {
        signal?.throwIfAborted();
        const { kind } = awsFailure(error);
        if (tries >= TRIES || (kind !== 'throttled' && kind !== 'unavailable'))
          throw awsTrailError(error, name, 'cloudtrail:LookupEvents');
        await sleep(PACE * 2 ** tries, signal);
      }
    }
  };

  const lookUp = async (
    service: string,
    from: number,
    to: number,
    signal: AbortSignal | undefined,
    found: Found[],
  ): Promise<void> => {
    let token: string | undefined;
    do {
      const answer = await ask(
        {
          LookupAttributes: [{ AttributeKey: 'EventSource', AttributeValue: service }],
          // Both ends count, to the second.
          StartTime: new Date(from),
          EndTime: new Date(to),
          MaxResults: 50,
          ...(token === undefined ? {} : { NextToken: token }),
        },
        signal,
      );
      for (const { CloudTrailEvent: text, EventId: id, EventTime: time } of answer.Events ?? []) {
        if (text !== undefined) found.push({ id: id ?? '', time: time?.getTime() ?? from, bytes: Buffer.from(text) });
      }
      token = answer.NextToken;
    } while (token !== undefined && token !== '');
  };

  return {
    name,
    // "CloudTrail typically delivers events within an average of about 5 minutes of an API call. This time is not guaranteed."
    late: 15 * MINUTE,
    kept: 90 * DAY,
    async *pages({ since, signal }: PullOptions): AsyncGenerator<Page> {
      const end = now();
      // What falls on the second where two windows meet is in both.
      let before: ReadonlySet<string> = new Set();
      for (let from = since; from < end; from += WINDOW) {
        const until = Math.min(from + WINDOW, end);
        const found: Found[] = [];
        for (const service of SERVICES) await lookUp(service, from, until, signal, found);
        found.sort((a, b) => a.time - b.time);
        yield { records: found.filter(({ id }) => !before.has(id)).map(({ bytes }) => bytes), until };
        before = new Set(found.map(({ id }) => id));
      }
    },
    close: () => client.destroy(),
  };
}

interface Found {
  readonly id: string;
  readonly time: number;
  readonly bytes: Buffer;
}
