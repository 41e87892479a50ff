/** A host process that is started at once, and again when it is asked for after it was killed. Its log is kept. */
import type { Output } from './cloud.ts';

interface Host {
  log(): Promise<string>;
  /** SIGKILL; gives what was logged. */
  crash(): Promise<string>;
  stop(): Promise<void>;
}

export interface Keeper<H> {
  get(): Promise<H>;
  crash(): Promise<void>;
  output(): Promise<Output[]>;
  stop(): Promise<void>;
}

export function keep<H extends Host>(name: string, start: () => Promise<H>): Keeper<H> {
  const logs: string[] = [];
  let running: Promise<H> | undefined;
  const get = (): Promise<H> => (running ??= start());
  // Whoever asks first sees why it does not start.
  get().catch(() => undefined);
  const take = async (): Promise<H | undefined> => {
    const taken = running;
    running = undefined;
    return taken?.catch(() => undefined);
  };
  return {
    get,
    async crash() {
      const host = await take();
      if (host !== undefined) logs.push(await host.crash());
    },
    async output() {
      const now = running === undefined ? [] : [await (await running).log()];
      return [...logs, ...now].map((text, index) => ({ where: `${name}, process ${index + 1}`, text }));
    },
    async stop() {
      await (await take())?.stop();
    },
  };
}
