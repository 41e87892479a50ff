import { it, vi } from 'vitest';
import { startGcp } from './cloud-stores.ts';
import { httpGrounds } from './cloud-targets.ts';
import { cloudMatrix } from './cloud-world.ts';
import { runMatrix, told } from './matrix.ts';
import { KEYS } from './cell.ts';
it('x', async () => {
  const c = await startGcp();
  for (const [k, v] of Object.entries(c.env)) vi.stubEnv(k, v);
  const t = await runMatrix(cloudMatrix(c, await httpGrounds()), KEYS[0]!, { lanes: 6 });
  console.log(told(t));
  console.log(t.violations.join('\n'));
}, 600_000);
