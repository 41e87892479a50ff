/** The live view: a pure picture of the timeline at one moment, as lines that fit the terminal. */
import { PHASES, type Phase } from '../../../shared/rotation/index.ts';
import { countQueries, queriesBetween, shortVersion, summarize, type LabelMark, type Timeline, type Turn } from './timeline.ts';

export interface ViewOptions {
  readonly columns: number;
  readonly rows: number;
  readonly color: boolean;
}

type Paint = (text: string) => string;
interface Palette {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly red: Paint;
  readonly green: Paint;
  readonly accounts: readonly [Paint, Paint];
}

const MARGIN = '  ';
const SPARK = '▁▂▃▄▅▆▇█';
const SPARK_STEP = 500;
const NOTE_ROWS = 6;

/** Never wider than `columns`, never taller than `rows`. */
export function renderView(timeline: Timeline, now: number, options: ViewOptions): string[] {
  const paint = palette(options.color);
  const turn = timeline.turns.at(-1);
  const width = Math.min(options.columns, 100);
  const lines = [
    '',
    header(timeline, now, width, paint),
    '',
    ...wheel(turn, now, width, paint),
    '',
    ...labels(timeline, width, paint),
    '',
    ...timeline.accounts.map((account, index) => trace(timeline, account, index, now, width, paint)),
    '',
    counters(timeline, paint),
    '',
  ];
  const room = Math.max(0, Math.min(NOTE_ROWS, options.rows - lines.length - 1));
  const notes = room === 0 ? [] : timeline.notes.slice(-room);
  for (const note of notes) {
    const stamp = seconds(note.at - timeline.startedAt).padStart(7);
    const tone = note.tone === 'bad' ? paint.red : note.tone === 'good' ? paint.green : (text: string) => text;
    lines.push(`${paint.dim(stamp)}  ${tone(cut(note.text, width - 10))}`);
  }
  return lines.slice(0, Math.max(1, options.rows - 1)).map((line) => clip(line, options.columns));
}

function header(timeline: Timeline, now: number, width: number, paint: Palette): string {
  const title = 'keywheel demo';
  const platform = timeline.platform === undefined ? '' : `${timeline.platform.name} · `;
  const about = `${platform}PostgreSQL ${timeline.serverVersion} · ${timeline.workers} workers · ${seconds(now - timeline.startedAt)}`;
  return `${MARGIN}${paint.bold(title)}${' '.repeat(Math.max(2, width - title.length - about.length - 3))}${paint.dim(about)}`;
}

/** The phases in order: done, the one being worked on, still to come. */
function wheel(turn: Turn | undefined, now: number, width: number, paint: Palette): string[] {
  const phase = turn?.record?.phase;
  const done = phase === undefined ? -1 : PHASES.indexOf(phase);
  const title = turn
    ? `rotation ${turn.number}   ${turn.old.account} → ${turn.record?.to ?? '…'}   ${seconds((turn.endedAt ?? now) - turn.startedAt)}`
    : 'starting';
  const killed = turn?.kill
    ? turn.resumedAt === undefined
      ? paint.red('killed by SIGKILL')
      : `${paint.red('killed')}, ${paint.green('resumed')}`
    : '';
  let nodes = '';
  let names = '';
  // Two columns between names fill an 80-column terminal exactly; a narrower one shows the present phase alone.
  if (width < 79)
    return [`${MARGIN}${paint.bold(title)}   ${killed}`, `${MARGIN}${phase ?? 'starting'} (${done + 1} of ${PHASES.length})`];
  PHASES.forEach((name, index) => {
    const node = index < done || phase === 'closed' ? paint.green('●') : index === done ? paint.bold('◉') : paint.dim('○');
    const left = Math.floor((name.length - 1) / 2);
    const right = name.length - 1 - left;
    const line = (length: number, filled: boolean): string =>
      (filled ? paint.green : paint.dim)((filled ? '━' : '─').repeat(length));
    nodes += (index === 0 ? ' '.repeat(left) : line(left + 1, index <= done)) + node;
    nodes += index === PHASES.length - 1 ? '' : line(right + 1, index < done);
    names +=
      (index === done ? paint.bold(name) : index < done ? name : paint.dim(name)) + (index === PHASES.length - 1 ? '' : '  ');
  });
  return [`${MARGIN}${paint.bold(title)}   ${killed}`, '', `${MARGIN}${nodes}`, `${MARGIN}${names}`];
}

