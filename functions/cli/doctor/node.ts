import { ok, warn, type Check } from './check.ts';

/** bin.mjs has refused what is too old to start; odd majors are never supported for long (nodejs.org/en/about/previous-releases). */
export function checkNode(version: string): Check {
  const major = Number(version.split('.')[0]);
  if (major % 2 === 0) return ok('node', `Node ${version}`);
  return warn('node', `Node ${version} is not a long-term release`, 'install Node 24');
}
