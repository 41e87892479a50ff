import { formatDuration, secretOf, type LoadedConfig } from '../../../shared/config/index.ts';
import { KeywheelError } from '../../../shared/errors.ts';
import type { Selection } from '../../../shared/rotation/index.ts';
import type { CommandModule, Context, Flags } from '../context.ts';
import { combine, EXIT, outcomeOf, rehearsalRecord, type ExitCode } from '../../../shared/reply/index.ts';

/** Long enough to see a rotation through to its grace; grace itself is waited for with --wait. */
const DEFAULT_WAIT = 60_000;

function selectionOf(names: readonly string[], flags: Flags): Selection {
  const due = flags['due'] === true;
  const resume = flags['resume'] === true;
  if (due && resume)
    throw new KeywheelError('ERR_USAGE', '--due and --resume cannot be given together', {
      hint: '--due also goes on with open rotations',
    });
  if (names.length === 0 && !due && !resume) {
    throw new KeywheelError('ERR_USAGE', 'no secret is named', {
      hint: 'name the secrets, or use --due for what the schedule asks for',
    });
  }
  const mode = due ? 'due' : resume ? 'resume' : 'named';
  const reason = flags['reason'];
  return { mode, reason: typeof reason === 'string' ? reason : mode === 'due' ? 'schedule' : 'asked for at the terminal' };
}

async function namesOf(config: LoadedConfig, names: readonly string[]): Promise<string[]> {
  // All names are looked up before anything is done for one of them.
  for (const name of names) await secretOf(config, name);
  return names.length === 0 ? Object.keys(config.secrets) : [...new Set(names)];
}

function waitOf(flags: Flags): number {
  if (flags['wait'] === true) return Number.POSITIVE_INFINITY;
  return flags['wait'] === false ? 0 : DEFAULT_WAIT;
}

const when = (now: number) => (at: number) => (at <= now ? 'now' : `in ${formatDuration(at - now)}`);

/** The first interrupt lets the present step finish; the second ends the process as any other would. */
function interruptible(tell: (message: string) => void): { signal: AbortSignal; done: () => void } {
  const controller = new AbortController();
  const onSignal = (): void => {
    process.removeListener('SIGINT', onSignal);
    tell('interrupted: finishing the present step; interrupt again to end at once');
    controller.abort();
  };
  process.on('SIGINT', onSignal);
  return { signal: controller.signal, done: () => void process.removeListener('SIGINT', onSignal) };
}

async function rehearseAll(
  context: Context,
  config: LoadedConfig,
  names: readonly string[],
  selection: Selection,
): Promise<ExitCode> {
  const { out, env } = context;
  const { rehearseSecret, systemDeps } = await import('../../../shared/engine/index.ts');
  const { rehearsalLines } = await import('../rehearsal.ts');
  const codes: ExitCode[] = [];
  const records: object[] = [];
  for (const name of names) {
    const rehearsal = await rehearseSecret({ config, env, selection, deps: systemDeps }, name);
    if (rehearsal === undefined) {
      records.push({ secret: name, lines: [], status: 'idle' });
      out.say(`${name}: nothing to do`);
      continue;
    }
    const outcome = outcomeOf(rehearsal.result, selection.mode === 'named', when(Date.now()));
    const good = rehearsal.result.status === 'closed' && rehearsal.result.rotation?.outcome === 'rotated';
    codes.push(good ? EXIT.done : outcome.code);
    records.push(rehearsalRecord(rehearsal));
    if (!out.json) for (const line of rehearsalLines(rehearsal, out.paint)) out.line(line);
    out.say(
      good
        ? `${name}: nothing was changed; the real run makes these calls`
        : `${name}: nothing was changed; the real run would stop: ${outcome.message}`,
    );
    if (!good && outcome.hint !== undefined) out.hint(outcome.hint);
  }
  const code = combine(codes);
  if (out.json) out.record({ dryRun: true, rehearsals: records });
  return code;
}

async function rotateAll(
  context: Context,
  config: LoadedConfig,
  names: readonly string[],
  selection: Selection,
  waitUpTo: number,
  expect: string | undefined,
): Promise<ExitCode> {
  const { out, env } = context;
  const [{ rotateSecrets, systemDeps }, { createProgress, silent }] = await Promise.all([
    import('../../../shared/engine/index.ts'),
    import('../progress.ts'),
  ]);
  const expected = expect === undefined ? undefined : await (await import('../rehearsal.ts')).readDryRun(expect, names);
  const progress = out.json ? silent : createProgress(out.stderr, names, env);
  const { signal, done } = interruptible((message) => progress.note(message));
  let begun = false;
  let results;
  try {
    results = await rotateSecrets({
      config,
      names,
      selection,
      waitUpTo,
      env,
      signal,
      deps: systemDeps,
      ...(expected === undefined ? {} : { expected }),
      onEvent: (event) => {
        begun ||= event.rotationId !== undefined;
        progress.event(event);
      },
    });
  } finally {
    progress.stop();
    done();
  }
  if (results === undefined) {
    if (out.json) out.record({ interrupted: true });
    out.say(begun ? 'interrupted between two steps; the journal holds what was done' : 'interrupted before anything was done');
    if (begun) out.hint(`go on with: keywheel rotate ${names.join(' ')} --resume`);
    return EXIT.interrupted;
  }
  const outcomes = results.map((result) => outcomeOf(result, selection.mode !== 'due', when(Date.now())));
  const code = combine(outcomes.map((outcome) => outcome.code));
  if (out.json) out.record({ results });
  for (const [index, outcome] of outcomes.entries()) {
    out.say(outcome.message);
    if (outcome.hint !== undefined) out.hint(outcome.hint);
    const { missing, secret, status } = results[index] ?? {};
    if (missing === undefined || status !== 'closed') continue;
    if (missing.length === 0) out.say(`${secret}: made the calls that the dry run showed, and no other`);
    else
      out.say(`${secret}: made no call that the dry run did not show; it showed ${missing.length} more: ${missing.join(' | ')}`);
  }
  return code;
}

export const rotate: CommandModule = {
  examples: [
    ['keywheel rotate app/db --dry-run', 'print the exact calls and change nothing'],
    ['keywheel rotate app/db --reason "left the team"', 'rotate now, up to the wait for grace'],
    ['keywheel rotate --due', 'what the schedule asks for and what is open; for cron'],
    ['keywheel rotate app/db --resume --wait', 'go on with an open rotation, to its end'],
  ],
  configure(command) {
    command
      .argument('[names...]', 'the secrets')
      .option('--due', 'all that are due, and open rotations that may go on')
      .option('--resume', 'only open rotations; held and failed steps are looked at now')
      .option('--dry-run', 'print the exact calls and change nothing')
      .option('--expect <file>', 'hold the run to this dry run (--dry-run --json): a call that it does not show is not made')
      .option('--reason <text>', 'why, for the journal')
      .option('--wait', 'wait here until the end, grace too (default: up to 60s)')
      .option('--no-wait', 'return at the first wait');
  },
  async run(context, words, flags) {
    const selection = selectionOf(words, flags);
    const config = await context.config();
    const names = await namesOf(config, words);
    if (flags['dryRun'] === true) return rehearseAll(context, config, names, selection);
    const expect = typeof flags['expect'] === 'string' ? flags['expect'] : undefined;
    return rotateAll(context, config, names, selection, waitOf(flags), expect);
  },
};
