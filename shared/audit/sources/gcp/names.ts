/** Names of resources, so that one secret has one key however a record spells it. Pure. */
import type { SecretRef } from '../../event.ts';
import { createMemory } from '../common-memory.ts';
import { capped, NAME_MAX } from '../common.ts';

export interface Resource {
  /** An id, or a number where the record tells no id. */
  readonly project: string;
  /** Of regional resources. */
  readonly location: string | undefined;
  readonly secret: SecretRef | undefined;
}

const isNumber = (text: string): boolean => /^\d{1,20}$/u.test(text);

/** `a/X/b/Y` as pairs, after a service's own `//name.googleapis.com/`. */
function partsOf(name: string): ReadonlyMap<string, string> {
  const path = name.startsWith('//') ? name.slice(name.indexOf('/', 2) + 1) : name;
  const segments = path.split('/', 32);
  const parts = new Map<string, string>();
  for (let at = 0; at + 1 < segments.length; at += 2) parts.set(segments[at] ?? '', segments[at + 1] ?? '');
  return parts;
}

/**
 * What `resourceName` names. The project is spelled by id or by number; an id in the name wins, then the label `project_id`, then the log's own
 * project, and only where none of them is there does the number stay. Keys: `gcp:PROJECT:SECRET`, `gcp:PROJECT:LOCATION/SECRET` for regional ones,
 * `gcp:kms:PROJECT:LOCATION/KEYRING/KEY`; with `projects/NUMBER` for PROJECT where no id is known, which whoever keeps an alias map replaces.
 */
export function resourceOf(name: string, label: string | undefined, logName: string | undefined): Resource {
  const spelled = `${name}\n${label ?? ''}\n${logName ?? ''}`;
  if (spelled.length > 2 * NAME_MAX) return look(name, label, logName);
  return resources.get(spelled) ?? resources.keep(spelled, look(name, label, logName));
}

const resources = createMemory<string, Resource>(8_192);

function look(name: string, label: string | undefined, logName: string | undefined): Resource {
  const parts = partsOf(capped(name, 2 * NAME_MAX));
  const named = parts.get('projects');
  const logged = logName === undefined ? undefined : partsOf(logName).get('projects');
  const id = [named, label, logged].find((each) => each !== undefined && each !== '' && each !== '-' && !isNumber(each));
  const number = [named, label, logged].find((each) => each !== undefined && isNumber(each));
  const project = capped(id ?? number ?? '', NAME_MAX);
  const owner = id === undefined && number !== undefined ? `projects/${project}` : project;
  const location = parts.get('locations');
  return { project, location, secret: secretIn(parts, owner, location) };
}

function secretIn(parts: ReadonlyMap<string, string>, owner: string, location: string | undefined): SecretRef | undefined {
  const secret = parts.get('secrets') ?? parts.get('parameters');
  if (secret !== undefined && secret !== '') {
    const version = parts.get('versions');
    const where = location === undefined ? secret : `${location}/${secret}`;
    return { key: `gcp:${owner}:${where}`, name: secret, version: version === '' ? undefined : version };
  }
  const ring = parts.get('keyRings');
  if (ring === undefined) return undefined;
  const key = parts.get('cryptoKeys');
  const path = key === undefined ? `${ring}/` : `${ring}/${key}`;
  return { key: `gcp:kms:${owner}:${location ?? 'global'}/${path}`, name: path, version: parts.get('cryptoKeyVersions') };
}
