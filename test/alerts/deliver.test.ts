/** Who is told what, how often, and what becomes of alerts that a channel does not take. */
import { describe, expect, it } from 'vitest';
import { acknowledge, deliver, deliverKept, type Channel } from '../../shared/alerts/index.ts';
import type { Alert } from '../../shared/audit/index.ts';
import { KeywheelError } from '../../shared/errors.ts';
import { alertScene, alertWith, START, type AlertScene } from './scene.ts';

interface FakeChannel extends Channel {
  readonly taken: string[];
  failing: Error | undefined;
}

function fakeChannel(name: string, from: Channel['from'] = 'medium'): FakeChannel {
  const channel: FakeChannel = {
    kind: 'webhook',
    name,
    from,
    taken: [],
    failing: undefined,
    async send({ id, rev }: Alert) {
      if (channel.failing !== undefined) throw channel.failing;
      channel.taken.push(`${id} ${rev}`);
    },
  };
  return channel;
}

const unavailable = () => new KeywheelError('ERR_ALERT_UNAVAILABLE', 'b does not answer', { retryable: true });
const outbox = ({ core }: AlertScene): string[] => [...core.records.keys()].filter((key) => key.startsWith('audit/outbox/'));

describe('deliver', () => {
  it('tells each channel from its own band on', async () => {
    const scene = alertScene();
    const [all, pages] = [fakeChannel('all', 'low'), fakeChannel('pages', 'critical')];

    const result = await deliver([all, pages], [alertWith()], { deps: scene.deps });

    expect(result).toEqual({ delivered: 1, missed: [] });
    expect([all.taken, pages.taken]).toEqual([['0123456789abcdef 1'], []]);
  });

  it('tells a revision once, however often it is given', async () => {
    const scene = alertScene();
    const channel = fakeChannel('a');
    for (let turn = 0; turn < 3; turn += 1) await deliver([channel], [alertWith()], { deps: scene.deps });
    await deliver([channel], [alertWith({ rev: 2 })], { deps: scene.deps });
    await deliver([channel], [alertWith({ rev: 1 })], { deps: scene.deps });

    expect(channel.taken).toEqual(['0123456789abcdef 1', '0123456789abcdef 2']);
  });

  it('does not let one channel’s failure keep others from being told, and keeps the alert for that one', async () => {
    const scene = alertScene();
    const [a, b, c] = [fakeChannel('a'), fakeChannel('b'), fakeChannel('c')];
    b.failing = unavailable();

    const result = await deliver([a, b, c], [alertWith()], { deps: scene.deps });
    b.failing = undefined;
    const later = await deliverKept([a, b, c], { deps: scene.deps });

    expect(result).toMatchObject({
      delivered: 2,
      missed: [{ incident: '0123456789abcdef', channel: 'b', error: { code: 'ERR_ALERT_UNAVAILABLE' } }],
    });
    expect(later).toEqual({ delivered: 1, missed: [] });
    expect([a.taken.length, b.taken.length, c.taken.length]).toEqual([1, 1, 1]);
    expect(outbox(scene)).toEqual([]);
  });

  it('keeps the newest revision of what was not taken, and goes on failing without losing it', async () => {
    const scene = alertScene();
    const channel = fakeChannel('b');
    channel.failing = unavailable();
    for (const rev of [1, 3, 2]) await deliver([channel], [alertWith({ rev })], { deps: scene.deps });
    const still = await deliverKept([channel], { deps: scene.deps });
    channel.failing = undefined;
    await deliverKept([channel], { deps: scene.deps });

    expect(still.missed).toHaveLength(1);
    expect(channel.taken).toEqual(['0123456789abcdef 3']);
    expect(outbox(scene)).toEqual([]);
  });

  it('keeps what there is no time for', async () => {
    const scene = alertScene();
    const channel = fakeChannel('a');

    const result = await deliver([channel], [alertWith()], { deps: scene.deps, signal: AbortSignal.abort() });

    expect(result.missed).toMatchObject([
      { error: { code: 'ERR_ALERT_UNAVAILABLE', message: 'a was not told, the function’s time was up' } },
    ]);
    expect(outbox(scene)).toEqual(['audit/outbox/0123456789abcdef']);
  });

  it('does not send beside another worker that is sending the same incident', async () => {
    const scene = alertScene();
    const channel = fakeChannel('a');
    scene.core.acquire('audit/sending/0123456789abcdef', 'another', 60_000);

    const result = await deliver([channel], [alertWith()], { deps: scene.deps });

    expect(channel.taken).toEqual([]);
    expect(result.missed).toMatchObject([{ error: { message: 'a was not told, another worker is sending it' } }]);
    expect(outbox(scene)).toHaveLength(1);
  });

  it('tells nothing of an error that is not ours', async () => {
    const scene = alertScene();
    const channel = fakeChannel('a');
    channel.failing = new TypeError('body: {"token":"hvs.material"}');

    const { missed } = await deliver([channel], [alertWith()], { deps: scene.deps });

    expect(missed[0]?.error).toMatchObject({
      code: 'ERR_ALERT_FAILED',
      message: 'a did not take an alert, an unexpected TypeError',
    });
    expect(missed[0]?.error.cause).toBeUndefined();
  });

  it('leaves nothing behind where no channel wants the alert', async () => {
    const scene = alertScene();
    const result = await deliver([fakeChannel('a', 'critical')], [alertWith()], { deps: scene.deps });

    expect(result).toEqual({ delivered: 0, missed: [] });
    expect(scene.core.writes).toBe(0);
  });
});

describe('an acknowledgement', () => {
  it('is recorded for a day, and once for one press', async () => {
    const { state } = alertScene();
    const first = await acknowledge(state, '0123456789abcdef', { by: 'U0123456789', at: START });
    const again = await acknowledge(state, '0123456789abcdef', { by: 'U0123456789', at: START });

    expect(first).toEqual({ acknowledgement: { by: 'U0123456789', at: START, until: START + 86_400_000 }, recorded: true });
    expect(again.recorded).toBe(false);
    expect((await state.get('audit/ack/0123456789abcdef'))?.value).toEqual(first.acknowledgement);
  });
});
