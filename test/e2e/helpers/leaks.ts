/** Searches bytes for material in every form in which it might have been written down. */

export interface Canary {
  /** Says which secret it is, without being it. */
  readonly label: string;
  readonly material: string | Uint8Array;
}

export interface Leak {
  readonly where: string;
  readonly canary: string;
  readonly form: string;
}

export interface Form {
  readonly name: string;
  readonly bytes: Buffer;
}

/**
 * Base64 of bytes that stand anywhere in a longer text: they can begin at any of three alignments, and the characters that they share with
 * their neighbours are left out.
 */
function base64At(bytes: Buffer, skew: 0 | 1 | 2): string {
  const encoded = Buffer.concat([Buffer.alloc(skew), bytes])
    .toString('base64')
    .replace(/=+$/, '');
  const shared = [0, 2, 3][skew];
  return encoded.slice(shared, (skew + bytes.length) % 3 === 0 ? undefined : -1);
}

const HTML: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Forms that come out the same as another one are there once, under the first name. */
export function formsOf(material: string | Uint8Array): Form[] {
  const bytes = Buffer.from(material);
  const forms: [string, string | Buffer][] = [['raw', bytes]];
  for (const skew of [0, 1, 2] as const) {
    const text = base64At(bytes, skew);
    forms.push([`base64 at ${skew}`, text], [`base64url at ${skew}`, text.replaceAll('+', '-').replaceAll('/', '_')]);
  }
  forms.push(['hex', bytes.toString('hex')], ['HEX', bytes.toString('hex').toUpperCase()]);
  if (typeof material === 'string') {
    const url = encodeURIComponent(material);
    const strict = url.replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
    const json = JSON.stringify(material).slice(1, -1);
    forms.push(
      ['URL', url],
      ['URL, strict', strict],
      ['URL, lower case', strict.replace(/%../g, (code) => code.toLowerCase())],
      ['URL, form', new URLSearchParams({ '': material }).toString().slice(1)],
      ['JSON', json],
      ['JSON in JSON', JSON.stringify(json).slice(1, -1)],
      ['HTML', material.replace(/[&<>"']/g, (c) => HTML[c] ?? c)],
      ['SQL', material.replaceAll("'", "''")],
      ['SQL, E-string', material.replaceAll('\\', '\\\\').replaceAll("'", "''")],
    );
  }
  const seen = new Set<string>();
  return forms.flatMap(([name, form]) => {
    const encoded = Buffer.from(form);
    const key = encoded.toString('latin1');
    if (seen.has(key)) return [];
    seen.add(key);
    return [{ name, bytes: encoded }];
  });
}

/** Every form of every canary that occurs in `hay`. */
export function findLeaks(where: string, hay: string | Uint8Array, canaries: readonly Canary[]): Leak[] {
  const bytes = Buffer.from(hay);
  return canaries.flatMap(({ label, material }) =>
    formsOf(material)
      .filter((form) => bytes.includes(form.bytes))
      .map((form) => ({ where, canary: label, form: form.name })),
  );
}
