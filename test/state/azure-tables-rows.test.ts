/** Keys and values as Table Storage keeps them. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { prepare } from '../../shared/state/azure-tables/check.ts';
import { isMismatch, stateError } from '../../shared/state/azure-tables/errors.ts';
import { decodeKey, encodeKey, rangeOf, rowKey } from '../../shared/state/azure-tables/keys.ts';
import { entityOf, etagOf, live, revisionOf, rowOf, valueOf } from '../../shared/state/azure-tables/rows.ts';

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ unit: fc.constantFrom('a', 'Z', '0', '/', '-', '_', '~', ':', '%', '\u{1f511}', '\uffee', '\0'), maxLength: 12 }),
);
const bytes = (one: string) => Buffer.from(one, 'utf8');

describe('a key', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(text, (key) => {
        expect(decodeKey(encodeKey(key))).toBe(key);
      }),
    );
  });

  it('has none of the characters that Table Storage forbids or mistakes', () => {
    fc.assert(
      fc.property(text, (key) => {
        expect(encodeKey(key)).toMatch(/^[0-9A-Za-z:_~-]*$/);
      }),
    );
  });

  it('is in the same order as before', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        const before = Math.sign(Buffer.compare(bytes(a), bytes(b)));
        const after = encodeKey(a) < encodeKey(b) ? -1 : encodeKey(a) > encodeKey(b) ? 1 : 0;
        expect(after).toBe(before);
      }),
    );
  });

  it('is in the range of a prefix exactly when it has the prefix', () => {
    fc.assert(
      fc.property(text, text, fc.boolean(), (prefix, rest, joined) => {
        const key = joined ? prefix + rest : rest;
        const row = encodeKey(key);
        const { from, until } = rangeOf(prefix);
        expect(row >= from && row < until).toBe(bytes(key).subarray(0, bytes(prefix).length).equals(bytes(prefix)));
      }),
    );
  });

  it('that does not fit is refused in words', () => {
    expect(rowKey(`rotation/${'a'.repeat(256)}`)).toHaveLength(8 + 3 + 256);
    const refusal = (): string => rowKey('\u{1f511}'.repeat(100));
    expect(refusal).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID', message: expect.stringContaining('1200') }));
  });
});

describe('a value', () => {
  const meta = { expiresAt: undefined, nonce: 'n' };
  const through = (value: string) => rowOf({ ...entityOf({ ...meta, text: value }, encodeKey('k')), etag: 'W/"e"' });

  it('of any characters is split into properties that hold it, and comes back', () => {
    const value = `x${'\u{1f511}\u00e9"\\\0\ud800'.repeat(10_000)}`;
    const [prepared] = prepare([{ key: 'k', value, expected: null }]);
    const entity = entityOf({ ...meta, text: prepared?.text }, 'k');
    const parts = Object.entries(entity).filter(([name]) => /^v\d+$/.test(name));

    expect(parts.length).toBeGreaterThan(6);
    for (const [, part] of parts) {
      expect(part.length).toBeLessThanOrEqual(32_000);
      expect(part).toMatch(/^[\x20-\x7e]+$/);
    }
    expect(valueOf(through(prepared?.text ?? ''))).toBe(value);
  });

  it('that is larger than an entity is refused, and so is a transaction larger than a request', () => {
    const full = (message: string) => ({ code: 'ERR_STATE_FULL', message: expect.stringContaining(message) });
    const large = (key: string, length: number) => ({ key, value: 'x'.repeat(length), expected: null });
    expect(() => prepare([large('k', 500_000)])).toThrow(expect.objectContaining(full('larger than Table Storage')));
    const many = Array.from({ length: 11 }, (_, n) => large(`k${n}`, 400_000));
    expect(() => prepare(many)).toThrow(expect.objectContaining(full('its transaction is larger')));
    expect(prepare(many.slice(0, 10))).toHaveLength(10);
  });

  it('of another format, or with a part missing, is refused', () => {
    const entity = entityOf({ ...meta, text: '1' }, 'k');
    const read = (change: Record<string, unknown>) => () => rowOf({ ...entity, etag: 'W/"e"', ...change });
    expect(read({ format: '2' })).toThrow(
      expect.objectContaining({ code: 'ERR_STATE_NEWER', message: expect.stringContaining('newer than 1') }),
    );
    const corrupt = { code: 'ERR_STATE_CORRUPT', message: expect.stringContaining('damaged') };
    expect(read({ format: '' })).toThrow(expect.objectContaining(corrupt));
    expect(read({ v0: undefined })).toThrow(expect.objectContaining(corrupt));
    expect(() => valueOf({ ...through('1'), text: '{' })).toThrow(expect.objectContaining(corrupt));
  });

  it('ends when the clock says so, and its revision with it', () => {
    const row = { key: 'k', text: '1', expiresAt: 10, nonce: 'n', etag: 'W/"e"' };
    expect([live(row, 9), live(row, 10)]).toEqual([row, undefined]);
    expect([etagOf(revisionOf(row), row.key, 9), etagOf(revisionOf(row), row.key, 10)]).toEqual(['W/"e"', undefined]);
    // Rows of one transaction bear one etag: a revision fits its own row only.
    expect(etagOf(revisionOf(row), `${row.key}2`, 9)).toBeUndefined();
    expect(etagOf('stale', row.key, 0)).toBeUndefined();
    expect(etagOf(revisionOf(row).replace(/!.*$/, '!!*'), row.key, 0)).toBeUndefined(); // would match anything
  });
});

describe('an answer of Table Storage', () => {
  const answer = (statusCode: number | undefined, code?: string, name = 'RestError') =>
    Object.assign(new Error('quotes the request: hunter2'), {
      name,
      ...(statusCode === undefined ? {} : { statusCode }),
      ...(code === undefined ? {} : { code }),
      response: { headers: { get: (header: string) => (header === 'x-ms-request-id' ? 'id-1' : undefined) } },
    });

  it.each([
    [401, 'NoAuthenticationInformation', 'ERR_STATE_LOGIN', false],
    [403, 'AuthenticationFailed', 'ERR_STATE_LOGIN', false],
    [403, 'AuthorizationPermissionMismatch', 'ERR_STATE_FORBIDDEN', false],
    [403, 'AuthorizationFailure', 'ERR_STATE_FORBIDDEN', false],
    [404, 'TableNotFound', 'ERR_STATE_FAILED', false],
    [429, undefined, 'ERR_STATE_THROTTLED', true],
    [503, 'ServerBusy', 'ERR_STATE_THROTTLED', true],
    [500, 'OperationTimedOut', 'ERR_STATE_UNAVAILABLE', true],
    [413, 'RequestBodyTooLarge', 'ERR_STATE_FULL', false],
    [400, 'EntityTooLarge', 'ERR_STATE_FULL', false],
    [400, 'InvalidInput', 'ERR_STATE_FAILED', false],
    [undefined, 'ECONNREFUSED', 'ERR_STATE_UNAVAILABLE', true],
  ] as const)('%s %s is %s', (status, code, expected, retryable) => {
    const told = stateError(answer(status, code), 'it failed', 'k', 'keywheel');
    expect(told).toMatchObject({ code: expected, retryable, message: expect.stringContaining('it failed, ') });
    expect(told.message).not.toContain('hunter2');
    expect(told.message).toContain('request id-1');
    expect(told.cause).toBeUndefined();
  });

  it('tells a login that could not be made from one that could not be asked for', () => {
    const code = (error: unknown) => stateError(error, 'it failed', 'k', 't').code;
    expect(code(answer(undefined, undefined, 'CredentialUnavailableError'))).toBe('ERR_STATE_LOGIN');
    expect(code(answer(400, undefined, 'AuthenticationError'))).toBe('ERR_STATE_LOGIN');
    expect(code(answer(503, undefined, 'AuthenticationError'))).toBe('ERR_STATE_UNAVAILABLE');
  });

  it('tells a condition that did not hold from a table that is not there', () => {
    expect([412, 409, 404].map((status) => isMismatch(answer(status, 'ResourceNotFound')))).toEqual([true, true, true]);
    expect([isMismatch(answer(404, 'TableNotFound')), isMismatch(answer(500)), isMismatch(answer(undefined))]).toEqual([
      false,
      false,
      false,
    ]);
  });
});
