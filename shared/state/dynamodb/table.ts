/** The one way to the table: the SDK, loaded by the first call, and what its failures mean. */
import type { AttributeValue, DynamoDB } from '@aws-sdk/client-dynamodb';
import { awsFailure, awsSettings } from '../../aws.ts';
import type { DynamodbStateConfig } from '../../config/index.ts';
import { KeywheelError } from '../../errors.ts';

/** Milliseconds between attempts where other workers are at the same items, or a batch was answered in part. */
export const PAUSES: readonly number[] = [20, 60, 180, 540];

export type Item = Record<string, AttributeValue>;

export interface Table {
  readonly name: string;
  /** `what` begins the sentence of an error: `state record k could not be read`. Errors in `passing` are the caller's to judge and thrown as they are. */
  call<T>(
    what: string,
    subject: string,
    perform: (client: DynamoDB) => Promise<T>,
    passing?: (name: string) => boolean,
  ): Promise<T>;
  close(): void;
}

export function openTable(config: DynamodbStateConfig): Table {
  let opened: DynamoDB | undefined;
  return {
    name: config.table,
    call: async (what, subject, perform, passing) => {
      const { DynamoDB: Client } = await import('@aws-sdk/client-dynamodb');
      opened ??= new Client(awsSettings(config));
      try {
        return await perform(opened);
      } catch (error) {
        const { name } = awsFailure(error);
        if (passing?.(name) === true) throw error;
        throw stateError(error, config.table, what, subject);
      }
    },
    close: () => opened?.destroy(),
  };
}

/** Nothing of the service's own text is told: it may repeat what was sent. */
export function stateError(error: unknown, table: string, what: string, subject: string): KeywheelError {
  if (error instanceof KeywheelError) return error;
  const failure = awsFailure(error);
  const say = (code: KeywheelError['code'], why: string, hint: string, retryable = false): KeywheelError =>
    new KeywheelError(code, `${what}, because ${why}: ${failure.text}`, { hint, retryable, subject });
  switch (failure.kind) {
    case 'login':
      return say(
        'ERR_STATE_LOGIN',
        'AWS does not accept our credentials',
        'renew the credentials of the default chain: profile, role or environment',
      );
    case 'forbidden':
      return say(
        'ERR_STATE_FORBIDDEN',
        `AWS does not allow it on table ${table}`,
        'grant the action on the table, and on its KMS key where it has one',
      );
    case 'throttled':
      return say(
        'ERR_STATE_THROTTLED',
        `table ${table} is throttled`,
        'it is tried again; give the table on-demand capacity',
        true,
      );
    case 'unavailable':
      return say(
        'ERR_STATE_UNAVAILABLE',
        'DynamoDB gave no answer that tells',
        'it is tried again; check the network and the region',
        true,
      );
    case 'region':
      return say('ERR_CONFIG_INVALID', 'no region is known', 'set region on the state in keywheel.yaml, or AWS_REGION');
    case 'other':
      if (failure.name === 'ResourceNotFoundException')
        return say('ERR_STATE_FAILED', `there is no table ${table}`, DEPLOY(table));
      if (isConflict(failure.name)) return busy(what, subject);
      if (failure.name === 'TransactionInProgressException')
        return say('ERR_STATE_UNAVAILABLE', 'an attempt of the same transaction is not finished yet', 'read it again', true);
      return say('ERR_STATE_FAILED', `table ${table} refused it`, DEPLOY(table));
  }
}

const DEPLOY = (table: string): string =>
  `deploy the table (serverless.yml does), with string keys pk and sk, and check its region: aws dynamodb describe-table --table-name ${table}`;

/** Another transaction, or with a global table another region, is at the same items: refused, and nothing was written. */
export const isConflict = (name: string): boolean =>
  name === 'TransactionConflictException' || name === 'ReplicatedWriteConflictException';

/** Others are at the same items at this moment, and nothing was written. */
export function busy(what: string, subject: string): KeywheelError {
  return new KeywheelError('ERR_STATE_UNAVAILABLE', `${what}, because other workers write it at this moment`, {
    hint: 'it is tried again',
    retryable: true,
    subject,
  });
}
