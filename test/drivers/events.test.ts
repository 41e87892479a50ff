/** Every sample in events/ is understood as its manifest says. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  keyVaultNotification,
  secretManagerNotification,
  type GridEvent,
  type PubSubCloudEvent,
} from '../../shared/drivers/notify.ts';
import { interactionOf } from '../../shared/alerts/index.ts';
import { unwrapPayload } from '../../shared/audit/index.ts';
import { httpRequestOf, stepEventOf, tickEventOf } from '../../shared/drivers/lambda.ts';
import { ackRequestOf, scoreEventOf } from '../../shared/drivers/score-lambda.ts';
import { secretOfArn } from '../../shared/drivers/names.ts';
import { azureConfig, sceneConfig } from './scene.ts';

interface Sample {
  readonly file: string;
  readonly function: 'rotate' | 'advance' | 'manual' | 'score' | 'scoreTick' | 'ack';
  readonly trigger: string;
  readonly source: string;
  readonly documentation: string;
  readonly sanitised: readonly string[];
  readonly expect: Readonly<Record<string, unknown>> & { readonly ignored?: string };
}

const folder = path.resolve(import.meta.dirname, '../../events');
const { events } = JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8')) as { events: Sample[] };
const bodyOf = ({ file }: Sample): unknown => JSON.parse(readFileSync(path.join(folder, file), 'utf8'));
const on = (cloud: string): Sample[] => events.filter(({ file }) => file.startsWith(`${cloud}/`));

/** What the drivers make of a sample, in the manifest's words. */
function understand(sample: Sample): Record<string, unknown> {
  const body = bodyOf(sample);
  const cloud = sample.file.split('/')[0];
  if (sample.function === 'score') return understandScore(cloud, body);
  if (sample.function === 'ack') return { ...interactionOf(ackRequestOf(body).body ?? '') };
  if (sample.function === 'scoreTick') return sample.expect;
  if (cloud === 'aws' && sample.function === 'rotate') {
    const { step, secretId, rotationToken } = stepEventOf(body);
    const told = { step, ...(rotationToken === undefined ? {} : { rotationToken: true }) };
    try {
      return { ...told, secret: secretOfArn(sceneConfig(), secretId) };
    } catch (error) {
      return { ...told, code: (error as { code: string }).code };
    }
  }
  if (cloud === 'aws' && sample.function === 'advance') return { batch: tickEventOf(body).batch?.length ?? null };
  if (cloud === 'aws') return { caller: httpRequestOf(body).caller?.subject ?? null };
  if (sample.function !== 'rotate') return sample.expect;
  const answer =
    cloud === 'gcp'
      ? secretManagerNotification(body as PubSubCloudEvent, { config: sceneConfig() })
      : keyVaultNotification(body as GridEvent, { config: azureConfig() });
  return 'ignored' in answer ? { ignored: answer.ignored } : { kind: answer.kind, secret: answer.secret };
}

/** How the platform delivers it, and what is in it. */
function understandScore(cloud: string | undefined, body: unknown): Record<string, unknown> {
  const event = cloud === 'aws' ? scoreEventOf(body) : undefined;
  const payloads = event?.deliveries.map(({ payload }) => payload) ?? [cloud === 'gcp' ? (body as { data: unknown }).data : body];
  const unwrapped = payloads.map((payload) => unwrapPayload(payload));
  const sum = (of: (each: (typeof unwrapped)[number]) => number): number =>
    unwrapped.reduce((total, each) => total + of(each), 0);
  const [references, controls] = [sum((each) => each.references.length), sum((each) => each.controls)];
  return {
    ...(event === undefined ? {} : { answer: event.answer, deliveries: event.deliveries.length }),
    records: sum((each) => each.records.length),
    ...(references > 0 ? { references } : {}),
    ...(controls > 0 ? { controls } : {}),
    ...(sum((each) => each.problems.length) > 0 ? { problems: true } : {}),
  };
}

function outcomeOf(sample: Sample): Record<string, unknown> {
  try {
    return understand(sample);
  } catch (error) {
    return { code: (error as { code: string }).code };
  }
}

describe('events/', () => {
  it('has a manifest entry for every sample, and a sample for every entry', () => {
    const files = ['aws', 'gcp', 'azure'].flatMap((cloud) =>
      readdirSync(path.join(folder, cloud)).map((file) => `${cloud}/${file}`),
    );

    expect(events.map(({ file }) => file).toSorted()).toEqual(files.toSorted());
    expect(events.every(({ documentation }) => URL.canParse(documentation))).toBe(true);
  });

  it.each([...on('aws'), ...on('gcp'), ...on('azure')].map((sample) => [sample.file, sample] as const))('%s', (_file, sample) => {
    const outcome = outcomeOf(sample);

    const { ignored, ...rest } = sample.expect;
    expect(outcome).toEqual({ ...rest, ...(ignored === undefined ? {} : { ignored: expect.stringContaining(ignored) }) });
  });
});

describe('names in events', () => {
  const config = sceneConfig();
  const refused = (id: string): unknown => {
    try {
      return secretOfArn(config, id);
    } catch (error) {
      return error;
    }
  };

  it('takes a name as it is, and an ARN with and without its six random characters', () => {
    const arn = 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:app/db';

    expect(secretOfArn(config, 'app/db')).toBe('app/db');
    expect(secretOfArn(config, `${arn}-a1B2c3`)).toBe('app/db');
    expect(secretOfArn(config, arn)).toBe('app/db');
  });

  it.each([
    [
      'another region',
      'arn:aws:secretsmanager:us-east-1:111122223333:secret:app/db-a1B2c3',
      /from another region: us-east-1 instead of eu-central-1/,
    ],
    [
      'another account',
      'arn:aws:secretsmanager:eu-central-1:999922223333:secret:app/db-a1B2c3',
      /from another account: 999922223333/,
    ],
    ['a secret of another store', 'app-db', /does not have in a store of kind aws/],
    ['an unknown secret', 'app/dbs', /does not have in a store of kind aws/],
  ])('refuses %s', (_what, id, message) => {
    expect(refused(id)).toMatchObject({
      code: 'ERR_EVENT_INVALID',
      message: expect.stringMatching(message),
      hint: expect.any(String),
    });
  });
});
