/**
 * What changes accounts. Every effect is one transaction: take the accounts' locks, read the marks again, and only if they are what the
 * decision was made on, set the verifier and the mark together. A crash leaves all of it or nothing.
 */
import { KeywheelError } from '../../errors.ts';
import type { CredentialId, Slot, Stamp } from '../port.ts';
import type { Admin, Row, Sql } from './admin.ts';
import { ADOPTED, NONE, ownedByOther, ownerOf, parseComment, renderComment, takeOver, type Comment, type Mark } from './mark.ts';
import { beginStatements, changeStatements, commentsStatement, literal, lockStatement, tell, type Change } from './statements.ts';
import { endSessions } from './sessions.ts';

export interface EffectContext {
  readonly admin: Admin;
  readonly accounts: readonly string[];
  readonly statementTimeout: number;
  /** Comments that a rehearsal would have written, by account. */
  readonly rehearsed: Map<string, string>;
}

type Comments = ReadonlyMap<string, string | null>;
type Marks = ReadonlyMap<Slot, Comment>;
const ATTEMPTS = 5;

const markOf = (stamp: Stamp, credential: string): Mark => ({
  installation: stamp.installation,
  secret: stamp.secret,
  credential,
  fence: stamp.fence,
});

export async function applyVerifier(context: EffectContext, slot: Slot, verifier: string, stamp: Stamp): Promise<void> {
  await change(context, stamp, `setting the password of ${slot}`, (marks) => [
    { account: slot, verifier, human: humanOf(marks, slot), mark: markOf(stamp, stamp.rotationId) },
  ]);
}

/** Raises the fence on every pinned account, so that no effect of an earlier lease can follow. */
export async function raiseFence(context: EffectContext, stamp: Stamp): Promise<void> {
  await change(context, stamp, `raising the fence of ${context.accounts.join(', ')}`, (marks) =>
    context.accounts.map((account) => {
      const { human, mark } = marks.get(account) ?? { human: '' };
      return { account, human, mark: { ...(mark ?? markOf(stamp, ADOPTED)), fence: stamp.fence } };
    }),
  );
}

/** True when the credential is ended; false when it was dead already by somebody else's hand and nothing was changed. */
export async function retireCredential(
  context: EffectContext,
  id: CredentialId,
  stamp: Stamp,
  seen: 'accepted' | 'refused',
  unknowable: () => string,
): Promise<boolean> {
  let mine = true;
  await change(context, stamp, `retiring ${id.key} of ${id.slot}`, (marks) => {
    const mark = marks.get(id.slot)?.mark;
    const begun = mark?.credential === NONE && mark.retired === id.key;
    if (seen === 'refused') {
      // Begun before: only its sessions may be left. Otherwise dead by another hand: what the slot holds now may be somebody's live credential.
      mine = begun;
      return [];
    }
    // Retired once and accepted all the same: a person, or AWS's template, set the password after us and left our mark as it was.
    if (!begun && (mark?.credential ?? ADOPTED) !== id.key) throw mismatch(id, mark);
    const next: Mark = { ...markOf(stamp, NONE), retired: id.key };
    return [{ account: id.slot, verifier: unknowable(), human: humanOf(marks, id.slot), mark: next }];
  });
  if (mine) await endSessions(context.admin, id.slot, context.statementTimeout);
  return mine;
}

function mismatch(id: CredentialId, mark: Mark | undefined): KeywheelError {
  const holds =
    mark === undefined
      ? 'carries no mark'
      : `records credential ${mark.credential}${mark.retired === undefined ? '' : ` (retired ${mark.retired})`}`;
  return new KeywheelError(
    'ERR_TARGET_MISMATCH',
    `${id.slot} was not retired, it ${holds} where the journal recorded ${id.key}`,
    {
      hint: 'somebody else set this account’s password or comment; find out who, then rotate again',
      subject: id.slot,
    },
  );
}

const humanOf = (marks: Marks, account: string): string => marks.get(account)?.human ?? '';

/** Compare-and-set over the comments of all pinned accounts: decides on what was read, acts only if it still holds. */
async function change(
  context: EffectContext,
  stamp: Stamp,
  what: string,
  decide: (marks: Marks) => readonly Change[],
): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const comments = await readComments(context);
    const changes = decide(admit(context.accounts, comments, stamp));
    if (changes.length === 0) return;
    const head = [...beginStatements(context.statementTimeout), lockStatement(context.accounts)];
    const compare = commentsStatement(context.accounts);
    const body = changes.flatMap(changeStatements);
    const told = tell([...head, compare, ...body, { sql: 'COMMIT', told: 'COMMIT' }]);
    const done = await context.admin.effect(
      told,
      what,
      async (sql: Sql) => {
        for (const statement of head) await sql(statement.sql);
        if (!sameComments(comments, byRole(await sql(compare.sql)))) {
          await sql('ROLLBACK');
          return false;
        }
        for (const statement of body) await sql(statement.sql);
        await sql('COMMIT');
        return true;
      },
      () => {
        for (const each of changes) context.rehearsed.set(each.account, renderComment(each.human, each.mark));
        return true;
      },
    );
    if (done) return;
  }
  throw new KeywheelError('ERR_TARGET_FAILED', `${what} failed, the comments of the accounts changed each time they were read`, {
    retryable: true,
  });
}

const byRole = (rows: readonly Row[]): Comments =>
  new Map(rows.map((row) => [String(row['rolname']), row['comment'] === null ? null : String(row['comment'])]));

const sameComments = (left: Comments, right: Comments): boolean =>
  left.size === right.size && [...left].every(([role, comment]) => right.has(role) && right.get(role) === comment);

async function readComments(context: EffectContext): Promise<Comments> {
  const { accounts } = context;
  const rows = await context.admin.read(`read the comments of roles ${accounts.join(', ')}`, (sql) =>
    sql(commentsStatement(accounts).sql),
  );
  const comments = new Map(byRole(rows));
  for (const [account, comment] of context.rehearsed) if (comments.has(account)) comments.set(account, comment);
  return comments;
}

/** ERR_TARGET_OWNED, ERR_FENCE_STALE: judged over all accounts, since a decision about one of them rests on the others. */
function admit(accounts: readonly string[], comments: Comments, stamp: Stamp): Marks {
  const marks = new Map<Slot, Comment>();
  for (const account of accounts) {
    const text = comments.get(account);
    if (text === undefined) {
      throw new KeywheelError('ERR_TARGET_MISMATCH', `role ${account} does not exist, so nothing was changed`, {
        hint: 'keywheel doctor prints the statements that set the accounts up',
        subject: account,
      });
    }
    const { human, mark } = parseComment(account, text);
    if (mark !== undefined && ownedByOther(mark, stamp)) {
      throw new KeywheelError('ERR_TARGET_OWNED', `role ${account} is rotated by ${ownerOf(mark)}, so nothing was changed`, {
        hint: takeOver(account, human, literal),
        subject: account,
      });
    }
    if (mark !== undefined && mark.fence > stamp.fence) {
      throw new KeywheelError(
        'ERR_FENCE_STALE',
        `a later worker has acted on role ${account} (fence ${mark.fence}, ours ${stamp.fence}), so nothing was changed`,
        {
          hint: 'nothing to do: the later worker goes on',
          subject: account,
        },
      );
    }
    marks.set(account, mark === undefined ? { human } : { human, mark });
  }
  return marks;
}
