/** The page of detectors, made from the catalog. */
import { CATALOG, FAMILIES, type DetectorSpec, type Family } from '../shared/detectors/index.ts';

const NAMES: Readonly<Record<Family, string>> = {
  N: 'Novelty',
  V: 'Volume',
  S: 'Sweep',
  A: 'Authentication',
  T: 'Time',
  I: 'Identity and network',
  P: 'Privilege and configuration',
  L: 'Log integrity',
  D: 'Deception',
  X: 'Across',
};

const HEAD = `# Detectors

Made from \`shared/detectors\` by \`npm run schemas\`. Every detector can be switched off and tuned under \`audit.detectors\` in \`keywheel.yaml\`:

\`\`\`yaml
audit:
  detectors:
    S1: { distinct: 12 }
    V3: { enabled: false }
    N4: { cap: 6 }
\`\`\`

Bits are of surprise: -log2 of how probable this or worse is. *Cap* is the most that a detector gives; *floor* is the least score of an event on which it
fires. How bits become a score is in [scoring](guides/score.md).
`;

const row = ([id, spec]: [string, DetectorSpec]): string => {
  const params = Object.entries(spec.params)
    .map(([name, value]) => `\`${name}: ${value}\``)
    .join(' ');
  const signal = spec.signal === undefined ? '' : ` (the signal “${spec.signal}”)`;
  const off = spec.enabled === false ? ' Off by default.' : '';
  return `| ${id} | ${spec.title}: ${spec.what}${signal}.${off} | ${spec.cap} | ${spec.floor ?? ''} | ${params} | ${spec.attack.join(' ')} |`;
};

export function detectorsPage(): string {
  const parts = FAMILIES.map((family) => {
    const rows = Object.entries(CATALOG as Readonly<Record<string, DetectorSpec>>).filter(([, spec]) => spec.family === family);
    return `\n## ${family}: ${NAMES[family]}\n\n| | what | cap | floor | tunable | ATT&CK |\n| --- | --- | --- | --- | --- | --- |\n${rows.map(row).join('\n')}\n`;
  });
  return HEAD + parts.join('');
}
