/**
 * How rotations are told in Secrets Manager, which knows versions by an id of 32 to 64 characters (the ClientRequestToken that made them) and
 * by staging labels. Pure. https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
 *
 * Labels of ours, beside AWSCURRENT, AWSPENDING and AWSPREVIOUS. A secret bears 20 labels at most, so each has an end:
 * - `keywheel-rotation-<version>`: a rotation staged this version. Only for ids that Secrets Manager gave, which look like anybody's; gone when
 *   the version is neither current, pending nor previous.
 * - `keywheel-discarded-<version>`: it was discarded. The newest few stay; a version that loses it is left to the vendor, which deletes versions
 *   without a label some time after 24 hours.
 * - `keywheel-aside-<version>`: it was pending while another version was published, and may be staged again.
 * - `keywheel-put`: on a value that is being put, until it is current.
 */
import { KeywheelError } from '../../errors.ts';

const OURS = 'keywheel-';
const SHORTEST = 32;

export const PUT_LABEL = 'keywheel-put';
export const rotationLabel = (version: string): string => `keywheel-rotation-${version}`;
export const discardedLabel = (version: string): string => `keywheel-discarded-${version}`;
export const asideLabel = (version: string): string => `keywheel-aside-${version}`;

/**
 * The version id that a rotation stages under. An id of 32 to 64 characters is Secrets Manager's own and used as it is; a shorter one, such as
 * ours, is lengthened so that it can be read back. ERR_CONFIG_INVALID for an id that cannot be told from another.
 */
export function tokenOf(rotationId: string): string {
  if (/^[\w-]{32,64}$/.test(rotationId) && !rotationId.startsWith(OURS)) return rotationId;
  if (/^[\w-]{0,30}\w$/.test(rotationId)) return `${OURS}${rotationId}`.padEnd(SHORTEST, '-');
  throw new KeywheelError('ERR_CONFIG_INVALID', `rotation id ${JSON.stringify(rotationId.slice(0, 80))} cannot be used`, {
    hint: 'use 1 to 31 letters, digits, - and _, the last not a -, or the 32 to 64 characters that Secrets Manager gave',
  });
}

/**
 * The rotation that staged a version, by its id and labels. A version that Secrets Manager named counts when our label says so, and while it is
 * pending: only a rotation stages there. Otherwise nobody can tell it from one that a person wrote, and it counts as that.
 */
export function rotationIdOf(version: string, stages: readonly string[]): string | undefined {
  if (version.startsWith(OURS) && version.length >= SHORTEST) return version.slice(OURS.length).replace(/-+$/, '');
  if (stages.includes(rotationLabel(version))) return version;
  return stages.includes('AWSPENDING') && !stages.includes('AWSCURRENT') && !stages.includes('AWSPREVIOUS') ? version : undefined;
}

/** True of ids that Secrets Manager or a person made. */
export const isForeignToken = (version: string): boolean => !version.startsWith(OURS);

/** False for what no version can be called; asking the service would be an error. */
export const isVersionId = (text: string): boolean => text.length >= SHORTEST && text.length <= 64;
