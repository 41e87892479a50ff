/** Text from logs as it may be shown. Pure. */

/**
 * Control characters, those that turn the direction of text, those without a width, and lone surrogates: they would show something else than
 * what is there.
 */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]+/gu;

/**
 * What looks like a credential, by the marks that vendors give theirs so that it can be found: Vault and OpenBao, JSON Web Tokens, Google, Slack, GitHub,
 * private keys. The contract says that no alert holds one; a log that was written with log_raw does.
 */
const CREDENTIAL =
  /\bhv[sbr]\.[\w-]{20,}|\b[sbr]\.[A-Za-z0-9]{24,}(\.[A-Za-z0-9]{5})?|\beyJ[\w-]{8,}\.[\w-]+(\.[\w-]*)?|\bya29\.[\w.-]{16,}|\bxox[a-z]-[\w-]{8,}|\bxapp-[\w-]{8,}|\bgh[a-z]_\w{20,}|-----BEGIN[^-]*PRIVATE KEY-----.*/g;
/** An HMAC names a token for whoever has the log's key: eight characters are enough to tell two apart. */
const HMAC = /\bhmac-sha256:([0-9a-f]{8})[0-9a-f]+/gi;

/** One line of at most `most` characters (UTF-16), never cut within a character. */
export function plain(text: string, most: number): string {
  // Far more than is shown is not looked at.
  const line = text
    .slice(0, most * 4)
    .normalize('NFC')
    .replace(UNSEEN, ' ')
    .trim()
    .replace(CREDENTIAL, '<credential>')
    .replace(HMAC, 'hmac-sha256:$1…');
  return cut(line, most);
}

export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const kept = text.slice(0, most - 1);
  return `${/[\uD800-\uDBFF]$/.test(kept) ? kept.slice(0, -1) : kept}…`;
}

/** An address that a reader of the text cannot follow by a click: what a log says is no place to send people. */
export const unlinked = (text: string): string =>
  text.replaceAll('://', '[:]//').replace(/\b(mailto|tel|javascript|data):/gi, '$1[:]');

/** `2026-11-24T02:00:00.000Z`; a hyphen for a time that no calendar has. */
export const isoOf = (time: number): string => (Math.abs(time) <= 8.64e15 ? new Date(time).toISOString() : '-');
