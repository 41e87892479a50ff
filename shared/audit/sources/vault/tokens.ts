/** Tokens where they may stand in a record, so that none of them leaves it. Pure. */
import { hash48 } from '../../sketches/hash.ts';

/** What audit devices write instead of a text: `hmac-sha256:` and 64 hexadecimal digits. */
export const isHashed = (text: string): boolean => text.startsWith('hmac-');

/** What tells one token or accessor from others, at most 64 characters: of an HMAC its digits, of a token in clear a hash that does not lead back. */
export function credentialOf(token: string | undefined, accessor: string | undefined): string | undefined {
  if (accessor !== undefined && accessor !== '') return short(accessor);
  if (token === undefined || token === '') return undefined;
  return isHashed(token) ? short(token) : `clear-${hash48(token).toString(36)}`;
}

function short(text: string): string {
  const colon = isHashed(text) ? text.indexOf(':') + 1 : 0;
  return text.slice(colon, colon + 64).toWellFormed();
}

/** Calls of old that carry a token in their path, where no audit device hashes it. https://developer.hashicorp.com/vault/api-docs/auth/token */
const TAKES_TOKEN = /^auth\/token\/(?:lookup|renew|revoke|revoke-orphan|lookup-accessor|revoke-accessor)\//u;
/** Tokens by their form: `hvs.`, `hvb.`, `hvr.` and a long tail; before Vault 1.10, and in OpenBao, `s.`, `b.`, `r.`. */
const TOKEN = /(?<![^/])(?:hv[sbr]\.[\w-]{20,}|[sbr]\.[\w-]{22,})/gu;

/** `path` without tokens, and whether there was one. */
export function withoutTokens(path: string): { readonly text: string; readonly clear: boolean } {
  const taken = path.startsWith('auth/token/') ? TAKES_TOKEN.exec(path) : null;
  if (taken !== null && path.length > taken[0].length) return { text: `${taken[0]}…`, clear: !taken[0].includes('accessor') };
  if (!path.includes('.')) return { text: path, clear: false };
  const text = path.replace(TOKEN, '…');
  return { text, clear: text !== path };
}
