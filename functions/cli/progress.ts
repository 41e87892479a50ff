/** What a rotation is at, on stderr: redrawn in place on a terminal, one line an event elsewhere. */
import { formatDuration } from '../../shared/config/index.ts';
import { PHASES, type Phase, type RotationEvent } from '../../shared/rotation/index.ts';
import { painter, type Paint, type Sink } from './output.ts';
import type { Environment } from '../../shared/config/index.ts';
import { cut, harmless } from './text.ts';

export interface Progress {
  event(event: RotationEvent): void;
  /** A line above what is redrawn. */
  note(text: string): void;
  /** Ends redrawing; what was drawn stays. */
  stop(): void;
}

interface Row {
  readonly secret: string;
  phase?: Phase | undefined;
  note: string;
  until?: number | undefined;
  trouble: boolean;
}

const WAITS: Partial<Record<Phase, string>> = {
  applied: 'until the new password is known everywhere',
  published: 'grace begins',
  grace: 'previous keeps working; its use is watched',
  retired: 'until the old credential is refused',
};

/** The present moment in one row: a dot for each complete phase, the last one's name, what it waits for. */
export function rowText(row: Row, nameWidth: number, width: number, now: number, paint: Paint): string {
  const done = row.phase === undefined ? 0 : PHASES.indexOf(row.phase) + 1;
  const dots = paint(row.trouble ? 'bad' : 'good', '●'.repeat(done)) + paint('dim', '○'.repeat(PHASES.length - done));
  const wait = row.until === undefined ? '' : `${formatDuration(Math.max(0, Math.ceil((row.until - now) / 1000) * 1000))}: `;
  const name = cut(harmless(row.secret), nameWidth).padEnd(nameWidth);
  const rest = `${(row.phase ?? 'starting').padEnd(9)}  ${wait}${harmless(row.note)}`.trimEnd();
  return `${name}  ${dots}  ${cut(rest, width - nameWidth - PHASES.length - 4)}`;
}

/** One line for logs; undefined where another event has told it. */
function eventText(event: RotationEvent, now: number): string | undefined {
  const left = event.resumeAt === undefined ? undefined : formatDuration(Math.max(0, event.resumeAt - now));
  const after = event.phase === undefined ? '' : ` after ${event.phase}`;
  const waiting = event.phase === undefined ? undefined : WAITS[event.phase];
  const note = event.message ?? (event.type === 'wait' ? waiting : undefined);
  const because = note === undefined ? '' : `: ${note}`;
  switch (event.type) {
    case 'phase':
      return `${event.secret}: ${event.phase ?? ''}${because}`;
    case 'wait':
      return `${event.secret}: waits${left === undefined ? '' : ` ${left}`}${after}${because}`;
    case 'failed':
      return `${event.secret}: failed${after}${left === undefined ? '' : `, tried again in ${left}`}${because}`;
    case 'closed':
      return note === undefined ? undefined : `${event.secret}: closed${because}`;
  }
}

function apply(row: Row, event: RotationEvent): void {
  row.phase = event.phase ?? row.phase;
  row.trouble = event.type === 'failed';
  row.until = event.type === 'wait' || event.type === 'failed' ? event.resumeAt : undefined;
  const waiting = event.type === 'wait' && event.phase !== undefined ? WAITS[event.phase] : undefined;
  row.note = event.message ?? waiting ?? (row.trouble ? event.type : '');
}

const REDRAW_EVERY = 250;

function redrawing(sink: Sink, names: readonly string[], env: Environment): Progress {
  const paint = painter(sink, env);
  const width = Math.max(40, sink.columns || 80) - 1;
  const nameWidth = Math.min(24, Math.max(...names.map((name) => name.length)));
  const rows = new Map<string, Row>(names.map((secret) => [secret, { secret, note: '', trouble: false }]));
  let drawn = 0;
  const draw = (): void => {
    const up = drawn > 0 ? `\u001b[${drawn}A` : '';
    const lines = [...rows.values()].map((row) => `\u001b[2K${rowText(row, nameWidth, width, Date.now(), paint)}\n`);
    sink.write(up + lines.join(''));
    drawn = rows.size;
  };
  const timer = setInterval(draw, REDRAW_EVERY);
  timer.unref();
  draw();
  return {
    event(event) {
      const row = rows.get(event.secret);
      if (row !== undefined) apply(row, event);
      draw();
    },
    note(text) {
      const up = drawn > 0 ? `\u001b[${drawn}A` : '';
      sink.write(`${up}\u001b[Jkeywheel: ${harmless(text)}\n`);
      drawn = 0;
      draw();
    },
    stop() {
      clearInterval(timer);
      draw();
    },
  };
}

/** Rows are only redrawn where the cursor can move and all of them fit. */
export function createProgress(
  sink: Sink & { readonly rows?: number | undefined },
  names: readonly string[],
  env: Environment,
): Progress {
  if (sink.isTTY === true && env['TERM'] !== 'dumb' && names.length < (sink.rows || 24)) return redrawing(sink, names, env);
  return {
    event(event) {
      const text = eventText(event, Date.now());
      if (text !== undefined) sink.write(`keywheel: ${harmless(text)}\n`);
    },
    note: (text) => void sink.write(`keywheel: ${harmless(text)}\n`),
    stop: () => undefined,
  };
}

/** For --json: the results tell everything. */
export const silent: Progress = { event: () => undefined, note: () => undefined, stop: () => undefined };
