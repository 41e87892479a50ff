/** A Terraform folder as data, by the parser that Terraform itself is built on (compiled to WebAssembly). */
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { parse } from '@cdktf/hcl2json';

type Block = Readonly<Record<string, unknown>>;

export interface Module {
  readonly files: readonly string[];
  /** By `type.name`. */
  readonly resources: ReadonlyMap<string, Block>;
  readonly data: ReadonlyMap<string, Block>;
  readonly variables: ReadonlyMap<string, Block>;
  readonly outputs: ReadonlyMap<string, Block>;
  readonly locals: ReadonlyMap<string, unknown>;
  readonly providers: Readonly<Record<string, { readonly source: string; readonly version: string }>>;
  /** Every string in the folder, with the file that holds it. */
  readonly strings: readonly (readonly [file: string, text: string])[];
}

function* stringsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) yield* stringsIn(inner);
}

const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
const first = (value: unknown): Block => record(Array.isArray(value) ? value[0] : value);

export async function readModule(folder: string): Promise<Module> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.tf')).sort();
  const maps = { resource: new Map<string, Block>(), data: new Map<string, Block>() };
  const [variables, outputs] = [new Map<string, Block>(), new Map<string, Block>()];
  const locals = new Map<string, unknown>();
  let providers: Module['providers'] = {};
  const strings: [string, string][] = [];
  for (const file of files) {
    const parsed = record(await parse(file, await readFile(path.join(folder, file), 'utf8')));
    for (const kind of ['resource', 'data'] as const) {
      for (const [type, named] of Object.entries(record(parsed[kind]))) {
        for (const [name, block] of Object.entries(record(named))) maps[kind].set(`${type}.${name}`, first(block));
      }
    }
    for (const [name, block] of Object.entries(record(parsed['variable']))) variables.set(name, first(block));
    for (const [name, block] of Object.entries(record(parsed['output']))) outputs.set(name, first(block));
    for (const block of (parsed['locals'] as unknown[] | undefined) ?? []) {
      for (const [name, value] of Object.entries(record(block))) locals.set(name, value);
    }
    const required = first(first(parsed['terraform'])['required_providers']);
    if (Object.keys(required).length > 0) providers = required as Module['providers'];
    for (const text of stringsIn(parsed)) strings.push([file, text]);
  }
  return { files, resources: maps.resource, data: maps.data, variables, outputs, locals, providers, strings };
}

/** What expressions name: `var.x`, `local.x`, `data.type.name` and `type.name` of the module's providers. */
export function references(module: Module): { readonly file: string; readonly to: string }[] {
  const types = [...new Set([...module.resources.keys(), ...module.data.keys()].map((key) => key.split('_')[0] ?? ''))];
  const pattern = new RegExp(`\\b(?:var|local)\\.\\w+|\\b(?:data\\.)?(?:${types.join('|')})_\\w+\\.\\w+`, 'g');
  return module.strings.flatMap(([file, text]) => {
    // Expressions nest, so all of a text that holds one is looked at: its plain parts name nothing that looks like a reference.
    if (!text.includes('${')) return [];
    return [...text.matchAll(pattern)].map((match) => ({ file, to: match[0] }));
  });
}
