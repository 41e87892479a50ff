/** A certificate for loopback names, made when it is needed and gone with the test. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const OPENSSL = 'openssl';

export interface Certificate {
  readonly key: string;
  readonly cert: string;
  /** A PEM file for NODE_EXTRA_CA_CERTS. */
  readonly file: string;
  remove(): void;
}

/** Signed by itself. Needs the program `openssl`: Node cannot make certificates. */
export function makeCertificate(names: readonly string[]): Certificate {
  const folder = mkdtempSync(path.join(tmpdir(), 'keywheel-key-vault-'));
  const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const san = ['IP:127.0.0.1', ...names.map((name) => `DNS:${name}`)].join(',');
  const what = ['-subj', '/CN=Keywheel test vault', '-addext', `subjectAltName=${san}`, '-days', '2'];
  execFileSync(OPENSSL, ['req', '-x509', ...curve, '-keyout', key, '-out', cert, ...what], { stdio: 'pipe' });
  return {
    key: readFileSync(key, 'utf8'),
    cert: readFileSync(cert, 'utf8'),
    file: cert,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
