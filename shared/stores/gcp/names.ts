/**
 * How Keywheel's names become Secret Manager ids, which take only letters, digits, `-` and `_`.
 *
 * Any other character is written `_xHEX_`, with its code point in lower-case hexadecimal: `app/db` is `app_x2f_db`. An underscore is written
 * so (`_x5f_`) only where it would else begin something that reads like such an escape. So an ordinary id is its own name, no two names
 * share an id, and every name comes back from its id. The ids that no name has (`a_x5f_b`, `a_x41_b`) cannot be used and are not listed.
 */
import { KeywheelError } from '../../errors.ts';
import { checkName } from '../check.ts';

const LONGEST_ID = 255; // https://docs.cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets/create
const ESCAPE = /_x([0-9a-f]{1,6})_/g;

export interface Names {
  /** The id of the secret that consumers read. ERR_CONFIG_INVALID for a name that has none. */
  idOf(name: string): string;
  /** The id of the companion that holds what is pending. */
  companionOf(name: string): string;
  /** Undefined for companions and for ids that no name has. */
  nameOf(id: string): string | undefined;
}

/** ERR_CONFIG_INVALID when the suffix cannot be part of an id. */
export function openNames(pendingSuffix: string): Names {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(pendingSuffix)) {
    throw new KeywheelError(
      'ERR_CONFIG_INVALID',
      `pendingSuffix ${JSON.stringify(pendingSuffix)} cannot be part of a secret id`,
      {
        hint: 'use up to 64 letters, digits, - and _',
        subject: 'pendingSuffix',
      },
    );
  }
  const idOf = (name: string): string => {
    checkName('secret name', name);
    const id = encodeName(name);
    const wrong = id.endsWith(pendingSuffix)
      ? `its id ends in ${pendingSuffix}, which is for companions`
      : id.length + pendingSuffix.length > LONGEST_ID
        ? `the id of its companion has more than ${LONGEST_ID} characters`
        : undefined;
    if (wrong === undefined) return id;
    throw new KeywheelError('ERR_CONFIG_INVALID', `secret ${name} cannot be in this store, because ${wrong}`, {
      hint: 'choose another name for the secret, or another pendingSuffix for the store',
      subject: name,
    });
  };
  return {
    idOf,
    companionOf: (name) => `${idOf(name)}${pendingSuffix}`,
    nameOf: (id) => {
      if (id.endsWith(pendingSuffix)) return undefined;
      const name = decodeName(id);
      return encodeName(name) === id ? name : undefined;
    },
  };
}

/** Written from the end, since an underscore's own escape depends on what follows it. */
export function encodeName(name: string): string {
  let id = '';
  for (const character of Array.from(name).reverse()) {
    const plain = /^[A-Za-z0-9_-]$/.test(character) && !/^_x[0-9a-f]{1,6}_/.test(`${character}${id}`);
    id = plain ? `${character}${id}` : `_x${(character.codePointAt(0) ?? 0).toString(16)}_${id}`;
  }
  return id;
}

export function decodeName(id: string): string {
  return id.replace(ESCAPE, (escape, hex: string) => {
    const point = Number.parseInt(hex, 16);
    return point > 0x10ffff ? escape : String.fromCodePoint(point);
  });
}
