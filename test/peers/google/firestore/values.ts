/** What may be in a document, how much of it, and when two are the same. */
import { fromWire, RpcError, toWire } from './wire.ts';
import type { Fields, Value } from './wire.ts';

/** https://cloud.google.com/firestore/quotas: 1 MiB a document; google/firestore/v1/document.proto: a string 1 MiB - 89 bytes. */
const MOST_DOCUMENT_BYTES = 1_048_576;
const MOST_STRING_BYTES = 1_048_576 - 89;
const MOST_DEPTH = 20;
const MOST_INDEX_ENTRIES = 40_000;

export function checkFields(name: string, fields: Fields): void {
  checkMap(fields, 1);
  const size = documentBytes(name, fields);
  if (size > MOST_DOCUMENT_BYTES) {
    const bytes = size.toLocaleString('en');
    throw new RpcError(
      'INVALID_ARGUMENT',
      `Document '${name}' cannot be written because its size (${bytes} bytes) exceeds the maximum allowed size of 1,048,576 bytes.`,
    );
  }
  // Ascending and descending for each value; https://cloud.google.com/firestore/quotas#indexes
  if (countValues(fields) * 2 > MOST_INDEX_ENTRIES) {
    throw new RpcError('INVALID_ARGUMENT', `too many index entries for entity ${name}`);
  }
}

function checkMap(fields: Fields, depth: number): void {
  if (depth > MOST_DEPTH) throw new RpcError('INVALID_ARGUMENT', 'Maps and arrays are nested deeper than 20.');
  for (const [field, value] of Object.entries(fields)) {
    if (field === '' || Buffer.byteLength(field) > 1500)
      throw new RpcError('INVALID_ARGUMENT', 'A field name is empty or too long.');
    if (/^__.*__$/s.test(field)) throw new RpcError('INVALID_ARGUMENT', `Field name "${field}" is reserved.`);
    checkValue(value, depth, false);
  }
}

function checkValue(value: Value, depth: number, inArray: boolean): void {
  switch (value.valueType) {
    case 'stringValue':
      if (Buffer.byteLength(value.stringValue ?? '') > MOST_STRING_BYTES) {
        throw new RpcError('INVALID_ARGUMENT', 'The value of a property is longer than 1048487 bytes.');
      }
      return;
    case 'bytesValue':
      if ((value.bytesValue?.length ?? 0) > MOST_STRING_BYTES) {
        throw new RpcError('INVALID_ARGUMENT', 'The value of a property is longer than 1048487 bytes.');
      }
      return;
    case 'arrayValue':
      // https://cloud.google.com/firestore/docs/concepts/data-types: an array cannot contain another array
      if (inArray) throw new RpcError('INVALID_ARGUMENT', 'Cannot convert an array value in an array value.');
      for (const item of value.arrayValue?.values ?? []) checkValue(item, depth + 1, true);
      return;
    case 'mapValue':
      checkMap(value.mapValue?.fields ?? {}, depth + 1);
      return;
    case 'nullValue':
    case 'booleanValue':
    case 'integerValue':
    case 'doubleValue':
    case 'timestampValue':
    case 'referenceValue':
    case 'geoPointValue':
      return;
    case undefined:
    default:
      throw new RpcError('INVALID_ARGUMENT', 'A value has no type, or one that documents may not hold.');
  }
}

/** https://cloud.google.com/firestore/docs/storage-size */
function documentBytes(name: string, fields: Fields): number {
  const segments = name.split('/').slice(5);
  return segments.reduce((sum, segment) => sum + text(segment), 16) + mapBytes(fields) + 32;
}

const text = (value: string): number => Buffer.byteLength(value) + 1;
const mapBytes = (fields: Fields): number =>
  Object.entries(fields).reduce((sum, [field, value]) => sum + text(field) + valueBytes(value), 0);

function valueBytes(value: Value): number {
  switch (value.valueType) {
    case 'nullValue':
    case 'booleanValue':
      return 1;
    case 'stringValue':
      return text(value.stringValue ?? '');
    case 'bytesValue':
      return value.bytesValue?.length ?? 0;
    case 'referenceValue':
      return text(value.referenceValue ?? '') + 16;
    case 'geoPointValue':
      return 16;
    case 'arrayValue':
      return (value.arrayValue?.values ?? []).reduce((sum, item) => sum + valueBytes(item), 0);
    case 'mapValue':
      return mapBytes(value.mapValue?.fields ?? {}) + 32;
    case undefined:
    default:
      return 8;
  }
}

function countValues(fields: Fields): number {
  return Object.values(fields).reduce((sum, value) => {
    if (value.valueType === 'mapValue') return sum + 1 + countValues(value.mapValue?.fields ?? {});
    if (value.valueType === 'arrayValue') return sum + 1 + (value.arrayValue?.values ?? []).length;
    return sum + 1;
  }, 0);
}

/** Timestamps are kept to the microsecond, the rest is rounded down: google/firestore/v1/document.proto. */
export function asStored(value: Value): Value {
  if (value.valueType === 'timestampValue' && value.timestampValue !== undefined) {
    return { ...value, timestampValue: toWire(fromWire(value.timestampValue)) };
  }
  if (value.valueType === 'mapValue') return { ...value, mapValue: { fields: fieldsAsStored(value.mapValue?.fields ?? {}) } };
  if (value.valueType === 'arrayValue') {
    return { ...value, arrayValue: { values: (value.arrayValue?.values ?? []).map(asStored) } };
  }
  return value;
}

export const fieldsAsStored = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).map(([field, value]) => [field, asStored(value)]));

export function sameFields(a: Fields, b: Fields): boolean {
  const form = (fields: Fields): string => JSON.stringify(canonical(fields));
  return form(a) === form(b);
}

function canonical(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString('base64');
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value); // NaN and infinities too
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return entries.map(([key, item]) => [key, canonical(item)]);
}