function labels(timeline: Timeline, width: number, paint: Palette): string[] {
  const last = timeline.labels.at(-1);
  const show = (name: string, mark: LabelMark | undefined): string => {
    if (!mark) return `${paint.dim(name)} ${paint.dim('–')}`;
    const color = paint.accounts[timeline.accounts.indexOf(mark.account) === 1 ? 1 : 0];
    return `${paint.dim(name)} ${color(mark.account)} ${paint.dim(shortVersion(mark.version))}`;
  };
  const cells = [show('current', last?.current), show('previous', last?.previous), show('pending', last?.pending)];
  return [MARGIN + cells.map((cell) => pad(cell, Math.floor((width - 4) / 3))).join('')];
}

function trace(timeline: Timeline, account: string, index: number, now: number, width: number, paint: Palette): string {
  const cells = Math.max(10, width - 26);
  const end = Math.floor(now / SPARK_STEP) * SPARK_STEP;
  const counts = Array.from({ length: cells }, (_, cell) => {
    const from = end - (cells - cell) * SPARK_STEP;
    return from + SPARK_STEP <= timeline.startedAt ? undefined : queriesBetween(timeline, account, from, from + SPARK_STEP);
  });
  const top = Math.max(1, ...timelinePeak(timeline, end, cells));
  const bars = counts
    .map((n) => (n === undefined ? ' ' : n === 0 ? '·' : SPARK.charAt(Math.min(7, Math.floor((n / top) * 8)))))
    .join('');
  const rate = Math.round(queriesBetween(timeline, account, end - 1000, end));
  const color = paint.accounts[index === 1 ? 1 : 0];
  return `${MARGIN}${color(account.padEnd(7))}${color(bars)}  ${`${rate} queries/s`.padStart(13)}`;
}

/** One scale for both accounts, so that their traces can be compared. */
function timelinePeak(timeline: Timeline, end: number, cells: number): number[] {
  return timeline.accounts.flatMap((account) =>
    Array.from({ length: cells }, (_, cell) =>
      queriesBetween(timeline, account, end - (cell + 1) * SPARK_STEP, end - cell * SPARK_STEP),
    ),
  );
}

function counters(timeline: Timeline, paint: Palette): string {
  const { failed, rotations, resumes, refused } = summarize(timeline);
  const cell = (name: string, value: string, tone: Paint = paint.bold): string => `${paint.dim(name)} ${tone(value)}`;
  return (
    MARGIN +
    [
      cell('queries', countQueries(timeline).toLocaleString('en-US')),
      cell('failed', String(failed), failed === 0 ? paint.green : paint.red),
      cell('rotations', String(rotations)),
      cell('resumes', String(resumes)),
      cell('old passwords refused', String(refused)),
    ].join('   ')
  );
}

/** What a phase means, for the plain lines of an output that is no terminal. */
export const PHASE_TEXT: Readonly<Record<Phase, string>> = {
  planned: 'planned: read what is true now',
  staged: 'staged: new password stored as pending',
  applied: 'applied: the idle account has it',
  verified: 'verified: logged in with it, grants are equal',
  published: 'published: current names it',
  grace: 'grace: previous still works',
  retired: 'retired: unused, so overwritten',
  proven: 'proven: the old password is refused',
  closed: 'closed',
};

export function seconds(ms: number): string {
  return `${(Math.max(0, ms) / 1000).toFixed(1)} s`;
}

function palette(color: boolean): Palette {
  const sgr = (open: string): Paint =>
    color ? (text) => (text === '' ? '' : `${ESCAPE}[${open}m${text}${ESCAPE}[0m`) : (text) => text;
  return { bold: sgr('1'), dim: sgr('2'), red: sgr('1;31'), green: sgr('32'), accounts: [sgr('36'), sgr('33')] };
}

const ESCAPE = '\u001B';
const SGR = new RegExp(`${ESCAPE}\\[[0-9;]*m`, 'g');

function visible(text: string): number {
  return text.replaceAll(SGR, '').length;
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(1, width - visible(text)));
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

/** Cuts a painted line to `width` visible columns, keeping its colours whole. */
export function clip(line: string, width: number): string {
  if (visible(line) <= width) return line;
  let room = width;
  let out = '';
  for (const part of line.split(new RegExp(`(${SGR.source})`))) {
    if (part.startsWith(ESCAPE)) out += part;
    else {
      out += part.slice(0, room);
      room -= Math.min(room, part.length);
    }
  }
  return out;
}
