/** Stores, secrets, identities and their credentials. */
import * as names from './names.ts';
import type { Random } from './random.ts';
import {
  HOUR,
  MINUTE,
  type Act,
  type Chair,
  type Client,
  type Emit,
  type Extras,
  type Identity,
  type IdentityKind,
  type Op,
  type Result,
  type Seat,
  type Secret,
  type Store,
  type StoreKind,
} from './types.ts';

const AWS_REGIONS = ['eu-west-1', 'us-east-1', 'eu-central-1', 'us-west-2', 'ap-southeast-2'];
const GCP_REGIONS = ['europe-west1', 'us-central1', 'europe-west4'];

export function makeStore(random: Random, kind: StoreKind): Store {
  const word = names.stem(random);
  const shared = { secrets: [] as Secret[], echoes: random.chance(0.6), skew: 0 };
  switch (kind as string) {
    case 'aws': {
      const name = random.digits(12).replace(/^0/, '4');
      const regions = random.some(AWS_REGIONS, random.chance(0.3) ? 2 : 1);
      const key = `arn:aws:kms:${regions[0]}:${name}:key/${random.uuid()}`;
      return { ...shared, kind, source: 'aws', name, number: '', owner: `o-${random.hex(10)}`, regions, key, mount: '' };
    }
    case 'gcp': {
      const name = `${word}-${names.stem(random)}-${random.digits(6)}`;
      const key = `projects/${name}/locations/${GCP_REGIONS[0]}/keyRings/${word}/cryptoKeys/${names.stem(random)}`;
      const regions = [random.pick(GCP_REGIONS)];
      return {
        ...shared,
        kind,
        source: 'gcp',
        name,
        number: random.digits(12).replace(/^0/, '7'),
        owner: `${word}.example`,
        regions,
        key,
        mount: '',
      };
    }
    case 'azure': {
      const name = `${word}-${names.stem(random)}-kv${random.digits(2)}`;
      const regions = [random.pick(['westeurope', 'northeurope', 'eastus'])];
      return {
        ...shared,
        kind,
        source: 'azure',
        name,
        number: random.uuid(),
        owner: random.uuid(),
        regions,
        key: `${names.stem(random)}-key`,
        mount: `rg-${word}`,
      };
    }
    default: {
      const number =
        kind === 'vault' ? `1.${random.whole(16, 20)}.${random.whole(0, 6)}` : `2.${random.whole(2, 5)}.${random.whole(0, 2)}`;
      // Self-hosted clocks are a little wrong, and now and then more than a little.
      const skew = random.chance(0.15) ? random.whole(-90_000, 90_000) : random.whole(-1_500, 1_500);
      return {
        ...shared,
        skew,
        kind,
        source: 'vault',
        name: `${word}-cluster`,
        number,
        owner: `kv_${random.hex(8)}`,
        regions: [''],
        key: names.stem(random),
        mount: random.pick(['secret', 'kv', word]),
      };
    }
  }
}

const takenIn = new WeakMap<Store, Set<string>>();

export function makeSecret(random: Random, store: Store, owner: string, style: number, born: number): Secret {
  let name = names.secretName(random, owner, style);
  if (store.kind === 'gcp' || store.kind === 'azure') name = name.replaceAll(/[^a-zA-Z0-9-]/g, '-');
  const type = store.kind === 'aws' && style % 4 === 1 ? 'param' : 'secret';
  if (type === 'param' && !name.startsWith('/')) name = `/${name}`;
  let taken = takenIn.get(store);
  if (taken === undefined) takenIn.set(store, (taken = new Set()));
  while (taken.has(name)) name += `-${random.whole(2, 99)}`;
  taken.add(name);
  const secret: Secret = {
    store,
    type,
    name,
    suffix: random.base62(6),
    region: random.pick(store.regions),
    version: newVersion(random, store, 0),
    previous: newVersion(random, store, 0),
    serial: random.whole(1, 12),
    born,
    byArn: random.chance(0.4),
  };
  store.secrets.push(secret);
  return secret;
}

export function newVersion(random: Random, store: Store, serial: number): string {
  if (store.kind === 'aws') return random.uuid();
  if (store.kind === 'azure') return random.hex(32);
  return `${serial}`;
}

/** As one that rotates does: a new version becomes the current one. */
export function moveOn(secret: Secret, random: Random): void {
  secret.previous = secret.version;
  secret.serial += 1;
  secret.version = newVersion(random, secret.store, secret.serial);
}

