/** What a policy text lets in, by a look at its words. Audit devices hash the text; only one that writes in clear shows it. Pure. */

const MOST = 65_536;

/** Whether it grants on everything, or `sudo`. Never wrong about its text's being a policy: what is none, grants nothing. */
export function isBroadPolicy(text: string): boolean {
  const policy = text.length > MOST ? text.slice(0, MOST) : text;
  if (policy.includes('"sudo"')) return true;
  return /path\s{0,16}"(?:\*|\+\/\*|\+)"|"path"\s{0,16}:\s{0,16}\{\s{0,16}"(?:\*|\+\/\*|\+)"/u.test(policy);
}
