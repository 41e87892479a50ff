/**
 * What OpenBao's static role does around a rotation, observed from outside: how long the stored and the accepted password differ, and
 * what is left when two rotations meet or the server dies in the middle. Counted, never assumed: docs/decisions/0007 tells the results.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { postgresConnect } from '../helpers/load.ts';
import type { Credential } from '../helpers/load.ts';
import type { OpenBao, OpenBaoClient } from '../peers/index.ts';
import { configureStaticRole, median, readStaticCredential, rotateStaticRole } from './rival.ts';
import type { PostgresAdmin } from './rival.ts';

export interface Subject {
  readonly pg: PostgresAdmin;
  readonly account: string;
}

export interface Window {
  /** Milliseconds for each rotation from the first refusal of the stored password to the first acceptance; 0 where none was seen. */
  readonly refusedMs: readonly number[];
  readonly medianMs: number;
  readonly maxMs: number;
}

/** What the stored password was worth after each turn. */
export interface Aftermath {
  readonly turns: number;
  /** Turns after which PostgreSQL refused the password that OpenBao hands out. */
  readonly refused: number;
  /** Of those, the ones that were still refused after `patienceMs`. */
  readonly stillRefused: number;
  /** Rotation requests that were answered with an error, by the server's words. */
  readonly errors: ReadonlyMap<string, number>;
}

/** Reads the stored credential and logs in with it, without a pause, all through each rotation. */
export async function observeWindow(bao: OpenBao, subject: Subject, turns: number): Promise<Window> {
  await configureStaticRole(bao.client, subject.pg, subject.account);
  const refusedMs: number[] = [];
  for (let turn = 0; turn < turns; turn++) {
    const answered = new AbortController();
    let from: number | undefined;
    let until: number | undefined;
    const rotation = rotateStaticRole(bao.client).finally(() => answered.abort());
    do {
      const accepted = await accepts(subject.pg, await readStaticCredential(bao.client));
      if (!accepted) from ??= performance.now();
      else if (from !== undefined) until ??= performance.now();
    } while (!answered.signal.aborted || (from !== undefined && until === undefined));
    await rotation;
    refusedMs.push((until ?? 0) - (from ?? 0));
  }
  return { refusedMs, medianMs: median(refusedMs), maxMs: Math.max(...refusedMs) };
}

/** Sends two `rotate-role` requests at once, as a caller that gave up waiting and tried again would. */
export async function observeTwoAtOnce(bao: OpenBao, subject: Subject, turns: number, patienceMs: number): Promise<Aftermath> {
  await configureStaticRole(bao.client, subject.pg, subject.account);
  const tally = new Tally(subject.pg, patienceMs);
  for (let turn = 0; turn < turns; turn++) {
    const answers = await Promise.allSettled([rotateStaticRole(bao.client), rotateStaticRole(bao.client)]);
    await tally.take(bao.client, answers);
  }
  return tally;
}

/** Kills the server at a different moment of each rotation and starts it again. The last handle that it had is returned for stopping. */
export async function observeCrash(
  bao: OpenBao,
  subject: Subject,
  momentsMs: readonly number[],
  patienceMs: number,
): Promise<{ aftermath: Aftermath; bao: OpenBao }> {
  await configureStaticRole(bao.client, subject.pg, subject.account);
  const tally = new Tally(subject.pg, patienceMs);
  let server = bao;
  for (const moment of momentsMs) {
    const rotation = Promise.allSettled([rotateStaticRole(server.client)]);
    await delay(moment);
    server = await server.crash();
    await tally.take(server.client, await rotation);
  }
  return { aftermath: tally, bao: server };
}

class Tally implements Aftermath {
  turns = 0;
  refused = 0;
  stillRefused = 0;
  readonly errors = new Map<string, number>();
  readonly #pg: PostgresAdmin;
  readonly #patienceMs: number;

  constructor(server: PostgresAdmin, patienceMs: number) {
    this.#pg = server;
    this.#patienceMs = patienceMs;
  }

  async take(client: OpenBaoClient, answers: readonly PromiseSettledResult<void>[]): Promise<void> {
    this.turns++;
    for (const answer of answers) {
      if (answer.status === 'fulfilled') continue;
      const words = answer.reason instanceof Error ? answer.reason.message : 'unknown';
      this.errors.set(words, (this.errors.get(words) ?? 0) + 1);
    }
    if (await accepts(this.#pg, await readStaticCredential(client))) return;
    this.refused++;
    await delay(this.#patienceMs);
    if (await accepts(this.#pg, await readStaticCredential(client))) return;
    this.stillRefused++;
    // One more rotation, alone, so that the next turn begins sound.
    await rotateStaticRole(client);
  }
}

/** False only for a refused password; anything else that goes wrong is an error. */
async function accepts(server: PostgresAdmin, credential: Credential): Promise<boolean> {
  try {
    const session = await postgresConnect(server)(credential);
    await session.close();
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code === '28P01') return false;
    throw error;
  }
}
