/**
 * A record seen through the fields that its source's parser asks for. The fast scanner and JSON.parse both give this, so that a parser is
 * written once and a property test can hold the two equal.
 */

/** Paths by name. A path is the keys from the root of the record; arrays are taken whole, with `json`. */
export interface Plan<Name extends string = string> {
  readonly names: readonly Name[];
  readonly paths: readonly (readonly string[])[];
  /** The index of each name: what a View is asked with. */
  readonly at: Readonly<Record<Name, number>>;
}

export function plan<const Paths extends Record<string, readonly string[]>>(paths: Paths): Plan<Extract<keyof Paths, string>> {
  const names = Object.keys(paths) as Extract<keyof Paths, string>[];
  const at = Object.fromEntries(names.map((name, index) => [name, index])) as Record<Extract<keyof Paths, string>, number>;
  return { names, paths: names.map((name) => paths[name] ?? []), at };
}

export interface View {
  /** A string; undefined where there is none, or where it is something else. */
  text(field: number): string | undefined;
  /** A number; numbers written as strings are not. */
  number(field: number): number | undefined;
  flag(field: number): boolean | undefined;
  /** Anything, parsed: objects and arrays too. Undefined where there is none. */
  json(field: number): unknown;
  has(field: number): boolean;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The view of a parsed record: what the fast scanner is held equal to. */
export function jsonView(of: Plan, record: unknown): View {
  const find = (field: number): unknown => {
    let value: unknown = record;
    for (const key of of.paths[field] ?? []) {
      if (!isObject(value) || !Object.hasOwn(value, key)) return undefined;
      value = value[key];
    }
    return value;
  };
  return {
    text(field) {
      const value = find(field);
      return typeof value === 'string' ? value : undefined;
    },
    number(field) {
      const value = find(field);
      return typeof value === 'number' ? value : undefined;
    },
    flag(field) {
      const value = find(field);
      return typeof value === 'boolean' ? value : undefined;
    },
    json: find,
    has: (field) => find(field) !== undefined,
  };
}
