/** Writes of one commit: all or nothing, in order, each on its precondition (google/firestore/v1/write.proto, common.proto). */
import type { Documents, StoredDocument } from './documents.ts';
import { checkDocumentName } from './names.ts';
import { checkFields, fieldsAsStored, sameFields } from './values.ts';
import { fromWire, RpcError, toWire } from './wire.ts';
import type { Fields, FieldTransform, Precondition, Value, WireTime, Write } from './wire.ts';

/** Firestore has since lifted this limit (https://cloud.google.com/firestore/quotas); what keeps to the stricter rule fits in both. */
const MOST_WRITES = 500;

export interface WriteResult {
  readonly updateTime: WireTime | null;
  readonly transformResults: readonly Value[];
}

export function targetOf(write: Write): string {
  const name = write.operation === 'update' ? write.update?.name : write.operation === 'delete' ? write.delete : undefined;
  if (name === undefined) throw new RpcError('INVALID_ARGUMENT', 'A write must update or delete a document.');
  return name;
}

/** What can be told without looking at the documents. */
export function checkWrites(database: string, writes: readonly Write[]): void {
  if (writes.length > MOST_WRITES) throw new RpcError('INVALID_ARGUMENT', 'maximum 500 writes allowed per request');
  for (const write of writes) {
    const name = checkDocumentName(database, targetOf(write));
    const condition = write.currentDocument;
    if (condition?.conditionType === 'updateTime' && (condition.updateTime?.nanos ?? 0) % 1000 !== 0) {
      throw new RpcError('INVALID_ARGUMENT', 'A precondition update_time must be microsecond aligned.');
    }
    if (write.operation !== 'update' && (write.updateMask ?? null) !== null) {
      throw new RpcError('INVALID_ARGUMENT', 'An update mask goes with an update only.');
    }
    if (write.operation === 'update') checkFields(name, write.update?.fields ?? {});
    for (const path of write.updateMask?.fieldPaths ?? []) simple(path);
    for (const transform of write.updateTransforms) simple(transform.fieldPath);
  }
}

/** Throws before anything is changed, or changes everything at `at`. */
export function applyWrites(documents: Documents, writes: readonly Write[], at: bigint): WriteResult[] {
  const next = new Map<string, StoredDocument | undefined>();
  const results = writes.map((write): WriteResult => {
    const name = targetOf(write);
    const was = next.has(name) ? next.get(name) : documents.get(name);
    checkPrecondition(name, was, write.currentDocument ?? {});
    if (write.operation === 'delete') {
      next.set(name, undefined);
      return { updateTime: null, transformResults: [] };
    }
    const { fields, transformResults } = transformed(masked(write, was), write.updateTransforms, at);
    checkFields(name, fields);
    // "If the write did not actually change the document, this will be the previous update_time."
    const unchanged = was !== undefined && sameFields(was.fields, fields);
    const document: StoredDocument = unchanged ? was : { name, fields, createTime: was?.createTime ?? at, updateTime: at };
    next.set(name, document);
    return { updateTime: toWire(document.updateTime), transformResults };
  });
  for (const [name, document] of next) {
    if (document !== documents.get(name)) documents.set(name, { at, document });
  }
  return results;
}

function checkPrecondition(name: string, was: StoredDocument | undefined, condition: Precondition): void {
  if (condition.conditionType === 'exists') {
    if (condition.exists === false && was !== undefined) throw new RpcError('ALREADY_EXISTS', `Document already exists: ${name}`);
    if (condition.exists === true && was === undefined) throw new RpcError('NOT_FOUND', `No document to update: ${name}`);
  }
  if (condition.conditionType === 'updateTime' && condition.updateTime !== undefined) {
    if (was === undefined) throw new RpcError('NOT_FOUND', `No document to update: ${name}`);
    const required = fromWire(condition.updateTime);
    if (was.updateTime !== required) {
      const message = `the stored version (${was.updateTime}) does not match the required base version (${required})`;
      throw new RpcError('FAILED_PRECONDITION', message);
    }
  }
}

function masked({ update, updateMask }: Write, was: StoredDocument | undefined): Record<string, Value> {
  const given = fieldsAsStored(update?.fields ?? {});
  if ((updateMask ?? null) === null) return { ...given };
  const fields: Record<string, Value> = { ...was?.fields };
  for (const path of updateMask?.fieldPaths ?? []) {
    const value = given[path];
    if (value === undefined) delete fields[path];
    else fields[path] = value;
  }
  return fields;
}

function transformed(fields: Record<string, Value>, transforms: readonly FieldTransform[], at: bigint) {
  const transformResults = transforms.map(({ fieldPath, transformType, increment }): Value => {
    const value = transformType === 'setToServerValue' ? serverTime(at) : sum(transformType, fields[fieldPath], increment);
    fields[fieldPath] = value;
    return value;
  });
  return { fields: fields as Fields, transformResults };
}

/** "The time at which the server processed the request, with millisecond precision." */
const serverTime = (at: bigint): Value => ({ valueType: 'timestampValue', timestampValue: toWire((at / 1000n) * 1000n) });

function sum(type: string | undefined, was: Value | undefined, by: Value | undefined): Value {
  if (type !== 'increment' || by?.valueType !== 'integerValue') {
    throw new RpcError('UNIMPLEMENTED', `This server does not know the transform ${type}.`);
  }
  const from = was?.valueType === 'integerValue' ? BigInt(was.integerValue ?? 0) : 0n;
  return { valueType: 'integerValue', integerValue: String(from + BigInt(by.integerValue ?? 0)) };
}

/** Paths into maps are not needed here, and said so rather than done wrong. */
function simple(path: string): void {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(path))
    throw new RpcError('UNIMPLEMENTED', `This server knows only simple field paths, not ${path}.`);
}
