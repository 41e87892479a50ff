/**
 * The one place that provisions and starts outside programs for tests.
 *
 *     const bao = await peer('openbao');
 *     if (bao.available) { const running = await bao.start({}); … await running.stop(); }
 *
 * In a test file use `describeWithPeer` (vitest.ts), which also makes the skip visible. README.md says how to add a peer.
 */
import { isKeywheelError } from '../../shared/errors.ts';
import { azurite } from './azurite.ts';
import type { Azurite } from './azurite.ts';
import { chromium } from './chromium.ts';
import type { Chromium } from './chromium.ts';
import { lambda } from './lambda.ts';
import type { Lambda, LambdaOptions } from './lambda.ts';
import { moto } from './moto.ts';
import type { Moto, MotoOptions } from './moto.ts';
import { openbao } from './openbao.ts';
import type { OpenBao, OpenBaoOptions } from './openbao.ts';
import type { Availability, PeerDefinition, Running } from './port.ts';

export type { Availability, Running } from './port.ts';
export { cfnLint, type CfnLint, type LintFinding } from './cfn-lint.ts';
export type { Azurite } from './azurite.ts';
export type { Chromium } from './chromium.ts';
export type { Page } from './chromium-page.ts';
export type { Invocation, Lambda, LambdaOptions } from './lambda.ts';
export type { Moto, MotoOptions } from './moto.ts';
export type { OpenBao, OpenBaoOptions } from './openbao.ts';
export { OpenBaoClient } from './openbao-client.ts';

/** Every peer by name, with what its `start` takes and gives. */
export interface Peers {
  azurite: { options: object; running: Azurite };
  chromium: { options: object; running: Chromium };
  lambda: { options: LambdaOptions; running: Lambda };
  moto: { options: MotoOptions; running: Moto };
  openbao: { options: OpenBaoOptions; running: OpenBao };
}
export type PeerName = keyof Peers;
export type PeerAvailability<N extends PeerName> = Availability<Peers[N]['options'], Peers[N]['running']>;

const registry: { readonly [N in PeerName]: PeerDefinition<Peers[N]['options'], Peers[N]['running']> } = {
  azurite,
  chromium,
  lambda,
  moto,
  openbao,
};

/** Provisions the peer if the cache does not have it yet, which may take some seconds and a package index. Never throws. */
export function peer<N extends PeerName>(name: N): Promise<PeerAvailability<N>> {
  return available<Peers[N]['options'], Peers[N]['running']>(registry[name]);
}

/** What `peer` does for a name, for a definition that the registry does not hold. */
export async function available<Options, Peer extends Running>(
  definition: PeerDefinition<Options, Peer>,
): Promise<Availability<Options, Peer>> {
  try {
    const program = await definition.provision();
    return { available: true, start: (options) => definition.start(program, options) };
  } catch (error) {
    const reason = isKeywheelError(error) ? error.message : `provisioning failed, ${error instanceof Error ? error.message : ''}`;
    return { available: false, reason };
  }
}

/** True where a missing peer must fail the run: in CI, or when `KEYWHEEL_PEERS=required` says so. */
export function peersRequired(env: NodeJS.ProcessEnv = process.env): boolean {
  return env['KEYWHEEL_PEERS'] === 'required' || env['CI'] === 'true';
}
