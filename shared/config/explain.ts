/** Turns zod's issues into sentences. Loaded only together with zod, when a file is really read. */
import * as z from 'zod';
import { nearest } from './nearest.ts';
import type { Path, Problem } from './problem.ts';

type Issue = z.core.$ZodIssue;

const NOUNS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

const noun = (type: string): string => NOUNS[type] ?? type;

function kindOf(value: unknown): string {
  if (value === null) return 'empty';
  return noun(Array.isArray(value) ? 'array' : typeof value);
}

function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value;
}

/** The parts of a JSON Schema that lead from a path to the keys allowed there. */
interface Shape {
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly additionalProperties?: Shape | boolean;
  readonly items?: Shape;
  readonly oneOf?: readonly Shape[];
  readonly const?: unknown;
}

/** The keys that may stand in the object at `path`; of several shapes, the one whose `kind` the file names. */
function keysAt(schema: Shape, root: unknown, path: Path): string[] {
  let here: Shape | undefined = schema;
  for (let depth = 0; here !== undefined; depth += 1) {
    if (here.oneOf !== undefined) {
      const kind = valueAt(root, [...path.slice(0, depth), 'kind']);
      here = here.oneOf.find((option) => option.properties?.['kind']?.const === kind);
    }
    const part = path[depth];
    if (part === undefined) return Object.keys(here?.properties ?? {});
    const more: Shape | boolean | undefined = here?.additionalProperties;
    here = here?.items ?? here?.properties?.[part] ?? (typeof more === 'object' ? more : undefined);
  }
  return [];
}

const quoted = (values: readonly unknown[]): string => values.map((value) => JSON.stringify(value)).join(', ');

function choice(values: readonly unknown[], given: unknown): string {
  const must = values.length === 1 ? `must be ${quoted(values)}` : `must be one of ${quoted(values)}`;
  if (given === undefined) return `missing, ${must}`;
  const names = values.filter((value) => typeof value === 'string');
  const near = typeof given === 'string' ? nearest(given, names) : undefined;
  return near !== undefined && values.length > 1 ? `${must}, did you mean ${JSON.stringify(near)}` : must;
}

function bound(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  const small = issue.code === 'too_small';
  const limit = small ? issue.minimum : issue.maximum;
  const amount = `${small ? 'at least' : 'at most'} ${limit}`;
  if (issue.origin === 'string') return small && limit === 1 ? 'must not be empty' : `must have ${amount} characters`;
  if (issue.origin === 'array') return `must have ${amount} ${Number(limit) === 1 ? 'item' : 'items'}`;
  return `must be ${amount}`;
}

function sentence(issue: Issue, given: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      if (given === undefined) return `missing, must be ${noun(issue.expected)}`;
      return `must be ${noun(issue.expected)}, is ${kindOf(given)}`;
    case 'invalid_value':
      return choice(issue.values, given);
    case 'invalid_union':
      return choice('options' in issue ? (issue.options ?? []) : [], given);
    case 'too_small':
    case 'too_big':
      return bound(issue);
    case 'invalid_key':
      return 'the name must have 1 to 256 characters';
    case 'invalid_format':
    case 'invalid_element':
    case 'not_multiple_of':
    case 'unrecognized_keys':
    case 'custom':
      // Formats carry the schema's own sentence, and zod's others do not repeat the value.
      return issue.message;
  }
}

/** All of `issues` as problems. `root` is the value that was checked, `schema` what it was checked with. */
export function explain(schema: z.ZodType, root: unknown, issues: readonly Issue[]): Problem[] {
  const shape = z.toJSONSchema(schema, { io: 'input' }) as Shape;
  const problems: Problem[] = [];
  const meant = new Set<string>();
  const rest: { issue: Issue; path: Path }[] = [];
  for (const issue of issues) {
    const path = issue.path as Path;
    if (issue.code !== 'unrecognized_keys') {
      rest.push({ issue, path });
      continue;
    }
    const given = Object.keys((valueAt(root, path) as object | undefined) ?? {});
    const free = keysAt(shape, root, path).filter((key) => !given.includes(key));
    for (const key of issue.keys) {
      const near = nearest(key, free);
      if (near !== undefined) meant.add(JSON.stringify([...path, near]));
      const message = near === undefined ? 'unknown key' : `unknown key, did you mean ${JSON.stringify(near)}`;
      problems.push({ path: [...path, key], message, unknownKey: true });
    }
  }
  for (const { issue, path } of rest) {
    // A key that is missing because it was misspelt is one problem, not two.
    if (meant.has(JSON.stringify(path))) continue;
    problems.push({ path, message: sentence(issue, valueAt(root, path)) });
  }
  return problems;
}
