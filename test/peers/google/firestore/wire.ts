/** Messages of google.firestore.v1 as the proto loader gives and takes them, as far as this server knows them; and gRPC statuses. */
import { createRequire } from 'node:module';
import path from 'node:path';
import { loadPackageDefinition, status } from '@grpc/grpc-js';
import type { GrpcObject, ServiceClientConstructor, ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

export interface WireTime {
  readonly seconds: string | number;
  readonly nanos: number;
}

/** One member is set; proto-loader names it in `valueType`. */
export interface Value {
  readonly valueType?: string;
  readonly nullValue?: string;
  readonly booleanValue?: boolean;
  readonly integerValue?: string;
  readonly doubleValue?: number;
  readonly timestampValue?: WireTime;
  readonly stringValue?: string;
  readonly bytesValue?: Buffer;
  readonly referenceValue?: string;
  readonly geoPointValue?: { readonly latitude: number; readonly longitude: number };
  readonly arrayValue?: { readonly values?: readonly Value[] };
  readonly mapValue?: { readonly fields?: Fields };
}

export type Fields = Readonly<Record<string, Value>>;

export interface WireDocument {
  readonly name: string;
  readonly fields: Fields;
  readonly createTime?: WireTime | null;
  readonly updateTime?: WireTime | null;
}

export interface Precondition {
  readonly conditionType?: 'exists' | 'updateTime';
  readonly exists?: boolean;
  readonly updateTime?: WireTime;
}

export interface FieldTransform {
  readonly fieldPath: string;
  readonly transformType?: string;
  readonly setToServerValue?: string;
  readonly increment?: Value;
}

export interface Write {
  readonly operation?: 'update' | 'delete' | 'transform';
  readonly update?: WireDocument;
  readonly delete?: string;
  readonly updateMask?: { readonly fieldPaths: readonly string[] } | null;
  readonly updateTransforms: readonly FieldTransform[];
  readonly currentDocument?: Precondition | null;
}

export interface TransactionOptions {
  readonly mode?: 'readOnly' | 'readWrite';
  readonly readOnly?: { readonly readTime?: WireTime };
  readonly readWrite?: { readonly retryTransaction: Buffer };
}

export interface Consistency {
  readonly consistencySelector?: 'transaction' | 'newTransaction' | 'readTime';
  readonly transaction?: Buffer;
  readonly newTransaction?: TransactionOptions;
  readonly readTime?: WireTime;
}

export class RpcError extends Error {
  readonly code: status;
  readonly details: string;

  constructor(code: keyof typeof status, details: string) {
    super(`${code}: ${details}`);
    this.code = status[code];
    this.details = details;
  }
}

/** The service as the SDK's own package describes it. */
export function firestoreService(): ServiceDefinition {
  const protos = path.join(
    path.dirname(createRequire(import.meta.url).resolve('@google-cloud/firestore/package.json')),
    'build/protos',
  );
  const definition = loadSync('google/firestore/v1/firestore.proto', {
    includeDirs: [protos],
    longs: String,
    enums: String,
    defaults: true,
    oneofs: true,
  });
  let found = loadPackageDefinition(definition);
  for (const part of ['google', 'firestore', 'v1']) found = found[part] as GrpcObject;
  return (found['Firestore'] as ServiceClientConstructor).service;
}

/** Microseconds since the epoch: the finest that Firestore knows. */
export const toWire = (micros: bigint): WireTime => ({
  seconds: String(micros / 1_000_000n),
  nanos: Number(micros % 1_000_000n) * 1000,
});

export function fromWire({ seconds, nanos }: WireTime): bigint {
  return BigInt(seconds) * 1_000_000n + BigInt(Math.trunc(nanos / 1000));
}
