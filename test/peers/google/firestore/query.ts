/** Queries over one collection by document id, with ranges, cursors and a limit. What else a query may ask is refused, not ignored. */
import type { Documents, StoredDocument } from './documents.ts';
import { checkDocumentName, checkId, compareNames } from './names.ts';
import { RpcError } from './wire.ts';
import type { Value } from './wire.ts';

interface FieldFilter {
  readonly field: { readonly fieldPath: string };
  readonly op: string;
  readonly value: Value;
}

interface Filter {
  readonly filterType?: 'compositeFilter' | 'fieldFilter' | 'unaryFilter';
  readonly compositeFilter?: { readonly op: string; readonly filters: readonly Filter[] };
  readonly fieldFilter?: FieldFilter;
}

interface Cursor {
  readonly values: readonly Value[];
  readonly before: boolean;
}

export interface StructuredQuery {
  readonly from: readonly { readonly collectionId: string; readonly allDescendants: boolean }[];
  readonly where?: Filter | null;
  readonly orderBy: readonly { readonly field: { readonly fieldPath: string }; readonly direction: string }[];
  readonly startAt?: Cursor | null;
  readonly endAt?: Cursor | null;
  readonly offset: number;
  readonly limit?: { readonly value: number } | null;
  readonly select?: { readonly fields: readonly { readonly fieldPath: string }[] } | null;
  readonly findNearest?: unknown;
}

export interface Answer {
  /** The collection's resource name. */
  readonly collection: string;
  readonly documents: readonly StoredDocument[];
  readonly mask: readonly string[] | undefined;
}

export function runQuery(documents: Documents, database: string, parent: string, query: StructuredQuery, at?: bigint): Answer {
  const from = query.from[0];
  if (query.from.length !== 1 || from === undefined || from.allDescendants || from.collectionId === '') {
    throw unknown('a query over anything but one collection');
  }
  if ((query.findNearest ?? null) !== null) throw unknown('a vector query');
  checkId(from.collectionId);
  const descending = checkOrder(query);
  const collection = `${parent}/${from.collectionId}`;
  const matches = conditions(query.where ?? {}).map(([op, value]) => {
    const name = nameIn(database, collection, value);
    return (one: string) => holds(op, compareNames(one, name));
  });
  let found = documents.inCollection(collection, at).filter(({ name }) => matches.every((match) => match(name)));
  if (descending) found = found.toReversed();
  const turn = descending ? -1 : 1;
  const place = (cursor: Cursor | null | undefined): ((name: string) => number) | undefined => {
    const value = cursor?.values[0];
    if (value === undefined) return undefined;
    const name = nameIn(database, collection, value);
    return (one) => turn * compareNames(one, name);
  };
  const [start, end] = [place(query.startAt), place(query.endAt)];
  if (start !== undefined)
    found = found.filter(({ name }) => (query.startAt?.before === true ? start(name) >= 0 : start(name) > 0));
  if (end !== undefined) found = found.filter(({ name }) => (query.endAt?.before === true ? end(name) < 0 : end(name) <= 0));
  const limit = query.limit?.value ?? Infinity;
  if (limit < 0 || query.offset < 0) throw new RpcError('INVALID_ARGUMENT', 'limit and offset may not be negative.');
  return {
    collection,
    documents: found.slice(query.offset, query.offset + limit),
    mask: query.select?.fields.map(({ fieldPath }) => fieldPath),
  };
}

function checkOrder({ orderBy, startAt, endAt }: StructuredQuery): boolean {
  for (const { field } of orderBy) if (field.fieldPath !== '__name__') throw unknown('an order by anything but __name__');
  for (const cursor of [startAt, endAt]) {
    const values = cursor?.values.length ?? 0;
    if (values > 1) throw new RpcError('INVALID_ARGUMENT', 'Cursor has too many values.');
  }
  return orderBy[0]?.direction === 'DESCENDING';
}

function conditions(filter: Filter): [string, Value][] {
  if (filter.filterType === undefined) return [];
  if (filter.filterType === 'compositeFilter' && filter.compositeFilter?.op === 'AND') {
    return filter.compositeFilter.filters.flatMap(conditions);
  }
  const one = filter.fieldFilter;
  if (filter.filterType !== 'fieldFilter' || one?.field.fieldPath !== '__name__')
    throw unknown('a filter on anything but __name__');
  return [[one.op, one.value]];
}

function nameIn(database: string, collection: string, value: Value): string {
  const name = value.referenceValue;
  if (value.valueType !== 'referenceValue' || name === undefined) {
    throw new RpcError('INVALID_ARGUMENT', '__key__ filter value must be a Key');
  }
  checkDocumentName(database, name);
  if (name.slice(0, name.lastIndexOf('/')) !== collection) {
    throw new RpcError('INVALID_ARGUMENT', '__key__ filter value is not in the collection of the query');
  }
  return name;
}

function holds(op: string, order: number): boolean {
  switch (op) {
    case 'LESS_THAN':
      return order < 0;
    case 'LESS_THAN_OR_EQUAL':
      return order <= 0;
    case 'GREATER_THAN':
      return order > 0;
    case 'GREATER_THAN_OR_EQUAL':
      return order >= 0;
    case 'EQUAL':
      return order === 0;
    default:
      throw unknown(`the operator ${op}`);
  }
}

function unknown(what: string): RpcError {
  return new RpcError('UNIMPLEMENTED', `This server does not know ${what}.`);
}
