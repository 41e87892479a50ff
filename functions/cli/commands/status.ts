import { secretOf, type LoadedConfig } from '../../../shared/config/index.ts';
import { isKeywheelError } from '../../../shared/errors.ts';
import { nextStart, RECORD_VERSION, type RotationRecord, type SecretJournal } from '../../../shared/rotation/index.ts';
import type { Label, SecretState } from '../../../shared/stores/index.ts';
import type { CommandModule, Context } from '../context.ts';
import { EXIT, type ExitCode } from '../../../shared/reply/index.ts';
import { harmless, table, wrap } from '../text.ts';

interface SecretStatus {
  readonly secret: string;
  readonly store: string;
  readonly strategy: string;
  readonly enabled: boolean;
  /** The phase of the open rotation, `held`, or `-`. */
  readonly phase: string;
  readonly labels: SecretState['labels'];
  /** The account that current names; null where that cannot be told. */
  readonly account: string | null;
  readonly rotation: RotationRecord | null;
  readonly lastRotatedAt: number | null;
  /** When the schedule starts the next rotation; null without a schedule or before it has first seen the secret. */
  readonly nextDueAt: number | null;
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string };
}

function open(journal: SecretJournal | undefined): RotationRecord | undefined {
  return journal?.rotation?.phase === 'closed' ? undefined : journal?.rotation;
}

/** A journal of a newer format is not guessed at: what it would say is left out and the reason given. */
function tooNew(journal: SecretJournal | undefined): SecretStatus['error'] {
  if (journal === undefined || journal.schemaVersion <= RECORD_VERSION) return undefined;
  const message = `its journal was written by a newer version of keywheel (format ${String(journal.schemaVersion)})`;
  return { code: 'ERR_STATE_NEWER', message, hint: 'upgrade keywheel' };
}

async function read(
  context: Context,
  config: LoadedConfig,
  name: string,
  written: SecretJournal | undefined,
): Promise<SecretStatus> {
  const newer = tooNew(written);
  const journal = newer === undefined ? written : undefined;
  const [{ openPorts, rotationPolicyOf, systemDeps }, { readingGate }] = await Promise.all([
    import('../../../shared/engine/index.ts'),
    import('../stores.ts'),
  ]);
  const { store, strategy, enabled, schedule } = await secretOf(config, name);
  const rotation = open(journal);
  const nextDueAt =
    schedule === undefined || journal === undefined || !enabled || rotation !== undefined
      ? null
      : nextStart(schedule, journal, await rotationPolicyOf(config, name));
  const known = {
    secret: name,
    store,
    strategy,
    enabled,
    phase: !enabled ? 'disabled' : rotation?.hold === undefined ? (rotation?.phase ?? '-') : 'held',
    rotation: journal?.rotation ?? null,
    lastRotatedAt: journal?.lastRotatedAt ?? null,
    nextDueAt,
  };
  try {
    const ports = await openPorts(config, name, systemDeps, { env: context.env, gate: readingGate });
    try {
      const state = await ports.store.describe(name);
      const current = await ports.store.read(name, 'current');
      const account = current === undefined ? null : ports.target.slotOf(current.value);
      const missing = {
        code: 'ERR_SECRET_NOT_FOUND',
        message: 'is not in its store',
        hint: `keywheel put ${name} --new < value.json`,
      };
      const error = newer ?? (state === undefined ? missing : undefined);
      return { ...known, labels: state?.labels ?? {}, account, ...(error === undefined ? {} : { error }) };
    } finally {
      await ports.close();
    }
  } catch (error) {
    // One store that cannot be read hides nothing of the others.
    if (!isKeywheelError(error)) throw error;
    const { code, message, hint } = error;
    return { ...known, labels: {}, account: null, error: { code, message, ...(hint === undefined ? {} : { hint }) } };
  }
}

const LABELS: readonly Label[] = ['current', 'pending', 'previous'];

/** Minutes in UTC: `2026-12-24 03:00Z`. */
function minute(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')}Z`;
}

function nextText(status: SecretStatus): string {
  if (status.rotation !== null && status.rotation.phase !== 'closed') return `step ${minute(status.rotation.nextAt)}`;
  return status.nextDueAt === null ? '-' : minute(status.nextDueAt);
}

/** A line for each label that a secret has; what belongs to the secret stands in the first. */
function rowsOf(status: SecretStatus): string[][] {
  const labels = LABELS.flatMap((label) => {
    const ref = status.labels[label];
    return ref === undefined ? [] : [[label, ref.id]];
  });
  if (labels.length === 0) labels.push(['-', '-']);
  return labels.map(([label = '', id = ''], index) =>
    (index === 0
      ? [status.secret, status.phase, label, id, status.account ?? '-', nextText(status)]
      : ['', '', label, id, '', '']
    ).map(harmless),
  );
}

/** What needs somebody's attention, in full under the table. */
function troubles(status: SecretStatus): string[] {
  const { rotation } = status;
  const standing = rotation?.phase === 'closed' ? undefined : (rotation?.hold ?? rotation?.failure);
  const kind = rotation?.hold === undefined ? 'failed' : 'held';
  return [
    ...(standing === undefined
      ? []
      : [`${status.secret}: ${kind}: ${standing.message}${standing.hint === undefined ? '' : ` (${standing.hint})`}`]),
    ...(status.error === undefined
      ? []
      : [`${status.secret}: ${status.error.message}${status.error.hint === undefined ? '' : ` (${status.error.hint})`}`]),
  ];
}

export const status: CommandModule = {
  examples: [
    ['keywheel status', 'every secret: phase, versions, account in use, next due'],
    ['keywheel status app/db --json', 'everything that is known of one, with its rotation’s record'],
  ],
  configure(command) {
    command.argument('[names...]', 'the secrets (default: all)');
  },
  async run(context, words) {
    const { out } = context;
    const config = await context.config();
    for (const name of words) await secretOf(config, name);
    const names = words.length === 0 ? Object.keys(config.secrets) : [...new Set(words)];
    const { readJournals } = await import('../journals.ts');
    const { journals } = await readJournals(config, names);
    const all: SecretStatus[] = [];
    for (const name of names) all.push(await read(context, config, name, journals.get(name)));
    const code: ExitCode = all.some(({ error }) => error !== undefined && error.code !== 'ERR_SECRET_NOT_FOUND')
      ? EXIT.failed
      : EXIT.done;
    if (out.json) {
      out.record({ secrets: all });
      return code;
    }
    if (all.length === 0) out.say('no secrets in the configuration');
    else {
      const [head = '', ...lines] = table(
        ['SECRET', 'PHASE', 'LABEL', 'VERSION', 'ACCOUNT', 'NEXT'],
        all.flatMap(rowsOf),
        out.width,
      );
      out.line(out.paint('bold', head));
      for (const line of lines) out.line(line);
    }
    for (const text of all.flatMap(troubles)) for (const line of wrap(harmless(text), out.width, '  ')) out.line(line);
    return code;
  },
};
