/** What of a log's text is shown, and what is never. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonOf } from '../../shared/alerts/json.ts';
import { escaped } from '../../shared/alerts/slack/blocks.ts';
import { cut, plain } from '../../shared/alerts/text.ts';
import { hostileAlert } from './scene.ts';

const HMAC = `hmac-sha256:${'0123456789abcdef'.repeat(4)}`;
const CREDENTIALS = [
  `hvs.${'CAESIJ'.repeat(8)}`,
  `hvb.${'AAAAAQ'.repeat(20)}`,
  `s.${'AbCd12'.repeat(4)}`,
  `eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.${'c2ln'.repeat(8)}`,
  `ya29.${'a0AfH6'.repeat(8)}`,
  'xoxb-1234567890-abcdefghij',
  `ghp_${'a1B2c3'.repeat(6)}`,
  '-----BEGIN RSA PRIVATE KEY-----MIIEpAIBAAKCAQEA',
];

describe('text of logs', () => {
  it.each(CREDENTIALS)('never shows a credential: %s', (credential) => {
    const shown = plain(`read by ${credential} at noon`, 500);

    expect(shown).not.toContain(credential);
    expect(shown).toContain('read by <credential>');
    expect(jsonOf(hostileAlert(`x ${credential} y`), 255 * 1024)).not.toContain(credential.slice(0, 20));
  });

  it('shows eight characters of an HMAC', () => {
    expect(plain(`token ${HMAC}`, 500)).toBe('token hmac-sha256:01234567…');
  });

  it.each([
    'arn:aws:secretsmanager:eu-central-1:111122223333:secret:prod/db',
    'https://vault.vault.azure.net/secrets/db',
    'alice@example.com',
  ])('leaves names as they are: %s', (name) => {
    expect(plain(name, 500)).toBe(name);
  });

  it('is one line of characters that are seen, and not longer than asked', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), fc.integer({ min: 2, max: 200 }), (text, most) => {
        const shown = plain(text, most);
        expect(shown.length).toBeLessThanOrEqual(most);
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
        const sent = escaped(text, most);
        expect(sent.length).toBeLessThanOrEqual(most);
        expect(sent).not.toMatch(/[<>]|&(?!(amp|lt|gt);)/);
      }),
    );
  });

  it('is never cut within a character', () => {
    expect(cut('ab𝒳cd', 4)).toBe('ab…');
    expect(escaped('a&&&', 8)).toBe('a&amp;…');
  });

  it('gives the same bytes for the same alert', () => {
    const alert = hostileAlert('x');

    expect(jsonOf(alert, 1 << 20)).toBe(jsonOf(structuredClone(alert), 1 << 20));
    expect(Buffer.byteLength(jsonOf(alert, 2000))).toBeLessThanOrEqual(2000);
  });
});
