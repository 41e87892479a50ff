/** Names with `*`: no regular expressions from a configuration, and no backtracking. Pure. */

/** True when any of the patterns takes any of the texts. */
export type Pattern = (...texts: readonly string[]) => boolean;

const never: Pattern = () => false;

export function patternOf(patterns: readonly string[]): Pattern {
  if (patterns.length === 0) return never;
  const exact = new Set(patterns.filter((each) => !each.includes('*')));
  const loose = patterns.filter((each) => each.includes('*')).map((each) => each.split('*'));
  return (...texts) => texts.some((text) => exact.has(text) || loose.some((parts) => takes(parts, text)));
}

/** `parts` are what stands between the stars: in this order, the first at the beginning and the last at the end. */
function takes(parts: readonly string[], text: string): boolean {
  const [first = ''] = parts;
  const last = parts.at(-1) ?? '';
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at <= text.length - last.length;
}
