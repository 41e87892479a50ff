/** Processes of their own over HTTPS, with the SDK's own trust and login: a managed identity, as Azure Functions gives it. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startKeyVault } from '../peers/azure/key-vault/server.ts';
import type { KeyVault } from '../peers/azure/key-vault/server.ts';

/** Under a name that is no vault's. */
const IMPOSTOR = 'vault.impostor.example';
let vault: KeyVault;
beforeAll(async () => {
  vault = await startKeyVault({ tls: true, names: [IMPOSTOR] });
  vault.set('app-db', JSON.stringify({ username: 'app_a' }));
});
afterAll(() => vault.stop());

const stores = path.resolve(import.meta.dirname, '../../shared/stores/index.ts');
const fakes = path.resolve(import.meta.dirname, '../contract/fakes.ts');
const harness = path.resolve(import.meta.dirname, '../contract/harness.ts');
const open = (vaultUrl: string) => `
  const { openStore, openReader } = await import(${JSON.stringify(stores)});
  const { fakeStateHarness } = await import(${JSON.stringify(fakes)});
  const { realRandom } = await import(${JSON.stringify(harness)});
  const { openGate, systemClock } = await import(${JSON.stringify(path.resolve(import.meta.dirname, '../../shared/deps.ts'))});
  const states = await fakeStateHarness.open();
  const config = { kind: 'azure', vaultUrl: ${JSON.stringify(vaultUrl)}, pendingSuffix: '--pending' };
  const deps = { clock: systemClock, random: realRandom, gate: openGate(), state: () => states.second() };
  const store = await openStore(config, deps);`;

async function run(script: string, env: Readonly<Record<string, string>>): Promise<unknown> {
  const say = (expression: string) => `console.log(JSON.stringify(${expression}));`;
  const whole = `try { ${script} } catch (error) { ${say('{ code: error.code, message: error.message }')} }`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', whole], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', AZURE_TOKEN_CREDENTIALS: 'prod', ...env },
  });
  return JSON.parse(await text(child.stdout)) as unknown;
}

it('rotates and reads with the identity of its host', async () => {
  const said = await run(
    `${open(vault.url)}
    const { revision } = await store.describe('app-db');
    const ref = await store.stage('app-db', { username: 'app_b' }, 'r-1');
    const state = await store.publish('app-db', ref.id, revision);
    const reader = await openReader(config);
    console.log(JSON.stringify([Object.keys(state.labels), (await reader.current('app-db')).value]));`,
    vault.env,
  );
  expect(said).toEqual([['current', 'previous'], { username: 'app_b' }]);
  expect(vault.identity.issued).toBeGreaterThan(0);
});

it('does not believe a server whose certificate nobody vouches for, and sends it no token', async () => {
  const issued = vault.identity.issued;
  const { NODE_EXTRA_CA_CERTS: _, ...env } = vault.env;
  const said = await run(`${open(vault.url)} await store.describe('app-db');`, env);
  expect(said).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', message: expect.stringContaining('cannot be reached') });
  expect(vault.identity.issued).toBe(issued);
});

it('asks for no token for an address that is no Key Vault, whatever its challenge says', async () => {
  const issued = vault.identity.issued;
  const astray = `
    const { default: dns } = await import('node:dns');
    const { lookup } = dns;
    dns.lookup = (name, ...rest) => lookup(name === '${IMPOSTOR}' ? '127.0.0.1' : name, ...rest);`;
  const said = await run(`${astray}${open(`https://${IMPOSTOR}:${vault.port}`)} await store.describe('app-db');`, vault.env);
  expect(said).toMatchObject({ code: 'ERR_STORE_LOGIN', message: expect.stringContaining('another service than Key Vault') });
  expect(vault.identity.issued).toBe(issued);
});

it('says that the environment asks for an identity of no known kind', async () => {
  const said = await run(open(vault.url), { ...vault.env, AZURE_TOKEN_CREDENTIALS: 'nonsense' });
  expect(said).toMatchObject({ code: 'ERR_STORE_LOGIN', message: expect.stringContaining('unknown kind') });
});

it('says that no identity is there', async () => {
  const { NODE_EXTRA_CA_CERTS = '' } = vault.env;
  const env = { NODE_EXTRA_CA_CERTS, AZURE_TOKEN_CREDENTIALS: 'EnvironmentCredential' };
  const said = await run(`${open(vault.url)} await store.describe('app-db');`, env);
  expect(said).toMatchObject({ code: 'ERR_STORE_LOGIN', message: expect.stringContaining('no Azure identity') });
});
