/**
 * The AWS calls, one function each, with our own credentials by the SDK's default chain. Every call names the user: without UserName, IAM
 * would act on the caller's own keys, or the root user's. https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteAccessKey.html
 */
import type * as Iam from '@aws-sdk/client-iam';
import type { AwsIamKeyTargetConfig } from '../../config/index.ts';
import type { Clock } from '../../deps.ts';

export interface KeyInfo {
  readonly id: string;
  readonly active: boolean;
  /** Milliseconds since the epoch; IAM tells whole seconds. */
  readonly createdAt: number;
}

export interface LastUse {
  readonly at?: number;
  readonly service: string;
}

export type IamApi = ReturnType<typeof openIamApi>;

/** One answer must come within it; three tries of a call and its pauses stay under the limit below. */
const REQUEST_TIMEOUT = 5000;
const CALL_LIMIT = 16_000;
const MOST_PAGES = 10;

export const requestHandler = {
  connectionTimeout: 3000,
  requestTimeout: REQUEST_TIMEOUT,
  throwOnRequestTimeout: true,
} as const;

export function openIamApi(config: AwsIamKeyTargetConfig, clock: Clock) {
  const UserName = config.userName;
  const dates = new WeakMap<object, number>();
  let opened: Promise<{ iam: Iam.IAMClient; once: Iam.IAMClient; sdk: typeof Iam }> | undefined;

  const open = () =>
    (opened ??= (async () => {
      const sdk = await import('@aws-sdk/client-iam');
      const client = (maxAttempts: number): Iam.IAMClient => {
        const { region, endpoint } = config;
        const made = new sdk.IAMClient({
          region,
          maxAttempts,
          requestHandler,
          customUserAgent: 'keywheel',
          ...(endpoint === undefined ? {} : { endpoint }),
        });
        made.middlewareStack.add(
          (next) => async (args) => {
            const result = await next(args);
            const headers = (result.response as { headers?: Record<string, string> }).headers;
            const date = Date.parse(headers?.['date'] ?? '');
            if (!Number.isNaN(date) && result.output !== undefined) dates.set(result.output, date);
            return result;
          },
          { step: 'deserialize', priority: 'high', name: 'keywheelServerDate' },
        );
        return made;
      };
      // CreateAccessKey is not idempotent: a try of the SDK's own after a lost answer would hide the key that the first one made.
      return { iam: client(3), once: client(1), sdk };
    })());
  const signal = () => ({ abortSignal: AbortSignal.timeout(CALL_LIMIT) });
  /** The service's clock where it told it; it is within five minutes of ours, or nothing that we sign would be taken. */
  const dateOf = (output: object): number => dates.get(output) ?? clock.now();

  return {
    async keys(): Promise<{ keys: KeyInfo[]; at: number }> {
      const { iam, sdk } = await open();
      const keys: KeyInfo[] = [];
      let Marker: string | undefined;
      for (let page = 0; page < MOST_PAGES; page += 1) {
        const answer = await iam.send(new sdk.ListAccessKeysCommand({ UserName, Marker }), signal());
        for (const each of answer.AccessKeyMetadata ?? []) {
          keys.push({
            id: each.AccessKeyId ?? '',
            active: each.Status === 'Active',
            createdAt: each.CreateDate?.getTime() ?? 0,
          });
        }
        if (answer.IsTruncated !== true) return { keys, at: dateOf(answer) };
        Marker = answer.Marker;
      }
      throw new Error('a list of access keys that does not end');
    },

    async tags(): Promise<ReadonlyMap<string, string>> {
      const { iam, sdk } = await open();
      const tags = new Map<string, string>();
      let Marker: string | undefined;
      for (let page = 0; page < MOST_PAGES; page += 1) {
        const answer = await iam.send(new sdk.ListUserTagsCommand({ UserName, Marker }), signal());
        for (const tag of answer.Tags ?? []) tags.set(tag.Key ?? '', tag.Value ?? '');
        if (answer.IsTruncated !== true) return tags;
        Marker = answer.Marker;
      }
      throw new Error('a list of tags that does not end');
    },

    async userArn(): Promise<string> {
      const { iam, sdk } = await open();
      return (await iam.send(new sdk.GetUserCommand({ UserName }), signal())).User?.Arn ?? '';
    },

    async create(): Promise<{ id: string; secret: string }> {
      const { once, sdk } = await open();
      const { AccessKey } = await once.send(new sdk.CreateAccessKeyCommand({ UserName }), signal());
      return { id: AccessKey?.AccessKeyId ?? '', secret: AccessKey?.SecretAccessKey ?? '' };
    },

    async disable(AccessKeyId: string): Promise<void> {
      const { iam, sdk } = await open();
      await iam.send(new sdk.UpdateAccessKeyCommand({ UserName, AccessKeyId, Status: 'Inactive' }), signal());
    },

    async remove(AccessKeyId: string): Promise<void> {
      const { iam, sdk } = await open();
      await iam.send(new sdk.DeleteAccessKeyCommand({ UserName, AccessKeyId }), signal());
    },

    async tag(tags: ReadonlyMap<string, string>): Promise<void> {
      const { iam, sdk } = await open();
      const Tags = [...tags].map(([Key, Value]) => ({ Key, Value }));
      await iam.send(new sdk.TagUserCommand({ UserName, Tags }), signal());
    },

    async untag(TagKeys: string[]): Promise<void> {
      const { iam, sdk } = await open();
      await iam.send(new sdk.UntagUserCommand({ UserName, TagKeys }), signal());
    },

    /** Undefined at: not used since IAM tracks it. It lags, by minutes to hours. */
    async lastUse(AccessKeyId: string): Promise<LastUse> {
      const { iam, sdk } = await open();
      const { AccessKeyLastUsed: use } = await iam.send(new sdk.GetAccessKeyLastUsedCommand({ AccessKeyId }), signal());
      const at = use?.LastUsedDate?.getTime();
      return { service: use?.ServiceName ?? 'N/A', ...(at === undefined ? {} : { at }) };
    },

    /** The access key id that our own credentials are, by the default chain. No call is made for it. */
    async ownKey(): Promise<string> {
      const { iam } = await open();
      return (await iam.config.credentials()).accessKeyId;
    },

    async close(): Promise<void> {
      const { iam, once } = (await opened) ?? {};
      iam?.destroy();
      once?.destroy();
    },
  };
}
