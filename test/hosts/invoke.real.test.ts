/** `npm run invoke`: a sample of events/, given to its function on this machine. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareRoom, type Room } from '../e2e/helpers/room.ts';
import { startPostgres, type Postgres } from '../helpers/postgres.ts';

const root = path.resolve(import.meta.dirname, '../..');
let server: Postgres;
let room: Room;

beforeAll(async () => {
  server = await startPostgres();
  room = await prepareRoom(server, { secrets: ['app/db'], put: 'port' });
  await room.configure(() => undefined);
});
afterAll(async () => {
  await room.close();
  await server.stop();
});

async function invoke(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const options = { cwd: root, env: { ...process.env, ...room.env } };
  return promisify(execFile)(process.execPath, ['scripts/invoke.ts', ...args], options).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
}

describe('npm run invoke', () => {
  it.each(['events/aws/advance-scheduler.json', 'events/gcp/advance-scheduler.json', 'events/azure/advance-timer.json'])(
    'gives %s to its function',
    async (file) => {
      const { code, stdout } = await invoke(file, '--config', room.file('keywheel.yaml'));

      expect(code).toBe(0);
      expect(stdout).toMatch(/"message":"rotation idle"/);
    },
  );

  it('shows what a function says to an event that is not for it', async () => {
    const { code, stderr } = await invoke('events/aws/rotate-unknown-step.json', '--config', room.file('keywheel.yaml'));

    expect(code).toBe(1);
    expect(stderr).toMatch(/^invoke: ERR_EVENT_INVALID: the event names no rotation step/m);
  });

  it('says what it does not know', async () => {
    expect(await invoke()).toMatchObject({ code: 2, stderr: expect.stringMatching(/no sample is named\nhint: /) });
    expect(await invoke('events/aws/nothing.json')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/not in events\/manifest.json/),
    });
  });
});
