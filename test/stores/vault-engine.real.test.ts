/** The engine over the Vault store on a real OpenBao: whole rotations, and a dry run that says what the run then does. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { rehearsalGate } from '../../shared/deps.ts';
import { rehearse, runRotation } from '../../shared/rotation/index.ts';
import type { OpenPorts, RehearsalLine } from '../../shared/rotation/index.ts';
import { openVaultStore } from '../../shared/stores/vault.ts';
import { realRandom } from '../contract/harness.ts';
import type { OpenBao } from '../peers/index.ts';
import { describeWithPeer } from '../peers/vitest.ts';
import { CANARY, scene, SECRET } from '../rotation/scene.ts';
import { openRoom } from './vault-room.ts';
import type { Room } from './vault-room.ts';

const HOUR = 3_600_000;

await describeWithPeer('openbao', 'the engine over the Vault store', (start) => {
  let bao: OpenBao;
  let room: Room;
  beforeAll(async () => {
    bao = await start({});
    await bao.client.write('sys/auth/approle', { type: 'approle' });
    room = await openRoom(bao.client);
    await bao.client.write(`${room.mount}/data/${SECRET}`, { data: { username: 'app_a', password: CANARY, host: 'db' } });
  });
  afterAll(async () => {
    await room.close();
    await bao.stop();
  });

  it('tells in a dry run the writes of the rotation that follows, and rotates there and back', async () => {
    const world = scene();
    const store = await room.open();
    const open: OpenPorts = { ...world.open, store };
    const collected: RehearsalLine[] = [];
    const gate = rehearsalGate((call) => void collected.push(call));
    const dry = await openVaultStore(room.config, { clock: world.clock, random: realRandom, gate, env: room.env });
    const told = await rehearse(
      SECRET,
      world.policy,
      { rehearsing: { store: dry, target: scene().open.target }, live: open, collected },
      true,
      world.clock,
      world.deps.random,
    );
    await dry.close?.();
    expect(told.result.status).toBe('closed');
    expect((await store.describe(SECRET))?.labels).toEqual({ current: expect.objectContaining({ id: 'kv-1' }) as unknown });
    const rotate = () =>
      runRotation(
        SECRET,
        world.policy,
        open,
        { start: true, reason: 'test', resume: false },
        { waitUpTo: 3 * HOUR, holder: 'w1' },
        world.deps,
      );

    const first = await rotate();

    const id = first.rotation?.rotationId ?? '';
    expect(first).toMatchObject({ status: 'closed', rotation: { outcome: 'rotated', staged: { version: `v-${id}` } } });
    const effects = (calls: readonly { kind: string; text: string }[]) =>
      calls.filter((call) => call.kind === 'effect' && call.text.startsWith('vault: ')).map((call) => call.text);
    expect(effects(room.calls)).toEqual(effects(told.lines).map((text) => text.replaceAll('r-new', id)));
    expect((await store.describe(SECRET))?.labels).toMatchObject({ current: { rotationId: id }, previous: { id: 'kv-1' } });
    const second = await rotate();
    expect(second).toMatchObject({ status: 'closed', rotation: { outcome: 'rotated', from: { version: `v-${id}` } } });
    expect((await store.read(SECRET, 'current'))?.value).toMatchObject({ username: 'app_a', host: 'db' });
    expect((await store.read(SECRET, 'previous'))?.rotationId).toBe(id);
    expect(JSON.stringify([room.calls, told, first, second])).not.toContain(CANARY);
  });
});
