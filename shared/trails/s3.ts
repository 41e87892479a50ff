/** Objects that a notification names: the files that CloudTrail writes. Needs s3:GetObject on them, and kms:Decrypt where the bucket has a key of its own. */
import type { S3Client } from '@aws-sdk/client-s3';
import { awsSettings, type AwsPlace } from '../aws.ts';
import { isKeywheelError } from '../errors.ts';
import { awsTrailError, trailError } from './failure.ts';

interface ObjectReference {
  readonly bucket: string;
  /** As it is, not percent-encoded. */
  readonly key: string;
}

export interface Objects {
  /**
   * All of an object, as it is stored. ERR_TRAIL_NOT_FOUND, ERR_TRAIL_FORBIDDEN and the like; ERR_TRAIL_FAILED when it is larger than `most` bytes.
   * Without s3:ListBucket, S3 answers AccessDenied for an object that is not there. https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
   */
  read(reference: ObjectReference, most: number): Promise<Buffer>;
  close(): void;
}

/** Milliseconds for the whole of one object: a trail's files have a few megabytes. */
const TIMEOUT = 15_000;

export async function openObjects(place: AwsPlace = {}): Promise<Objects> {
  const { GetObjectCommand, S3Client: Sdk } = await import('@aws-sdk/client-s3');
  const client: S3Client = new Sdk({ ...awsSettings(place), followRegionRedirects: true });
  return {
    async read({ bucket, key }, most) {
      const what = `s3://${bucket}/${key}`;
      try {
        const abortSignal = AbortSignal.timeout(TIMEOUT);
        const { Body: body, ContentLength: length } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }), {
          abortSignal,
        });
        if (length !== undefined && length > most) {
          (body as { destroy?: () => void } | undefined)?.destroy?.();
          throw tooLarge(what, most);
        }
        const parts: Buffer[] = [];
        let size = 0;
        for await (const part of (body ?? []) as AsyncIterable<Buffer>) {
          size += part.length;
          if (size > most) throw tooLarge(what, most);
          parts.push(part);
        }
        return Buffer.concat(parts, size);
      } catch (error) {
        if (isKeywheelError(error)) throw error;
        throw awsTrailError(error, what, 's3:GetObject');
      }
    },
    close: () => client.destroy(),
  };
}

const tooLarge = (what: string, most: number) =>
  trailError('failed', what, `it has more than ${most} bytes`, 'score it with `keywheel score`');
