/**
 * Holds a run to the dry run that was approved: a login or effect that the dry run did not show is not made. A call may be made again, as after a
 * crash, because every one of them is safe to repeat.
 */
import { KeywheelError } from '../errors.ts';
import type { Call, Gate } from '../deps.ts';
import { ROTATION_PLACEHOLDER, type RehearsalLine } from './rehearse.ts';

export interface ExpectingGate extends Gate {
  /** What the dry run showed and this run has not made. */
  missing(): readonly string[];
}

/** `installation` is masked too, because a dry run before the first rotation has none to show. */
export function expectingGate(
  gate: Gate,
  expected: readonly RehearsalLine[],
  secret: string,
  installation: string,
): ExpectingGate {
  const comparable = (text: string): string =>
    text.replaceAll(/\br-[0-9a-z]{20}\b/g, ROTATION_PLACEHOLDER).replaceAll(installation, '<installation>');
  const isCompared = (kind: RehearsalLine['kind']): boolean => kind === 'effect' || kind === 'login';
  const shown = new Set(expected.filter((line) => isCompared(line.kind)).map((line) => comparable(line.text)));
  const made = new Set<string>();
  return {
    rehearsing: gate.rehearsing,
    run<T>(call: Call, perform: () => Promise<T>, rehearsed: () => T): Promise<T> {
      const text = comparable(call.text);
      if (isCompared(call.kind) && !shown.has(text)) {
        return Promise.reject(
          new KeywheelError(
            'ERR_ROTATION_HELD',
            `${secret} needs a call that the dry run did not show, so it was not made: ${text}`,
            {
              hint: `look at a new one with: keywheel rotate ${secret} --dry-run`,
              subject: secret,
            },
          ),
        );
      }
      made.add(text);
      return gate.run(call, perform, rehearsed);
    },
    missing: () => [...shown].filter((text) => !made.has(text)),
  };
}
