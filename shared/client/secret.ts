/** Secrets in hand that do not show themselves. */
import { KeywheelError } from '../errors.ts';
import type { SecretValue } from '../stores/index.ts';
import type { Secret } from './types.ts';

/** How Node's console and util.inspect show an object; the registered symbol needs no import. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom');

export function secretOf(name: string, value: SecretValue, version: string, age: number, stale: boolean): Secret {
  const shown = { version, age, stale };
  // Not enumerable: JSON, spreading and printing leave it out; the custom inspection holds also with `showHidden`.
  return Object.freeze(
    Object.defineProperties({ ...shown } as Secret, {
      value: { value },
      [INSPECT]: { value: () => ({ secret: name, ...shown }) },
    }),
  );
}

/** Makes any object print as `shown` gives, and nothing else of it. */
export function veil(object: object, shown: () => object): void {
  for (const key of [INSPECT, 'toJSON']) Object.defineProperty(object, key, { value: shown, configurable: true });
}

/** A text field of a secret. ERR_SECRET_INVALID names the field, never what is in it. */
export function textOf(name: string, value: SecretValue, field: string): string {
  const text = value[field];
  if (typeof text === 'string' && text !== '') return text;
  throw new KeywheelError(
    'ERR_SECRET_INVALID',
    `secret ${name} cannot be used to log in, because its field ${field} is no text`,
    {
      hint: 'name the right field, or correct the value in the store',
      subject: name,
    },
  );
}
