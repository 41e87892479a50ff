/** The outcome of many runs as tables for people, in Markdown. Pure. */
import type { AttackOutcome, FalseAlert } from './detection-judge.ts';
import type { BenignRun } from './detection-runs.ts';

export interface DetectionReport {
  readonly outcomes: readonly AttackOutcome[];
  readonly benign: readonly BenignRun[];
  /** Alerts on the days of attacks that no attack caused, and the days. */
  readonly besides: readonly FalseAlert[];
  readonly attackDays: number;
}

const percent = (part: number, whole: number): string => (whole === 0 ? '–' : `${((100 * part) / whole).toFixed(0)} %`);
const median = (values: readonly number[]): string => {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted.length === 0 ? '–' : String(sorted[Math.floor((sorted.length - 1) / 2)]);
};

function groupBy<T>(items: readonly T[], key: (item: T) => string): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const others = groups.get(key(item));
    if (others === undefined) groups.set(key(item), [item]);
    else others.push(item);
  }
  return [...groups].sort(([one], [other]) => (one < other ? -1 : 1));
}

const table = (heads: readonly string[], rows: readonly (readonly string[])[]): string[] => [
  `| ${heads.join(' | ')} |`,
  `|${heads.map(() => '---').join('|')}|`,
  ...rows.map((cells) => `| ${cells.join(' | ')} |`),
];

const recallRow = (name: string, outcomes: readonly AttackOutcome[]): string[] => {
  const told = outcomes.filter(({ alerted }) => alerted);
  return [
    name,
    String(outcomes.length),
    percent(told.length, outcomes.length),
    percent(outcomes.filter(({ seen }) => seen).length, outcomes.length),
    median(told.flatMap(({ after }) => (after === undefined ? [] : [after]))),
    String(outcomes[0]?.expectedBy ?? ''),
    percent(outcomes.filter(({ onTime }) => onTime).length, outcomes.length),
    percent(told.filter(({ named }) => named).length, told.length),
  ];
};

const HEADS = ['', 'runs', 'alerted', 'seen', 'at event (median)', 'wanted by', 'in time', 'family first'];

export function renderDetection({ outcomes, benign, besides, attackDays }: DetectionReport): string[] {
  const strong = outcomes.filter(({ weak }) => !weak);
  const told = outcomes.filter(({ alerted }) => alerted).length;
  const alerts = benign.flatMap((run) => run.falseAlerts);
  const days = benign.reduce((sum, run) => sum + run.days, 0);
  const lines = [
    '## Recall, by attack',
    '',
    ...table(
      HEADS,
      groupBy(outcomes, ({ attack }) => attack).map(([name, group]) =>
        recallRow(`${name}${group[0]?.weak === true ? ' (weak sign)' : ''}`, group),
      ),
    ),
    '',
    '## Recall, by store',
    '',
    ...table(
      HEADS.filter((head) => head !== 'wanted by'),
      groupBy(strong, ({ source }) => source).map(([name, group]) => recallRow(name, group).filter((_, at) => at !== 5)),
    ),
    '',
    '## All',
    '',
    ...table(
      ['', ''],
      [
        ['attacks', String(strong.length)],
        ['alerted (recall)', percent(strong.filter(({ alerted }) => alerted).length, strong.length)],
        ['in time', percent(strong.filter(({ onTime }) => onTime).length, strong.length)],
        [
          'family named first',
          percent(strong.filter(({ alerted, named }) => alerted && named).length, strong.filter(({ alerted }) => alerted).length),
        ],
        ['weak signs seen', percent(outcomes.filter(({ weak, seen }) => weak && seen).length, outcomes.length - strong.length)],
        ['alerts of attacks among all on their days (precision)', percent(told, told + besides.length)],
        ['false alerts a day, on the days of attacks', attackDays === 0 ? '–' : (besides.length / attackDays).toFixed(2)],
        ['benign tenant-days', String(days)],
        ['false alerts a tenant-day', days === 0 ? '–' : (alerts.length / days).toFixed(2)],
        [
          'worst tenant',
          benign.length === 0 ? '–' : Math.max(...benign.map((run) => run.falseAlerts.length / run.days)).toFixed(2),
        ],
      ],
    ),
    '',
  ];
  if (alerts.length > 0) {
    lines.push(
      '## False alerts, by who caused them',
      '',
      ...table(
        ['persona', 'alerts', 'a tenant-day'],
        groupBy(alerts, ({ persona }) => persona).map(([name, group]) => [
          name,
          String(group.length),
          (group.length / days).toFixed(3),
        ]),
      ),
      '',
    );
  }
  return lines;
}

/** What to look at: attacks that were missed or late, and false alerts. */
export function renderDetails({ outcomes, benign, besides }: DetectionReport): string[] {
  const missed = outcomes.filter(({ alerted, onTime, weak, seen }) => (weak ? !seen : !alerted || !onTime));
  return [
    ...missed.map(
      ({ attack, source, tenant, score, after, expectedBy, first }) =>
        `${after === undefined ? 'missed' : `late (${after} > ${expectedBy})`}: ${attack} ${source} ${tenant} score ${score}: ${first}`,
    ),
    ...outcomes
      .filter(({ alerted, named }) => alerted && !named)
      .map(
        ({ attack, source, tenant, families, first }) =>
          `named otherwise: ${attack} ${source} ${tenant} wanted ${families.join('/')}: ${first}`,
      ),
    ...[...benign.flatMap((run) => run.falseAlerts), ...besides].map(
      ({ tenant, persona, time, score, title, reasons }) =>
        `false: ${persona} ${tenant} ${time} score ${score} ${JSON.stringify(title)}: ${reasons}`,
    ),
  ];
}
