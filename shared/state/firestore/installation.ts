/** The id of the installation: one document that is made once and never changed. */
import type { Random } from '../../deps.ts';
import type { Documents } from './documents.ts';
import { contended } from './errors.ts';
import { idOf } from './ids.ts';
import { corrupt } from './records.ts';

const ID = idOf('meta', 'installation');
const FORM = /^[\w-]{16,64}$/;

export async function findInstallation(documents: Documents): Promise<string | undefined> {
  const found = (await documents.read([ID])).get(ID);
  if (found === undefined) return undefined;
  const value: unknown = found.data['value'];
  if (typeof value !== 'string' || !FORM.test(value)) throw corrupt('installation');
  return value;
}

/** Whoever makes it first makes it for all. */
export async function makeInstallation(documents: Documents, random: Random): Promise<string> {
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const found = await findInstallation(documents);
    if (found !== undefined) return found;
    const value = Buffer.from(random.bytes(16)).toString('hex');
    if ((await documents.commit([{ id: ID, at: undefined, fields: { format: 1, value } }])) === 'done') return value;
  }
  throw contended('installation');
}
