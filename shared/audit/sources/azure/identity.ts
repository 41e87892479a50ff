/** Who asked, by the claims of the token that was presented. https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference */
import { FLAG, type Principal, type PrincipalKind } from '../../event.ts';
import type { View } from '../../view.ts';
import { createMemory } from '../common-memory.ts';
import { capped, NAME_MAX, textOf } from '../common.ts';
import { AZURE } from './plan.ts';

/** The claims that count, in whatever spelling they came. */
export interface Claims {
  readonly oid: string | undefined;
  readonly upn: string | undefined;
  readonly appid: string | undefined;
  readonly idtyp: string | undefined;
  readonly mirid: string | undefined;
  readonly uti: string | undefined;
  readonly tid: string | undefined;
  readonly iss: string | undefined;
  readonly ipaddr: string | undefined;
  readonly iat: number | undefined;
  readonly exp: number | undefined;
}

export interface Actor {
  readonly principal: Principal;
  readonly flags: number;
  /** By the application, where it is a tool that is known. */
  readonly client: string | undefined;
  readonly ttl: number | undefined;
  readonly claimIp: string | undefined;
  /** Whether the record names anybody. */
  readonly known: boolean;
}

/** Applications of Microsoft's own: https://learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in */
const TOOLS: ReadonlyMap<string, string> = new Map([
  ['04b07795-8ddb-461a-bbee-02f9e1bf7b46', 'azure-cli'],
  ['1950a258-227b-4e31-a9cf-717495945fc2', 'azure-powershell'],
  ['c44b4083-3bb0-49c1-b47d-974e53cbdf3c', 'portal'],
  ['3686488a-04fc-4d8a-b967-61f98ec41efe', 'portal'],
]);

/** Resource Graph and Policy read every vault's settings, on nobody's behalf. */
const SERVICES: ReadonlySet<string> = new Set(['509e4652-da8d-478d-a730-e9d4a1996ca4', '8cae6e77-e04e-42ce-b5cb-50d82bce26b1']);

const field = (view: View, short: number, long?: number): string | undefined =>
  textOf(view.text(short)) ?? (long === undefined ? undefined : textOf(view.text(long)));

const isName = (text: string | undefined): text is string => text?.includes('@') === true;

export function actorOf(view: View): Actor {
  const unique = field(view, AZURE.uniqueName) ?? field(view, AZURE.nameLong);
  const preferred = field(view, AZURE.preferredName);
  return remembered({
    oid: field(view, AZURE.oid, AZURE.oidLong),
    upn: field(view, AZURE.upn, AZURE.upnLong) ?? [unique, preferred].find(isName),
    appid: field(view, AZURE.appid, AZURE.azp),
    idtyp: field(view, AZURE.idtyp),
    mirid: field(view, AZURE.mirid),
    uti: field(view, AZURE.uti),
    tid: field(view, AZURE.tid, AZURE.tidLong),
    iss: field(view, AZURE.iss),
    ipaddr: field(view, AZURE.ipaddr),
    iat: secondsOf(view, AZURE.iat),
    exp: secondsOf(view, AZURE.exp),
  });
}

/** One token serves many calls: what is read of its claims is kept while they stay the same. */
const tokens = createMemory<string, { readonly claims: Claims; readonly actor: Actor }>(8_192);

function remembered(claims: Claims): Actor {
  const { oid } = claims;
  if (oid === undefined || oid.length > 128) return actorOfClaims(claims);
  const known = tokens.get(oid);
  if (known !== undefined && isSame(known.claims, claims)) return known.actor;
  return tokens.keep(oid, { claims, actor: actorOfClaims(claims) }).actor;
}

const isSame = (one: Claims, other: Claims): boolean =>
  one.uti === other.uti &&
  one.exp === other.exp &&
  one.iat === other.iat &&
  one.upn === other.upn &&
  one.appid === other.appid &&
  one.ipaddr === other.ipaddr &&
  one.idtyp === other.idtyp &&
  one.mirid === other.mirid &&
  one.tid === other.tid &&
  one.iss === other.iss;

/** A number, or the text of one: claims come as either. */
const secondsOf = (view: View, at: number): number | undefined => view.number(at) ?? secondsIn(view.text(at));

export function secondsIn(text: string | undefined): number | undefined {
  const seconds = text === undefined || text.length > 16 || text === '' ? Number.NaN : Number(text);
  return Number.isFinite(seconds) ? seconds : undefined;
}

/** Of `https://sts.windows.net/TENANT/` and `https://login.microsoftonline.com/TENANT/v2.0`. */
const tenantOf = (issuer: string | undefined): string | undefined => textOf(issuer?.slice(0, 256).split('/', 4)[3]);

export function actorOfClaims(claims: Claims): Actor {
  const { oid, upn, appid, idtyp, mirid, uti, ipaddr } = claims;
  const tid = claims.tid ?? tenantOf(claims.iss);
  const application = appid?.toLowerCase();
  const name = upn ?? nameOfIdentity(mirid) ?? application;
  const id = oid?.toLowerCase() ?? upn?.toLowerCase() ?? mirid?.toLowerCase() ?? application;
  const kind = kindOf(claims, application);
  const client = application === undefined ? undefined : TOOLS.get(application);
  const principal: Principal = {
    id: id === undefined ? 'azure:anonymous' : capped(id, NAME_MAX),
    kind,
    name: capped(name ?? id ?? 'anonymous', NAME_MAX),
    session: undefined,
    credential: uti === undefined ? undefined : capped(uti, 64),
    group: groupOf(mirid),
    home: tid === undefined ? undefined : capped(tid.toLowerCase(), 128),
  };
  // A caller that nobody knows is not told apart by what it claims of itself.
  const known = id !== undefined || idtyp !== undefined;
  const ttl = claims.iat === undefined || claims.exp === undefined ? Number.NaN : claims.exp - claims.iat;
  return {
    principal,
    flags: client === 'portal' ? FLAG.console : 0,
    client,
    ttl: ttl >= 1 ? Math.min(Math.trunc(ttl), 1e10) : undefined,
    claimIp: ipaddr,
    known,
  };
}

function kindOf({ upn, idtyp, mirid, oid }: Claims, application: string | undefined): PrincipalKind {
  if (application !== undefined && SERVICES.has(application) && upn === undefined) return 'service';
  if (mirid !== undefined || idtyp === 'app') return 'workload';
  if (upn !== undefined || idtyp === 'user') return 'human';
  // A token of an application carries its id and no name; older ones have no idtyp.
  return application !== undefined || oid !== undefined ? 'workload' : 'unknown';
}

const partsOf = (mirid: string): readonly string[] => mirid.slice(0, 1024).split('/');

const nameOfIdentity = (mirid: string | undefined): string | undefined =>
  mirid === undefined ? undefined : textOf(partsOf(mirid).at(-1));

/** The machines of one resource group do alike; identities that were given names of their own need not. */
function groupOf(mirid: string | undefined): string | undefined {
  if (mirid === undefined) return undefined;
  const lower = mirid.slice(0, 1024).toLowerCase();
  const provider = lower.indexOf('/providers/');
  if (provider === -1 || lower.includes('/userassignedidentities/')) return undefined;
  return capped(lower.slice(0, lower.lastIndexOf('/')), 256);
}
