/** Peers for who cannot go on without them. */
import { KeywheelError } from '../../../shared/errors.ts';
import { peer, type PeerName, type Peers } from '../../peers/index.ts';

/** How to start a peer. @throws ERR_MISSING_PEER with the reason */
export async function needed<N extends PeerName>(
  name: N,
): Promise<(options: Peers[N]['options']) => Promise<Peers[N]['running']>> {
  const found = await peer(name);
  if (found.available) return found.start;
  throw new KeywheelError('ERR_MISSING_PEER', `the peer ${name} is missing, ${found.reason}`, {
    hint: 'test/peers/README.md says where peers come from',
  });
}
