/** Secret Manager's messages as proto-loader gives and takes them: camelCase, 64-bit integers as strings, enums as names. */
export interface Timestamp {
  readonly seconds: string;
  readonly nanos: number;
}

interface Encryption {
  readonly kmsKeyName: string;
}

export interface SecretMessage {
  readonly name: string;
  readonly replication?: {
    readonly automatic?: { readonly customerManagedEncryption?: Encryption | null } | null;
    readonly userManaged?: {
      readonly replicas?: readonly { readonly location: string; readonly customerManagedEncryption?: Encryption | null }[];
    } | null;
  } | null;
  readonly customerManagedEncryption?: Encryption | null;
  readonly createTime: Timestamp;
  readonly etag: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly versionAliases: Readonly<Record<string, string>>;
  readonly versionDestroyTtl?: { readonly seconds: string } | null;
  readonly topics?: readonly { readonly name: string }[];
  readonly rotation?: object | null;
}

export type VersionState = 'ENABLED' | 'DISABLED' | 'DESTROYED';

export interface VersionMessage {
  readonly name: string;
  readonly createTime: Timestamp;
  readonly destroyTime?: Timestamp;
  readonly scheduledDestroyTime?: Timestamp;
  readonly state: VersionState;
  readonly etag: string;
  readonly clientSpecifiedPayloadChecksum: boolean;
}

/** A secret and its versions, oldest first. Never changed in place, so that an old state can be kept and shown late. */
export interface SecretRecord {
  readonly secret: SecretMessage;
  readonly versions: readonly { readonly message: VersionMessage; readonly data?: Buffer }[];
}

export function timestamp(milliseconds: number): Timestamp {
  return { seconds: String(Math.floor(milliseconds / 1000)), nanos: (milliseconds % 1000) * 1_000_000 };
}

/** CRC-32C (Castagnoli), as `SecretPayload.data_crc32c` holds it. Bit by bit: slow and plainly right. */
export function crc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
