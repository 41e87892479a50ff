/** Paths of Vault's API. A name is never able to reach another endpoint, folder or mount. */
import { KeywheelError } from '../../errors.ts';

/** Percent-encodes each segment. */
export const pathOf = (name: string): string => name.split('/').map(encodeURIComponent).join('/');

/** ERR_CONFIG_INVALID for a secret name that is no path in the mount, or that lies where pending versions are kept. */
export function checkPath(name: string, pendingPrefix: string): void {
  const segments = name.split('/');
  const refuse = (why: string, hint: string): never => {
    throw new KeywheelError('ERR_CONFIG_INVALID', `secret name ${JSON.stringify(name)} cannot be used in vault, ${why}`, {
      hint,
      subject: name,
    });
  };
  if (segments.includes(''))
    refuse('it begins or ends with a slash, or has two in a row', 'write it as vault lists it: folder/name');
  if (segments.some((segment) => segment.includes('..') || segment === '.')) {
    refuse('vault takes no path with "." or ".." in it', 'write the whole path below the mount');
  }
  if (name.startsWith(pendingPrefix))
    refuse(`pending versions are kept under ${pendingPrefix}`, 'choose another `pendingPrefix`');
}
