import { describe, expect, it } from 'vitest';
import { openReport } from '../../shared/audit/report/index.ts';
import { findBrowser, look } from './browser.ts';
import { HOSTILE, incident, reason, SUMMARY } from './incident.ts';
import { event, HOUR, MONDAY } from './scenes.ts';

const browser = findBrowser();
const required = process.env['CI'] === 'true' || process.env['KEYWHEEL_PEERS'] === 'required';

function page(): string {
  const report = openReport({ format: 'html', explain: false, width: 80 });
  const context = { tier: 'ordinary', kind: 'workload', deniedOnly: false } as const;
  HOSTILE.forEach((text, at) => {
    const one = event({
      at: MONDAY + at * HOUR,
      by: { id: text, name: text },
      secret: [{ key: text, name: text }],
      account: text,
    });
    report.seen({ event: one, reasons: [], verdict: { score: at * 5, bits: 0, floor: 0 }, context });
  });
  const incidents = HOSTILE.map((text, at) =>
    incident({
      id: String(at).padStart(16, '0'),
      title: text,
      principal: { id: text, name: text, kind: 'unknown' },
      secrets: [text],
      account: text,
      reasons: [reason({ observed: text, expected: text })],
      sampleEvents: [text],
    }),
  );
  return [...report.done(incidents, SUMMARY)].join('');
}

describe.skipIf(browser === undefined && !required)(
  `the report in a browser${browser === undefined ? ' (Chromium is missing)' : ''}`,
  () => {
    it('loads without a message, and hostile names make no element', async () => {
      const { dom, messages } = await look(browser ?? 'chromium', page());

      expect(messages).toEqual([]);
      expect(dom).not.toMatch(/<(?:script|img|iframe|object)\b/i);
      expect(dom.match(/<details/g)).toHaveLength(HOSTILE.length);
      expect(dom.match(/<svg class="chart"/g)).toHaveLength(2);
      // The one style sheet, which the policy names by its hash, and which was not refused.
      expect(dom.match(/<style>/g)).toHaveLength(1);
    });

    it('would have told of a script, and refuses it', async () => {
      const bad = page().replace('</main>', '<script>document.title = "owned"</script><img src="http://192.0.2.1/x.png"></main>');

      const { dom, messages } = await look(browser ?? 'chromium', bad);

      expect(messages.length).toBeGreaterThanOrEqual(2);
      expect(messages.join('\n')).toContain('Content Security Policy');
      expect(dom).not.toContain('<title>owned');
    });
  },
);
