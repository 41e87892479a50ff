/** Notifications that name objects of a bucket, for the host to fetch. */

export interface Reference {
  readonly bucket: string;
  readonly key: string;
  readonly region?: string;
  readonly versionId?: string;
  /** Bytes. */
  readonly size?: number;
  /** What a failure to read it is reported with. */
  readonly id?: string;
}

type Tree = Readonly<Record<string, unknown>>;

const treeOf = (value: unknown): Tree => (typeof value === 'object' && value !== null ? (value as Tree) : {});
const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/**
 * Of one S3 notification record, an EventBridge event of S3, or CloudTrail's own notification. Undefined when it names none. A removal names an
 * object that is not there: it gives an empty list.
 */
export function referencesOf(notification: Tree): readonly Reference[] | undefined {
  if (notification['s3ObjectKey'] !== undefined) return ofCloudTrail(notification);
  const bridged = notification['detail-type'] !== undefined;
  const about = treeOf(notification[bridged ? 'detail' : 's3']);
  const kind = textOf(notification[bridged ? 'detail-type' : 'eventName']) ?? '';
  if (bridged ? kind !== 'Object Created' : !/^(s3:)?ObjectCreated:/.test(kind)) return [];
  const bucket = textOf(treeOf(about['bucket'])['name']);
  const object = treeOf(about['object']);
  const key = textOf(object['key']);
  const plain = key === undefined || bridged ? key : decoded(key);
  if (bucket === undefined || plain === undefined) return undefined;
  const region = textOf(notification[bridged ? 'region' : 'awsRegion']);
  const versionId = textOf(object[bridged ? 'version-id' : 'versionId']);
  const { size } = object;
  return [
    {
      bucket,
      key: plain,
      ...(region === undefined ? {} : { region }),
      ...(versionId === undefined ? {} : { versionId }),
      ...(typeof size === 'number' ? { size } : {}),
    },
  ];
}

/** https://docs.aws.amazon.com/awscloudtrail/latest/userguide/configure-sns-notifications-for-cloudtrail.html: one bucket, a list of keys. */
function ofCloudTrail(notification: Tree): readonly Reference[] | undefined {
  const bucket = textOf(notification['s3Bucket']);
  const keys = notification['s3ObjectKey'];
  if (bucket === undefined || !Array.isArray(keys) || !keys.every((key) => textOf(key) !== undefined)) return undefined;
  return (keys as string[]).map((key) => ({ bucket, key }));
}

/** "The object key value is URL encoded": https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html. Spaces are `+`. */
function decoded(key: string): string | undefined {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}
