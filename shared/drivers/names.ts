/** Which secret of keywheel.yaml an event means. What an event says of hosts, accounts or projects is compared, never used. Pure. */
import { nearest, type LoadedConfig } from '../config/index.ts';
import { KeywheelError } from '../errors.ts';
import { storedNameOf } from '../stores/index.ts';

type Config = Pick<LoadedConfig, 'stores' | 'secrets'>;
type Store = Config['stores'][string];

/** Secrets Manager ends every ARN with a hyphen and six random characters, which are not part of the name. */
const ARN = /^arn:aws[a-z-]*:secretsmanager:([a-z0-9-]+):(\d{12}):secret:(.+)$/;
const SUFFIX = /-[A-Za-z0-9]{6}$/;

/** The secret that an ARN, or a name as it is, means. ERR_EVENT_INVALID when keywheel.yaml has none, or has it elsewhere. */
export function secretOfArn(config: Config, id: string): string {
  const match = ARN.exec(id);
  const names = match === null ? [id] : [match[3] ?? '', (match[3] ?? '').replace(SUFFIX, '')];
  const name = names.find((each) => storeOf(config, each)?.kind === 'aws');
  if (name === undefined) throw unknown(config, 'aws', names.at(-1) ?? id);
  const store = storeOf(config, name);
  if (match !== null && store?.kind === 'aws') {
    elsewhere(name, 'region', match[1], store.region);
    elsewhere(name, 'account', match[2], store.account);
  }
  return name;
}

/** `projects/PROJECT/secrets/ID` or `projects/PROJECT/locations/LOCATION/secrets/ID`; PROJECT is an id or, in notifications, a number. */
const RESOURCE = /^projects\/([^/]+)(?:\/locations\/([^/]+))?\/secrets\/([^/]+)$/;

export function secretOfResource(config: Config, resource: string): string {
  const match = RESOURCE.exec(resource);
  if (match === null) throw malformed('the name of the secret in the notification is not one of Secret Manager');
  const [, project = '', location, id = ''] = match;
  const name = named(config, 'gcp', id);
  const store = storeOf(config, name);
  if (store?.kind === 'gcp') {
    // Notifications carry the project's number; it can be compared only where it is configured.
    const known = /^\d+$/.test(project) ? store.projectNumber : store.project;
    elsewhere(name, 'project', project, known);
    if (location !== store.location) elsewhere(name, 'location', location ?? 'global', store.location ?? 'global');
  }
  return name;
}

/** A Key Vault event names the vault and the secret. */
export function secretOfVault(config: Config, vault: string, id: string): string {
  const name = named(config, 'azure', id);
  const store = storeOf(config, name);
  if (store?.kind === 'azure') {
    const host = new URL(store.vaultUrl).hostname.split('.')[0] ?? '';
    if (!isAddress(host)) elsewhere(name, 'vault', vault.toLowerCase(), host.toLowerCase());
  }
  return name;
}

/** A loopback address stands for a vault of any name: only emulators are there. */
const isAddress = (host: string): boolean => host === 'localhost' || /^[\d[]/.test(host);

function storeOf(config: Config, name: string): Store | undefined {
  const secret = Object.hasOwn(config.secrets, name) ? config.secrets[name] : undefined;
  return secret === undefined ? undefined : config.stores[secret.store];
}

/** By the name that the store knows it by, which may be an encoding of ours. */
function named(config: Config, kind: Store['kind'], id: string): string {
  const same = (name: string): boolean => {
    const store = storeOf(config, name);
    return store?.kind === kind && storedNameOf(store, name).toLowerCase() === id.toLowerCase();
  };
  const found = Object.keys(config.secrets).find(same);
  if (found === undefined) throw unknown(config, kind, id);
  return found;
}

function unknown(config: Config, kind: Store['kind'], id: string): KeywheelError {
  const names = Object.keys(config.secrets).filter((each) => storeOf(config, each)?.kind === kind);
  const near = nearest(id, names);
  return new KeywheelError(
    'ERR_EVENT_INVALID',
    `the event is about ${JSON.stringify(id)}, which keywheel.yaml does not have in a store of kind ${kind}`,
    {
      hint:
        near === undefined
          ? 'add it to secrets in keywheel.yaml, with its accounts pinned, and deploy again'
          : `did you mean ${JSON.stringify(near)}? names must be the same`,
      subject: id,
    },
  );
}

function elsewhere(name: string, what: string, told: string | undefined, known: string | undefined): void {
  if (known === undefined || told === known) return;
  throw new KeywheelError(
    'ERR_EVENT_INVALID',
    `the event about ${name} is from another ${what}: ${told ?? 'none'} instead of ${known}`,
    {
      hint: `nothing was done; look at who may call this function, or mend the ${what} of its store in keywheel.yaml`,
      subject: name,
    },
  );
}

function malformed(message: string): KeywheelError {
  return new KeywheelError('ERR_EVENT_INVALID', message, { hint: 'events/ has one sample of each event that is understood' });
}
