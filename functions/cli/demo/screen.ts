/** Where progress goes: a view redrawn in place on a terminal, plain lines anywhere else. Always stderr; stdout is for data. */
import type { WriteStream } from 'node:tty';
import type { Timeline } from './timeline.ts';
import { renderView, seconds } from './view.ts';

const FRAME_MS = 125;
const ESC = '\u001B[';
// Synchronized output: a terminal that knows it shows each frame whole; others ignore it.
const BEGIN = `${ESC}?2026h`;
const END = `${ESC}?2026l`;

export interface Screen {
  /** One line that stays: a phase change, a kill, a proof. */
  line(text: string): void;
  /** Starts showing the timeline. */
  show(timeline: Timeline): void;
  /** Draws the last frame, gives the cursor back. Safe to call twice. */
  close(): void;
}

export interface ScreenStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

export function openScreen(stream: ScreenStream | WriteStream, env: NodeJS.ProcessEnv, now: () => number = Date.now): Screen {
  const live = stream.isTTY === true && env['TERM'] !== 'dumb';
  return live ? liveScreen(stream, wantsColor(env), now) : plainScreen(stream, now);
}

/** https://no-color.org: present and not empty, whatever its value. */
function wantsColor(env: NodeJS.ProcessEnv): boolean {
  return (env['NO_COLOR'] ?? '') === '';
}

function plainScreen(stream: ScreenStream, now: () => number): Screen {
  let startedAt: number | undefined;
  return {
    line(text) {
      const stamp = startedAt === undefined ? '' : `${seconds(now() - startedAt).padStart(7)}  `;
      stream.write(`keywheel: ${stamp}${text}\n`);
    },
    show(timeline) {
      startedAt = timeline.startedAt;
    },
    close() {},
  };
}

function liveScreen(stream: ScreenStream, color: boolean, now: () => number): Screen {
  let timeline: Timeline | undefined;
  let timer: NodeJS.Timeout | undefined;
  let drawn = 0;
  let drawing = false;
  const draw = (): void => {
    if (!timeline) return;
    const lines = renderView(timeline, now(), { columns: stream.columns ?? 80, rows: stream.rows ?? 24, color });
    const up = drawn > 0 ? `${ESC}${drawn}F` : '';
    // Each line is overwritten and its rest erased, so that nothing is ever blank between two frames.
    stream.write(`${BEGIN}${up}${lines.map((line) => `${line}${ESC}K\n`).join('')}${ESC}J${END}`);
    drawn = lines.length;
  };
  return {
    line(text) {
      // While the picture is shown, the timeline's own notes carry it.
      if (!drawing) stream.write(`keywheel: ${text}\n`);
    },
    show(shown) {
      timeline = shown;
      drawing = true;
      stream.write(`${ESC}?25l`);
      draw();
      timer = setInterval(draw, FRAME_MS);
    },
    close() {
      if (!drawing) return;
      drawing = false;
      clearInterval(timer);
      draw();
      stream.write(`${ESC}?25h`);
    },
  };
}
