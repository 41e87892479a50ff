/** One thing that is done to a server, and the events that it is to become. */
import type { Answered, Recorder } from './server.ts';

/** No event may hold it. */
export const CANARY = 'canary-3f9a';
export const password = `${CANARY}-password`;
/** The longest lifetime that a server gives by default, in seconds. */
export const DEFAULT_TTL = 768 * 3_600;

/** What one step leaves to the next. */
export interface Kept {
  ann: string;
  app: string;
  role: string;
  secret: string;
  wrapping: string;
  ciphertext: string;
}

export type Work = (bao: Recorder, kept: Kept) => Promise<Answered>;
/** The events are written as `told` writes them. */
export type Step = readonly [does: string, work: Work, ...told: string[]];

export const root =
  (method: string, path: string, body?: unknown): Work =>
  (bao) =>
    bao.ask(method, path, { token: bao.root, body });

/** The workload that logged in by AppRole. */
export const app =
  (method: string, path: string, body?: unknown): Work =>
  (bao, kept) =>
    bao.ask(method, path, { token: kept.app, body });

export const nobody =
  (method: string, path: string, body?: unknown): Work =>
  (bao) =>
    bao.ask(method, path, { body });

/** The same, and something of the answer is kept. */
export const keeping =
  (work: Work, take: (kept: Kept, answer: Answered) => void): Work =>
  async (bao, kept) => {
    const answer = await work(bao, kept);
    take(kept, answer);
    return answer;
  };
