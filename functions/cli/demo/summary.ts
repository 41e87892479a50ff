/** The last words of a demo on a terminal or in a log. */
import { complaints, summarize, type Timeline } from './timeline.ts';

export function renderSummary(timeline: Timeline, report: string): string {
  const { seconds, queries, failed, rotations, resumes, refused } = summarize(timeline);
  const found = complaints(timeline);
  const { platform } = timeline;
  const rows: [string, string][] = [
    ...(platform === undefined ? [] : [['platform', platform.title] satisfies [string, string]]),
    ['queries', `${queries.toLocaleString('en-US')} in ${seconds} s, the slowest took ${timeline.slowest} ms`],
    ['failed', String(failed)],
    ['rotations', String(rotations)],
    ['resumed after SIGKILL', String(resumes)],
    ['old passwords refused', `${refused} of ${rotations} (28P01)`],
    ['passwords in logs', String(timeline.leaks ?? 0)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const verdict = found.length === 0 ? 'No query noticed.' : `Not as promised: ${found.join('; ')}.`;
  return [
    '',
    ...rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`),
    '',
    `  ${verdict}`,
    `  report: ${report}`,
  ].join('\n');
}
