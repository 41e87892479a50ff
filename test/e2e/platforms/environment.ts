/** What the vendors' SDKs find around them: a person's own logins must not be there while their emulators are talked to. */
import tls from 'node:tls';

const CLOUD =
  /^(AWS|AMAZON|AZURE|GOOGLE|GCLOUD|GCP|CLOUDSDK|IDENTITY|MSI|FIRESTORE|SECRET_MANAGER|VAULT|BAO)_|^(https?|all|no)_proxy$/i;

/** Puts `env` in place of everything of that kind in this process. The result puts back what was there. */
export function replaceEnvironment(env: Readonly<Record<string, string>>): () => void {
  const before = { ...process.env };
  for (const name of Object.keys(before)) if (CLOUD.test(name)) delete process.env[name];
  Object.assign(process.env, env);
  return () => {
    for (const name of [...Object.keys(env), ...Object.keys(before)]) {
      const value = before[name];
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
}

/** Has this process trust `pem` too; NODE_EXTRA_CA_CERTS is read at the start of a process only. The result ends it. */
export function trust(pem: string): () => void {
  const before = tls.getCACertificates('default');
  tls.setDefaultCACertificates([...before, pem]);
  return () => tls.setDefaultCACertificates(before);
}
