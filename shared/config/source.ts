import type { Node, Pair } from 'yaml';
import { configError, type Path, type Problem } from './problem.ts';

/** A parsed file that can still say where a value stands. */
export interface Source {
  /** The file's name as the user gave it; it begins every message. */
  readonly label: string;
  readonly value: unknown;
  /** The line of the key or item at `path`, or of the nearest thing above it that exists. Counted from 1. */
  readonly lineOf: (path: Path) => number;
}

// The parser's own sentences quote the file, and a file may hold a misplaced password: say only what kind of fault it is.
const FAULTS: Readonly<Record<string, string>> = {
  BAD_INDENT: 'the indentation does not fit',
  BLOCK_AS_IMPLICIT_KEY: 'a mapping begins in the middle of another one’s line; is it indented as the lines around it',
  BLOCK_IN_FLOW: 'a mapping or list over several lines stands inside brackets',
  BAD_SCALAR_START: 'a value begins with a character that needs quotes around it',
  BAD_ALIAS: 'an alias is not well formed',
  DUPLICATE_KEY: 'the same key is written twice',
  MISSING_CHAR: 'a character is missing, such as a colon, a quote or a bracket',
  MULTILINE_IMPLICIT_KEY: 'a key goes over several lines; is a colon or a quote missing',
  MULTIPLE_DOCS: 'there is more than one document in the file',
  TAB_AS_INDENT: 'a tab is used to indent; use spaces',
  UNEXPECTED_TOKEN: 'something stands where it cannot; is the line above complete',
};

/** Reads YAML (of which JSON is a part). All faults of syntax are thrown together as one ERR_CONFIG_INVALID. */
export async function parseSource(label: string, text: string): Promise<Source> {
  const { parseDocument, LineCounter, isMap, isSeq, isScalar } = await import('yaml');
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const lineAt = (offset: number): number => Math.max(1, lines.linePos(offset).line);

  const faults: Problem[] = document.errors.map((fault) => ({
    path: [],
    line: lineAt(fault.pos[0]),
    message: `not readable as YAML: ${FAULTS[fault.code] ?? `the parser says ${fault.code}`}`,
    hint: 'mend the YAML first; what stands below the fault was not looked at',
  }));
  let value: unknown;
  if (faults.length === 0) {
    try {
      value = document.toJS();
    } catch {
      // Thrown for aliases that name nothing or that multiply without end.
      faults.push({ path: [], line: 1, message: 'not readable as YAML: its aliases cannot be resolved' });
    }
  }
  if (faults.length > 0) throw configError(label, faults, () => 1);

  function lineOf(path: Path): number {
    let node: unknown = document.contents;
    let line = 1;
    for (const part of path) {
      let next: unknown;
      if (isMap(node)) {
        const pair: Pair | undefined = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
        const at = (pair?.key as Node | undefined)?.range?.[0];
        if (at !== undefined) line = lineAt(at);
        next = pair?.value;
      } else if (isSeq(node)) {
        next = node.items[Number(part)];
        const at = (next as Node | undefined)?.range?.[0];
        if (at !== undefined) line = lineAt(at);
      }
      if (next === undefined || next === null) return line;
      node = next;
    }
    return line;
  }

  return { label, value, lineOf };
}
