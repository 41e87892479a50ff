import { formatDuration } from '../../shared/config/index.ts';
import type { Rehearsal, RehearsalLine } from '../../shared/rotation/index.ts';
import type { Paint, Tone } from './output.ts';
import { harmless } from './text.ts';

const TONES: Readonly<Partial<Record<RehearsalLine['kind'], Tone>>> = { effect: 'warn', read: 'dim', wait: 'dim' };

/** `3600000 ms of grace; …` for people: `1h: grace; …`. */
function waitText(text: string): string {
  const match = /^(\d+) ms of (.*)$/s.exec(text);
  return match === null ? text : `${formatDuration(Number(match[1]))}: ${match[2]}`;
}

/** Calls are numbered, waits are not: `3 effect ALTER ROLE …` and `-- wait 1h: grace; …`. Never cut: they are the exact calls. */
export function rehearsalLines({ secret, lines }: Rehearsal, paint: Paint): string[] {
  const calls = lines.filter((line) => line.kind !== 'wait').length;
  const digits = String(calls).length;
  let number = 0;
  const text = lines.map(({ kind, text }) => {
    if (kind === 'wait') return paint('dim', `${'-'.repeat(Math.max(2, digits))} wait ${harmless(waitText(text))}`);
    number += 1;
    const tone = TONES[kind];
    const word = kind.padEnd(6);
    return `${String(number).padStart(digits)} ${tone === undefined ? word : paint(tone, word)} ${harmless(text)}`;
  });
  return [paint('bold', harmless(secret)), ...text];
}

export function rehearsalRecord({ secret, lines, result }: Rehearsal): object {
  const why = result.rotation?.hold ?? result.error ?? result.rotation?.failure;
  return {
    secret,
    status: result.status,
    lines,
    ...(why === undefined
      ? {}
      : { error: { code: why.code, message: why.message, ...(why.hint === undefined ? {} : { hint: why.hint }) } }),
  };
}
