/**
 * Our mark on a role, kept in its comment: whose account it is, which credential it holds, and the highest fence that acted on it.
 * It is written in the same transaction as the verifier, so it is the one place that cannot disagree with what the server accepts.
 * COMMENT ON ROLE needs exactly what ALTER ROLE … PASSWORD needs (PostgreSQL 16: CREATEROLE and ADMIN OPTION), no privilege more.
 */
import { KeywheelError } from '../../errors.ts';
import type { Stamp } from '../port.ts';

export interface Mark {
  readonly installation: string;
  readonly secret: string;
  /** The rotation that set the verifier; `adopted` for one found in place; `none` after it was retired. */
  readonly credential: string;
  /** The key of the credential that was retired last, where none has been set since. */
  readonly retired?: string;
  readonly fence: number;
}

export interface Comment {
  /** What people wrote, before and after the mark. */
  readonly human: string;
  readonly mark?: Mark;
}

export const ADOPTED = 'adopted';
export const NONE = 'none';

// Everything but plain name characters is percent-encoded, so that a secret's name cannot end the mark or add a field to it.
const encode = (text: string): string =>
  encodeURIComponent(text.toWellFormed())
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/%2F/g, '/');

/** `fence` is given apart so that a plan can say `<fence>` where the real run writes the number. */
export function renderComment(human: string, mark: Mark, fence: string = String(mark.fence)): string {
  const retired = mark.retired === undefined ? '' : ` retired=${encode(mark.retired)}`;
  const text = `[keywheel installation=${encode(mark.installation)} secret=${encode(mark.secret)} credential=${encode(mark.credential)}${retired} fence=${fence}]`;
  return human === '' ? text : `${human} ${text}`;
}

/** ERR_TARGET_MISMATCH when there is a mark that cannot be read: guessing at it could hand the account to two owners. */
export function parseComment(role: string, text: string | null): Comment {
  if (text === null || !text.includes('[keywheel ')) return { human: text ?? '' };
  const found = /\s?\[keywheel ([^[\]]*)\]/.exec(text);
  const mark = found === null ? undefined : parseFields(found[1] ?? '');
  if (found === null || mark === undefined || text.split('[keywheel ').length > 2) {
    throw new KeywheelError(
      'ERR_TARGET_MISMATCH',
      `the comment of role ${role} holds a mark that cannot be read, so nothing was changed`,
      {
        hint: `put the mark right, or remove it with COMMENT ON ROLE and let keywheel adopt the account again`,
        subject: role,
      },
    );
  }
  return { human: text.slice(0, found.index) + text.slice(found.index + found[0].length), mark };
}

function parseFields(text: string): Mark | undefined {
  const fields = new Map<string, string>();
  for (const pair of text.split(' ')) {
    const at = pair.indexOf('=');
    if (at < 1) return undefined;
    try {
      fields.set(pair.slice(0, at), decodeURIComponent(pair.slice(at + 1)));
    } catch {
      return undefined;
    }
  }
  const [installation, secret, credential] = ['installation', 'secret', 'credential'].map((name) => fields.get(name));
  const fence = Number(fields.get('fence'));
  if (installation === undefined || secret === undefined || credential === undefined) return undefined;
  if (!/^\d+$/.test(fields.get('fence') ?? '') || !Number.isSafeInteger(fence)) return undefined;
  const retired = fields.get('retired');
  return { installation, secret, credential, fence, ...(retired === undefined ? {} : { retired }) };
}

export function ownedByOther(mark: Mark, stamp: Stamp): boolean {
  return mark.installation !== stamp.installation || mark.secret !== stamp.secret;
}

export function ownerOf(mark: Mark): string {
  return `secret ${JSON.stringify(mark.secret)} of installation ${JSON.stringify(mark.installation)}`;
}

/** How a person takes an account over on purpose. */
export const takeOver = (role: string, human: string, literal: (text: string) => string): string =>
  `to take it over on purpose, stop the other rotation, then remove its mark: COMMENT ON ROLE "${role.replaceAll('"', '""')}" IS ${human === '' ? 'NULL' : literal(human)}`;
