/** Text of log records, made fit for alerts: no control characters, no token, no more than 8 characters of an HMAC. Pure. */

// Vault's and OpenBao's tokens: https://developer.hashicorp.com/vault/docs/concepts/tokens#token-prefixes
const TOKEN = /\b(hv[sbr]|[sbr])\.[\w-]{20,}/g;
const HMAC = /(hmac-sha\d+:[\da-f]{8})[\da-f]+/g;
const JWT = /\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g;
// Also what turns the direction of text, hides it, or ends a line outside ASCII.
const HOSTILE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const LONGEST = 2_000;

/** At most `longest` characters. What is cut is cut after tokens were taken out, so that no half of one stays. */
export function clean(text: string, longest = LONGEST): string {
  const fit = text
    .slice(0, 2 * longest + LONGEST)
    .replaceAll(HOSTILE, ' ')
    .replaceAll(HMAC, '$1…')
    .replaceAll(TOKEN, '$1.…')
    .replaceAll(JWT, 'eyJ…');
  return fit.length > longest ? `${fit.slice(0, longest - 1)}…` : fit;
}
