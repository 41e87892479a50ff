/** What a secret that AWS's rotation templates wrote says beside its account: fields that the templates follow and Keywheel does not. */
import type { PostgresTargetConfig } from '../../config/index.ts';
import type { SecretValue } from '../../stores/index.ts';
import type { Finding } from '../port.ts';
import { warning } from './findings.ts';

/**
 * `masterarn` names the secret of the admin for the templates; ours is pinned, and whoever may write the secret cannot move it. `ssl` decides for the
 * templates, and for consumers that follow it, whether TLS is used; ours is `tls` of the configuration. Both are kept as they are.
 * https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html
 */
export function reviewValue({ admin, tls }: PostgresTargetConfig, value: SecretValue): Finding[] {
  const { masterarn, ssl } = value;
  const findings: Finding[] = [];
  if (masterarn !== undefined && masterarn !== null && admin.secret !== undefined && !names(masterarn, admin.secret)) {
    findings.push(
      warning(
        'masterarn-differs',
        `field "masterarn" of the secret names another secret than admin.secret, ${admin.secret}; it is not followed`,
        'find out who wrote it; then make the secret and keywheel.yaml name the same admin secret, or remove the field',
      ),
    );
  }
  if (tls.mode === 'disable' || ssl === undefined) return findings;
  const off = /^false$/i.test(String(ssl));
  if (!off && /^true$/i.test(String(ssl))) return findings;
  const means = off
    ? 'is false: consumers that follow it show their password to the network'
    : 'is neither true nor false: AWS’s templates then fall back to clear text where TLS fails';
  const hint = 'set it to true in the secret; Keywheel itself uses tls of keywheel.yaml, whatever the secret says';
  return [...findings, warning('secret-ssl-off', `field "ssl" of the secret ${means}`, hint)];
}

/** A secret is named by its name, its ARN, or its ARN without the six characters that Secrets Manager adds to the name. */
function names(masterarn: string | number | boolean, pinned: string): boolean {
  const said = String(masterarn);
  const [bare, part] = [said, pinned].map((text) => text.replace(/^arn:[^:]*:secretsmanager:[^:]*:\d*:secret:/, ''));
  if (bare === undefined || part === undefined) return false;
  // Two ARNs of other accounts or regions are two secrets, whatever their names are.
  if (bare !== said && part !== pinned && prefixOf(said) !== prefixOf(pinned)) return false;
  const same = (long: string, short: string): boolean =>
    long === short || (long.startsWith(`${short}-`) && /^[A-Za-z0-9]{6}$/.test(long.slice(short.length + 1)));
  return same(bare, part) || same(part, bare);
}

const prefixOf = (arn: string): string => arn.slice(0, arn.indexOf(':secret:'));
