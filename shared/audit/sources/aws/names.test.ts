import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyNamed, parameterNamed, secretNamed } from './names.ts';

const A = '111122223333';
const R = 'eu-west-1';
const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'.split('');
const suffix = fc.string({ unit: fc.constantFrom(...letters), minLength: 6, maxLength: 6 });
const segment = fc.string({ unit: fc.constantFrom(...letters, '_', '.', '+', '=', '@'), minLength: 1, maxLength: 12 });
const name = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));

describe('a secret', () => {
  it('has one key by its name, partial ARN and full ARN', () => {
    fc.assert(
      fc.property(name, suffix, (plain, random) => {
        const arn = `arn:aws:secretsmanager:${R}:${A}:secret:${plain}`;
        const key = `aws:sm:${A}:${R}:${plain}`;
        // Elsewhere called, the ARN still says whose it is.
        const keys = [secretNamed(plain, A, R), secretNamed(arn, 'x', 'y'), secretNamed(`${arn}-${random}`, 'x', 'y')].map(
          ({ ref }) => ref.key,
        );
        expect(keys).toEqual([key, key, key]);
      }),
    );
  });

  it.each([
    ['prod/app-secret', 'prod/app-secret'],
    ['prod/app-Xy12Zq', 'prod/app-Xy12Zq'],
    [`arn:aws:secretsmanager:${R}:${A}:secret:prod/app-secret`, 'prod/app-secret'],
    [`arn:aws:secretsmanager:${R}:${A}:secret:prod/app-secret-Xy12Zq`, 'prod/app-secret'],
    [`arn:aws-cn:secretsmanager:${R}:${A}:secret:db-Xy12Zq`, 'db'],
    [`arn:aws:secretsmanager:${R}:${A}:secret:db-Xy12Zq:password::`, 'db'],
    [`arn:aws:secretsmanager:${R}:${A}:secret:-Xy12Zq`, '-Xy12Zq'],
  ])('%s is named %s', (text, expected) => {
    expect(secretNamed(text, A, R).ref).toEqual({ key: `aws:sm:${A}:${R}:${expected}`, name: expected });
  });
});

describe('a parameter', () => {
  it.each([
    ['/prod/db', '/prod/db', undefined],
    ['/prod/db:3', '/prod/db', '3'],
    ['/prod/db:live', '/prod/db', 'live'],
    [`arn:aws:ssm:${R}:${A}:parameter/prod/db`, '/prod/db', undefined],
    [`arn:aws:ssm:${R}:${A}:parameter/prod/db:3`, '/prod/db', '3'],
    ['token', 'token', undefined],
    ['/token', 'token', undefined],
    [`arn:aws:ssm:${R}:${A}:parameter/token`, 'token', undefined],
  ])('%s is %s at %s', (text, expected, version) => {
    expect(parameterNamed(text, A, R).ref).toEqual({ key: `aws:ssm:${A}:${R}:${expected}`, name: expected, version });
  });

  it('that refers to a secret is that secret', () => {
    expect(parameterNamed('/aws/reference/secretsmanager/prod/db', A, R).ref.key).toBe(secretNamed('prod/db', A, R).ref.key);
  });
});

describe('a key', () => {
  it('is one by its id and its ARN', () => {
    const id = '1234abcd-12ab-34cd-56ef-1234567890ab';
    const keys = [id, `key/${id}`, `arn:aws:kms:${R}:${A}:key/${id}`].map((text) => keyNamed(text, A, R).ref.key);
    expect(new Set(keys)).toEqual(new Set([`aws:kms:${A}:${R}:${id}`]));
  });
});
