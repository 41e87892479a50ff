import { KeywheelError } from '../errors.ts';

export type Path = readonly (string | number)[];

/** One thing that is wrong in keywheel.yaml. `message` never repeats a value: a value might be a misplaced password. */
export interface Problem {
  readonly path: Path;
  readonly message: string;
  readonly hint?: string;
  readonly unknownKey?: boolean;
  /** For what YAML itself refuses, before there are paths. */
  readonly line?: number;
}

/** `secrets.app/db.target.accounts[1]` */
function formatPath(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else text += text === '' ? part : `.${part}`;
  }
  return text;
}

const MOST = 10;

/** One error for all problems: unknown keys first, since they often explain the rest; then in the order of the file. */
export function configError(label: string, problems: readonly Problem[], lineOf: (path: Path) => number): KeywheelError {
  const placed = problems.map((problem) => ({ problem, line: problem.line ?? lineOf(problem.path) }));
  placed.sort((a, b) => Number(b.problem.unknownKey ?? false) - Number(a.problem.unknownKey ?? false) || a.line - b.line);
  const lines = placed.slice(0, MOST).map(({ problem, line }) => {
    const where = formatPath(problem.path);
    return `${label}:${line}: ${where === '' ? '' : `${where}: `}${problem.message}`;
  });
  if (placed.length > MOST) lines.push(`${label}: and ${placed.length - MOST} more`);
  const unknown = placed[0]?.problem.unknownKey === true;
  const hint = placed.find(({ problem }) => problem.hint !== undefined)?.problem.hint;
  return new KeywheelError(unknown ? 'ERR_CONFIG_UNKNOWN_KEY' : 'ERR_CONFIG_INVALID', lines.join('\n'), {
    subject: label,
    hint: hint ?? 'every key is described in infra/schemas/keywheel.schema.json, which editors understand',
  });
}
