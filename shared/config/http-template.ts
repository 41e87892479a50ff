/**
 * The templates of an HTTP target: text with `{{name}}` in it, and nothing more. A name stands for one value; what surrounds it cannot be changed by
 * that value, because each place it is put into encodes it for that place.
 */
import { nearest } from './nearest.ts';

/** Text, and the names between the texts: `texts` is longer by one. */
export interface Template {
  readonly texts: readonly string[];
  readonly names: readonly string[];
}

/** Undefined when braces do not pair up. */
export function parseTemplate(text: string): Template | undefined {
  const texts: string[] = [];
  const names: string[] = [];
  let from = 0;
  for (const found of text.matchAll(/\{\{\s*([\w.-]+)\s*\}\}/g)) {
    texts.push(text.slice(from, found.index));
    names.push(found[1] ?? '');
    from = found.index + found[0].length;
  }
  texts.push(text.slice(from));
  return texts.some((each) => /\{\{|\}\}/.test(each)) ? undefined : { texts, names };
}

/** What is wrong with a template where only `allowed` may be named; undefined when nothing is. */
export function templateProblem(text: string, allowed: readonly string[]): string | undefined {
  const template = parseTemplate(text);
  if (template === undefined) return 'has braces that are no {{name}}';
  const unknown = template.names.find((name) => !allowed.includes(name));
  if (unknown === undefined) return undefined;
  const near = nearest(unknown, allowed);
  const known =
    allowed.length === 0 ? 'no names are known here' : `known here: ${allowed.map((name) => `{{${name}}}`).join(', ')}`;
  return `names {{${unknown}}}, which is not known here${near === undefined ? '' : `, did you mean {{${near}}}`}; ${known}`;
}

/** The token, and for a token of two parts that a colon joins (`user:token`) each of them. */
const ADMIN = ['admin.token', 'admin.left', 'admin.right'];

/** The names that each request of an HTTP target may use. */
export function namesOf(
  target: { readonly create: { readonly value: Readonly<Record<string, unknown>> }; readonly fields: readonly string[] },
  request: 'admin' | 'create' | 'verify' | 'list' | 'end',
): readonly string[] {
  if (request === 'verify') {
    // The key must speak for itself: with the admin’s token at hand, a verification could succeed with a dead key.
    const fields = new Set(['keyId', ...Object.keys(target.create.value), ...target.fields]);
    return [...fields].map((field) => `value.${field}`);
  }
  if (request === 'create') return [...ADMIN, 'marker', 'expires.date', 'expires.instant'];
  return request === 'end' ? [...ADMIN, 'id'] : ADMIN;
}
