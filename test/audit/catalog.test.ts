import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { detectorsPage } from '../../scripts/detectors-page.ts';
import { configSchema } from '../../shared/config/schema.ts';
import { AUDIT_DEFAULTS, settingsOf } from '../../shared/audit/settings.ts';
import { CATALOG, FAMILIES, type DetectorSpec } from '../../shared/detectors/index.ts';

const specs = Object.entries(CATALOG as Readonly<Record<string, DetectorSpec>>);

it('has a page that says what the catalog says now (if not: npm run schemas)', async () => {
  const page = await readFile(path.resolve(import.meta.dirname, '../../docs/detectors.md'), 'utf8');

  expect(page).toBe(detectorsPage());
});

it('names every detector by its family, with an ATT&CK technique and a cap', () => {
  for (const [id, spec] of specs) {
    expect(id.startsWith(spec.family)).toBe(true);
    expect(FAMILIES).toContain(spec.family);
    expect(spec.attack.length).toBeGreaterThan(0);
    for (const technique of spec.attack) expect(technique).toMatch(/^T\d{4}(\.\d{3})?$/);
    expect(spec.cap).toBeGreaterThan(0);
  }
});

it('has the six signals by their names', () => {
  expect(specs.flatMap(([id, { signal }]) => (signal === undefined ? [] : [[signal, id]]))).toEqual(
    [
      ["more than 3x the path's baseline", 'V1'],
      ['repeated failed authentication from one source', 'A1'],
      ['off-hours human access', 'T1'],
      ['unusually long token lifetime', 'P1'],
      ['new address range', 'N4'],
      ['denied outside policy scope', 'A5'],
    ].toSorted(([, a], [, b]) => specs.findIndex(([id]) => id === a) - specs.findIndex(([id]) => id === b)),
  );
});

it('takes what keywheel.yaml says of a detector, and keeps the rest', () => {
  const base = settingsOf();
  const settings = settingsOf({
    ...AUDIT_DEFAULTS,
    // Its parameters are checked by name when the file is read.
    detectors: { S1: { distinct: 12 } as object, V3: { enabled: false }, N4: { cap: 6 } },
  });

  expect(settings.detectors.S1).toEqual({ ...base.detectors.S1, params: { ...base.detectors.S1.params, distinct: 12 } });
  expect(settings.detectors.V3.enabled).toBe(false);
  expect(settings.detectors.N4).toEqual({ ...base.detectors.N4, cap: 6 });
  expect(settings.detectors.A1).toEqual(base.detectors.A1);
});

it('has the same defaults with an empty audit section as without one', () => {
  const { audit } = configSchema.parse({ version: 1, state: { kind: 'sqlite', path: 'x' }, stores: {}, secrets: {}, audit: {} });

  expect(audit).toEqual(AUDIT_DEFAULTS);
});
