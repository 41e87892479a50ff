/** One secret from end to end, looking only: store, target, preflight, a login at each endpoint, clocks, schedule, journal. */
import { formatDuration, policyOf, secretOf, type LoadedConfig, type SecretConfig } from '../../../shared/config/index.ts';
import { RECORD_VERSION, type SecretJournal } from '../../../shared/rotation/index.ts';
import type { SecretValue } from '../../../shared/stores/index.ts';
import {
  supportsReview,
  supportsUsage,
  type Finding,
  type Slot,
  type Stamp,
  type Target,
} from '../../../shared/targets/index.ts';
import type { Context } from '../context.ts';
import { openPorts, systemDeps, type Opened } from '../../../shared/engine/index.ts';
import { openGate } from '../../../shared/deps.ts';
import { readingGate } from '../stores.ts';
import { fail, failed, ok, warn, type Check } from './check.ts';

const SKEW_WARNING = 30_000;

export function checkSchedule(name: string, secret: SecretConfig): Check {
  if (!secret.enabled) return warn(name, 'rotation is disabled', 'set enabled: true to rotate it again');
  const { schedule } = secret;
  if (schedule === undefined) return ok(name, 'no schedule: it rotates only when asked');
  const { graceMs } = policyOf(secret);
  if (schedule.every !== undefined && schedule.every <= graceMs + schedule.jitter) {
    const message = `schedule.every ${formatDuration(schedule.every)} is not longer than grace ${formatDuration(graceMs)} and jitter: rotations would never rest`;
    return warn(name, message, 'raise schedule.every');
  }
  return ok(
    name,
    schedule.every === undefined ? `schedule: cron ${schedule.cron}` : `schedule: every ${formatDuration(schedule.every)}`,
  );
}

export function checkJournal(name: string, journal: SecretJournal | undefined, now: number): Check {
  if (journal !== undefined && journal.schemaVersion > RECORD_VERSION) {
    const message = `its journal was written by a newer version of keywheel (format ${String(journal.schemaVersion)}), so nothing can be rotated`;
    return fail(name, message, 'upgrade keywheel');
  }
  const rotation = journal?.rotation;
  if (rotation !== undefined && rotation.phase !== 'closed') {
    const since = formatDuration(Math.max(0, now - rotation.startedAt));
    if (rotation.hold !== undefined) {
      return fail(
        name,
        `rotation held after ${rotation.phase}: ${rotation.hold.message}`,
        rotation.hold.hint ?? `keywheel rotate ${name} --resume`,
      );
    }
    if (rotation.failure !== undefined) {
      return warn(
        name,
        `rotation failed after ${rotation.phase} and is tried again: ${rotation.failure.message}`,
        `keywheel rotate ${name} --resume`,
      );
    }
    return ok(name, `rotation open for ${since}, ${rotation.phase} is complete`);
  }
  if (journal?.failure !== undefined) {
    return warn(
      name,
      `the last rotation did not come about: ${journal.failure.message}`,
      journal.failure.hint ?? `keywheel rotate ${name} --dry-run`,
    );
  }
  if (journal?.lastRotatedAt === undefined) return ok(name, 'never rotated yet');
  return ok(name, `last rotated ${formatDuration(Math.max(0, now - journal.lastRotatedAt))} ago`);
}

const PROBE_MENDS = {
  refused: (name: string) => `consumers are failing: keywheel put ${name} < value.json`,
  unreachable: () => 'check host, port and firewall',
  tls: () => 'check the server’s certificate and target.tls',
  forbidden: () => 'check that the account may connect to this database from here',
  throttled: () => 'the server has too many connections; try again later',
} as const;

async function checkLogins(name: string, target: Target, value: SecretValue): Promise<Check[]> {
  const checks: Check[] = [];
  for (const endpoint of target.endpoints) {
    const { outcome, detail } = await target.probe(value, endpoint);
    if (outcome === 'accepted') checks.push(ok(name, `current authenticates at ${endpoint}`));
    else checks.push(fail(name, `current at ${endpoint}: ${outcome}: ${detail}`, PROBE_MENDS[outcome](name)));
  }
  return checks;
}

const fromFinding = (name: string, { level, message, hint }: Finding): Check =>
  level === 'error'
    ? fail(name, message, hint ?? `keywheel rotate ${name} --dry-run`)
    : warn(name, message, hint ?? 'see docs/guides');

/** With the admin credential: what would make a rotation unsafe or impossible, and how far the clocks are apart. */
async function checkTarget(name: string, target: Target, from: Slot, installation: string | undefined): Promise<Check[]> {
  const to = target.slots.find((slot) => slot !== from) ?? from;
  // A fence above every real one: preflight only reads, and must not be told that it is behind.
  const stamp: Stamp = {
    installation: installation ?? 'doctor',
    secret: name,
    rotationId: 'doctor',
    fence: Number.MAX_SAFE_INTEGER,
  };
  const checks: Check[] = [];
  try {
    const findings = await target.preflight(from, to, stamp);
    checks.push(ok(name, `admin login to ${target.description}`), ...findings.map((finding) => fromFinding(name, finding)));
    if (supportsUsage(target)) checks.push(await checkClock(name, target, from));
  } catch (error) {
    checks.push(failed(name, error, 'check target.admin'));
  }
  return checks;
}

async function checkClock(
  name: string,
  target: Target & { lastUsed(slot: Slot): Promise<{ at: number }> },
  slot: Slot,
): Promise<Check> {
  const before = systemDeps.clock.now();
  const { at } = await target.lastUsed(slot);
  const after = systemDeps.clock.now();
  const skew = Math.abs(at - (before + after) / 2) - (after - before) / 2;
  if (skew <= SKEW_WARNING) return ok(name, 'clocks of this machine and the target agree');
  return warn(
    name,
    `clocks of this machine and the target differ by ${formatDuration(skew)}`,
    'synchronise both, for example: timedatectl set-ntp true',
  );
}

export interface SecretFacts {
  readonly journal: SecretJournal | undefined;
  /** What names this installation on targets; undefined before the state exists. */
  readonly installation: string | undefined;
}

export async function checkSecret(context: Context, config: LoadedConfig, name: string, facts: SecretFacts): Promise<Check[]> {
  const secret = await secretOf(config, name);
  const checks = [checkSchedule(name, secret), checkJournal(name, facts.journal, systemDeps.clock.now())];
  const opened: Opened[] = [];
  try {
    const looking = await openPorts(config, name, systemDeps, { env: context.env, gate: readingGate });
    opened.push(looking);
    const current = await looking.store.read(name, 'current');
    if (current === undefined) return [...checks, fail(name, 'is not in its store', `keywheel put ${name} --new < value.json`)];
    const slot = looking.target.slotOf(current.value);
    checks.push(ok(name, `current names the pinned account ${slot}`));
    if (supportsReview(looking.target))
      checks.push(...looking.target.review(current.value).map((finding) => fromFinding(name, finding)));
    // Logins are not made by the looking gate, and here they are what is wanted. Nothing below has an effect.
    const real = await openPorts(config, name, systemDeps, { env: context.env, gate: openGate() });
    opened.push(real);
    checks.push(
      ...(await checkTarget(name, real.target, slot, facts.installation)),
      ...(await checkLogins(name, real.target, current.value)),
    );
  } catch (error) {
    checks.push(failed(name, error, `check secrets.${name} in ${config.file}`));
  } finally {
    for (const ports of opened) await ports.close();
  }
  return checks;
}
