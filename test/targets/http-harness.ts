/** The HTTP target as the guide's examples configure it, over the strict stand-in of each vendor. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { loadConfig, type HttpTargetConfig } from '../../shared/config/index.ts';
import { rehearsalGate, systemClock } from '../../shared/deps.ts';
import type { Call, Gate } from '../../shared/deps.ts';
import { openHttpTarget } from '../../shared/targets/http.ts';
import { realRandom, scratch } from '../contract/harness.ts';
import { losingGate, type KeyTargetHarness } from '../contract/key-target.ts';
import { startVendor, type Vendor, type VendorName } from './http-vendor.ts';

const GUIDE = path.join(import.meta.dirname, '../../docs/guides/api-keys.md');

interface Written {
  readonly secrets: Readonly<Record<string, { readonly target: Readonly<Record<string, unknown>> }>>;
}

/** Every YAML block of the guide that configures secrets, as it is written there. */
export async function guideExamples(): Promise<Written[]> {
  const blocks = [...(await readFile(GUIDE, 'utf8')).matchAll(/```yaml\n([^]*?)```/g)].map((found) => found[1] ?? '');
  return blocks.flatMap((block) => parseAllDocuments(block).map((each) => each.toJS() as Written));
}

/** Loads configuration as a user's file would be: errors and defaults are the real ones. */
export async function load(written: Written) {
  const folder = scratch();
  try {
    const file = path.join(folder.path, 'keywheel.yaml');
    const whole = {
      version: 1,
      state: { kind: 'sqlite', path: 'state.db' },
      stores: { main: { kind: 'local', path: 'store.db', keyEnv: 'STORE_KEY' } },
      ...written,
    };
    await writeFile(file, stringify(whole));
    return await loadConfig(file);
  } finally {
    folder.remove();
  }
}

/** The guide's example for a vendor, pointed at a stand-in. */
export async function configFor(name: VendorName, url: string, change: Record<string, unknown> = {}): Promise<HttpTargetConfig> {
  const secret = `prod/app/${name}`;
  const example = (await guideExamples()).find((each) => Object.hasOwn(each.secrets, secret))?.secrets[secret];
  const base = new URL(String(example?.target['baseUrl']));
  const { ca: _ca, ...target } = example?.target ?? {};
  const baseUrl = `${url}${base.pathname === '/' ? '' : base.pathname}`;
  const config = await load({ secrets: { [secret]: { ...example, target: { ...target, limit: 4, ...change, baseUrl } } } });
  const found = config.secrets[secret]?.target;
  if (found?.kind !== 'http') throw new TypeError(`the guide has no example for ${name}`);
  return found;
}

export const openOver = (config: HttpTargetConfig, vendor: Pick<Vendor, 'admin'>, gate: Gate) =>
  openHttpTarget(config, { clock: systemClock, random: realRandom, gate, adminPassword: async () => vendor.admin });

export function httpHarness(name: VendorName): KeyTargetHarness {
  return {
    keepsFence: false,
    recordsKeys: false,
    async open() {
      const vendor = await startVendor(name);
      const adopted = vendor.createByHand('made by hand');
      const config = await configFor(name, vendor.url);
      const calls: Call[] = [];
      const observe = (call: Call) => void calls.push(call);
      let losing = false;
      const gate = losingGate(observe, (call) => {
        const lost = losing && call.text.startsWith('http POST');
        if (lost) losing = false;
        return lost;
      });
      return {
        target: await openOver(config, vendor, gate),
        calls,
        adopted: vendor.valueOf(adopted),
        loseNextMint: () => void (losing = true),
        rehearsal: () => openOver(config, vendor, rehearsalGate(observe)),
        ids: async () => vendor.keys.filter((key) => key.live).map((key) => key.id),
        createByHand: async () => vendor.createByHand('somebody’s key').id,
        use: async (value) => {
          const key = vendor.keys.find((each) => each.id === value['keyId'] && each.live);
          // An hour ahead of any probe: the stand-in's clock stays, the use stands out.
          if (key !== undefined) key.lastUsedAt = Date.now() - 3_600_000;
          return key !== undefined;
        },
        secrets: Object.keys(config.create.value),
        close: async () => {
          await vendor.close();
          if (vendor.complaints.length > 0) throw new Error(`the vendor complains: ${vendor.complaints.join('; ')}`);
        },
      };
    },
  };
}