export function makeIdentity(random: Random, store: Store, kind: IdentityKind, name: string, domain = ''): Identity {
  const mail = `${name}@${domain === '' ? `${names.stem(random)}.example` : domain}`;
  const shared = { store, kind, name, mail, home: '' };
  switch (store.kind as string) {
    case 'aws': {
      const ofPermissions = `AROA${store.owner.slice(2).toUpperCase()}QX${random.pick(['A', 'B', 'C', 'D', 'E'])}ZKT7`;
      const id = kind === 'user' ? `AIDA${random.base32(17)}` : kind === 'sso' ? ofPermissions : `AROA${random.base32(17)}`;
      const home = kind === 'foreign' ? random.digits(12).replace(/^0/, '5') : '';
      return { ...shared, home, id, other: random.hex(16), policies: [] };
    }
    case 'gcp':
      return {
        ...shared,
        id: `1${random.digits(20)}`,
        other: random.hex(40),
        home: kind === 'foreign' ? `${names.stem(random)}-${random.digits(5)}` : '',
        policies: [],
      };
    case 'azure':
      return { ...shared, id: random.uuid(), other: random.uuid(), policies: [] };
    default:
      return {
        ...shared,
        id: random.uuid(),
        other: `auth_${kind}_${random.hex(8)}`,
        policies: kind === 'root' ? ['root'] : ['default', `${name.replaceAll('.', '-')}-read`],
      };
  }
}

/** How long what is presented lives. Users' keys and instances' own are long-lived in the record. */
function lifeOf(store: Store, kind: IdentityKind): number {
  if (store.kind === 'aws')
    return kind === 'user' || kind === 'root' ? 0 : kind === 'sso' ? 8 * HOUR : kind === 'ci' ? HOUR : 6 * HOUR;
  if (store.kind === 'gcp') return HOUR;
  if (store.kind === 'azure') return kind === 'sso' ? 75 * MINUTE : 24 * HOUR;
  return kind === 'root' ? 0 : kind === 'sso' ? 8 * HOUR : kind === 'ci' ? 20 * MINUTE : 24 * HOUR;
}

function newKey(random: Random, { store, kind }: Identity): string {
  if (store.kind === 'aws') return `${kind === 'user' || kind === 'root' ? 'AKIA' : 'ASIA'}${random.base32(16)}`;
  if (store.kind === 'gcp') return random.hex(40);
  if (store.kind === 'azure') return random.base62(22);
  return random.hex(64);
}

export function seat(random: Random, identity: Identity, address: string, client: Client, session: string, endpoint = ''): Chair {
  const life = lifeOf(identity.store, identity.kind);
  const born = life === 0 ? 1 : 0;
  return {
    now: { identity, address, endpoint, client, session, key: newKey(random, identity), born, life, issuedAt: address, head: '' },
  };
}

export function move(
  chair: Chair,
  change: Partial<Pick<Seat, 'address' | 'client' | 'endpoint' | 'key' | 'born' | 'issuedAt'>>,
): void {
  chair.now = { ...chair.now, ...change, head: '' };
}

/** What somebody presents who has the credential, elsewhere: the same key from another place. */
export function stolen(from: Seat, address: string, client: Client): Chair {
  return { now: { ...from, address, client, endpoint: '', life: 0, head: '' } };
}

export const NOTHING: Extras = {};

/** Draws that belong to nobody else: who it is, and where its acts go. */
export interface Hand {
  readonly random: Random;
  readonly persona: string;
}

/** Makes an act of whoever sits in `chair`; takes a new credential first when the old one has ended, which Vault and STS record. */
export function act(
  emit: Emit,
  { random, persona }: Hand,
  chair: Chair,
  time: number,
  op: Op,
  secret?: Secret,
  result: Result = 'ok',
  extras: Extras = NOTHING,
): Act {
  const { now } = chair;
  const { identity } = now;
  if (now.life > 0 && (now.born === 0 || time >= now.born + now.life)) {
    move(chair, { key: newKey(random, identity), born: time - random.whole(200, 900), issuedAt: now.address });
    const base = { seat: chair.now, store: identity.store, secret: undefined, extras: NOTHING, persona, attack: undefined };
    const { kind } = identity;
    const logs =
      identity.store.source === 'vault' ||
      (identity.store.kind === 'aws' && (kind === 'pod' || kind === 'ci' || kind === 'function'));
    if (logs) emit({ ...base, time: chair.now.born, op: 'login', result: 'ok' });
    // The first hop of Azure's SDKs carries no token.
    if (identity.store.kind === 'azure')
      emit({ ...base, time: time - random.whole(40, 150), op: 'read', secret, result: 'challenge' });
  }
  const made: Act = { time, seat: chair.now, store: identity.store, op, secret, result, extras, persona, attack: undefined };
  emit(made);
  return made;
}
