/**
 * The part of Secrets Manager that calls a rotation function, in front of an account that only keeps secrets. RotateSecret announces a version without a
 * value under AWSPENDING, then the four steps are delivered, each again while it fails. (Moto's own RotateSecret makes the announced version current.)
 * https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets-lambda-function-overview.html
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { CREDENTIALS } from '../contract/aws.ts';
import type { Invocation } from '../peers/index.ts';

export const STEPS = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const;
export type Step = (typeof STEPS)[number];

export interface Announced {
  readonly token: string;
  readonly arn: string;
}

export interface RotationService {
  /** Where consumers and functions reach the service. */
  readonly endpoint: string;
  readonly client: SecretsManagerClient;
  /** Turns rotation on and announces a version, as RotateSecret does. `immediately: false` announces a copy of current instead. */
  announce(name: string, options?: { readonly immediately?: boolean }): Promise<Announced>;
  close(): void;
}

type Json = Record<string, unknown>;

/** @param account the endpoint behind it */
export async function startRotationService(account: string): Promise<RotationService> {
  const enabled = new Set<string>();
  /** By secret: the version that has no value yet. */
  const announced = new Map<string, string>();

  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const operation = String(request.headers['x-amz-target']).split('.')[1];
      const sent = JSON.parse(Buffer.concat(chunks).toString() || '{}') as Json;
      const token = announced.get(String(sent['SecretId']));
      const answer = await fetch(account, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-amz-json-1.1',
          'x-amz-target': String(request.headers['x-amz-target']),
          authorization: String(request.headers.authorization),
        },
        body: JSON.stringify(sent),
      });
      const body = (await answer.json()) as Json;
      if (operation === 'DescribeSecret' && answer.ok) {
        const stages = (body['VersionIdsToStages'] ?? {}) as Record<string, string[]>;
        body['RotationEnabled'] = enabled.has(String(body['Name']));
        if (token !== undefined && stages[token] === undefined)
          body['VersionIdsToStages'] = { ...stages, [token]: ['AWSPENDING'] };
      }
      if (operation === 'PutSecretValue' && answer.ok && sent['ClientRequestToken'] === token)
        announced.delete(String(sent['SecretId']));
      response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
    })().catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const credentials = { accessKeyId: CREDENTIALS.AWS_ACCESS_KEY_ID, secretAccessKey: CREDENTIALS.AWS_SECRET_ACCESS_KEY };
  const client = new SecretsManagerClient({ region: 'us-east-1', endpoint, credentials });

  return {
    endpoint,
    client,
    async announce(name, { immediately = true } = {}) {
      const token = randomUUID();
      enabled.add(name);
      if (immediately) announced.set(name, token);
      else {
        const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: name }));
        await client.send(
          new PutSecretValueCommand({ SecretId: name, ClientRequestToken: token, SecretString, VersionStages: ['AWSPENDING'] }),
        );
      }
      const { ARN } = await client.send(new DescribeSecretCommand({ SecretId: name }));
      return { token, arn: ARN ?? name };
    },
    close() {
      client.destroy();
      server.closeAllConnections();
      server.close();
    },
  };
}

/** One delivery of one step. */
export const stepEvent = (step: Step, { token, arn }: Announced): object => ({
  Step: step,
  SecretId: arn,
  ClientRequestToken: token,
});

/** Announces and delivers every step, each up to `tries` times. Throws with what the function said when one goes on failing. */
export async function rotateAsService(
  service: RotationService,
  invoke: (event: unknown) => Promise<Invocation>,
  name: string,
  tries = 5,
): Promise<string> {
  const announced = await service.announce(name);
  for (const step of STEPS) {
    for (let left = tries; ; left -= 1) {
      const answer = await invoke(stepEvent(step, announced));
      if (answer.ok) break;
      if (left === 1) throw new Error(`${step}: ${answer.errorType}: ${answer.errorMessage}`);
    }
  }
  return announced.token;
}
