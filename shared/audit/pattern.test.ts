import fc from 'fast-check';
import { expect, it } from 'vitest';
import { patternOf } from './pattern.ts';

it.each([
  ['prod/*', 'prod/db', true],
  ['prod/*', 'Prod/db', false],
  ['*', '', true],
  ['*db', 'prod/db', true],
  ['a*a', 'a', false],
  ['a*b*c', 'a-b-b-c', true],
  ['a*b*c', 'a-c', false],
  ['db', 'db', true],
  ['db', 'dbx', false],
])('%s takes %s: %s', (pattern, text, takes) => {
  expect(patternOf([pattern])(text)).toBe(takes);
});

it('takes a text that any pattern takes, and nothing without patterns', () => {
  expect(patternOf(['a', 'b*'])('x', 'bc')).toBe(true);
  expect(patternOf([])('x')).toBe(false);
});

it('is what the regular expression would say', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), maxLength: 8 });
  fc.assert(
    fc.property(text, fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 8 }), (pattern, candidate) => {
      const expression = new RegExp(
        `^${pattern
          .split('*')
          .map((part) => part.replaceAll('.', '\\.'))
          .join('.*')}$`,
      );
      expect(patternOf([pattern])(candidate)).toBe(expression.test(candidate));
    }),
  );
});
