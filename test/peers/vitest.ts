/** How a test file asks for a peer. */
import { describe, it } from 'vitest';
import { KeywheelError } from '../../shared/errors.ts';
import { peer, peersRequired } from './index.ts';
import type { PeerAvailability, PeerName, Peers } from './index.ts';

export type Start<N extends PeerName> = (options: Peers[N]['options']) => Promise<Peers[N]['running']>;

/**
 * A `describe` whose tests need a peer; `await` it at the top of the test file. Without the peer its tests are not defined: one test
 * that bears the reason stands in their place, skipped, or failing where peers are required.
 */
export async function describeWithPeer<N extends PeerName>(
  name: N,
  title: string,
  suite: (start: Start<N>) => void,
): Promise<void> {
  const wanted: PeerAvailability<N> = await peer(name);
  if (wanted.available) {
    describe(title, () => suite(wanted.start));
    return;
  }
  const missing = `needs the peer ${name}: ${wanted.reason}`;
  describe(title, () => {
    it.skipIf(!peersRequired())(missing, () => {
      const hint = 'see test/peers/README.md';
      throw new KeywheelError('ERR_MISSING_PEER', `the peer ${name} is missing, ${wanted.reason}`, { hint });
    });
  });
}
