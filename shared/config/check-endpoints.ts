import { isLoopback } from './loopback.ts';
import type { Path, Problem } from './problem.ts';
import type { Config } from './schema.ts';

/** Every address that secrets or credentials are sent to. Cleartext is for this machine only. */
export function checkEndpoints(config: Config): Problem[] {
  const problems: Problem[] = [];
  const check = (address: string | undefined, at: Path): void => {
    if (address === undefined) return;
    const url = URL.canParse(address) ? new URL(address) : undefined;
    if (url === undefined) problems.push({ path: at, message: 'is no address; write one such as https://host:8443' });
    else if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
      problems.push({ path: at, message: 'is http: on a network it would show secrets to who listens; use https' });
    }
  };
  const { state } = config;
  if (state.kind === 'dynamodb') check(state.endpoint, ['state', 'endpoint']);
  if (state.kind === 'azure-tables') check(state.url, ['state', 'url']);
  for (const [name, store] of Object.entries(config.stores)) {
    const at = ['stores', name];
    if (store.kind === 'aws' || store.kind === 'gcp') check(store.endpoint, [...at, 'endpoint']);
    if (store.kind === 'azure') check(store.vaultUrl, [...at, 'vaultUrl']);
    if (store.kind === 'vault') check(store.address, [...at, 'address']);
  }
  check(config.manual?.jwksUri, ['manual', 'jwksUri']);
  for (const [name, { target }] of Object.entries(config.secrets)) {
    const at = ['secrets', name, 'target'];
    if (target.kind === 'aws-iam-key') check(target.endpoint, [...at, 'endpoint']);
    if (target.kind === 'http') check(target.baseUrl, [...at, 'baseUrl']);
  }
  return problems;
}
