/** The fields of an Azure record that are looked at. Claims come by their short names or by the address of the schema. */
import { plan } from '../../view.ts';

const claim = (name: string): readonly string[] => ['identity', 'claim', name];
const property = (...path: readonly string[]): readonly string[] => ['properties', ...path];

const MICROSOFT = 'http://schemas.microsoft.com/identity/claims/';
const XMLSOAP = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/';

export const AZURE_PLAN = plan({
  time: ['time'],
  resourceId: ['resourceId'],
  operationName: ['operationName'],
  category: ['category'],
  resultType: ['resultType'],
  resultSignature: ['resultSignature'],
  durationMs: ['durationMs'],
  callerIpAddress: ['callerIpAddress'],
  correlationId: ['correlationId'],

  oid: claim('oid'),
  oidLong: claim(`${MICROSOFT}objectidentifier`),
  upn: claim('upn'),
  upnLong: claim(`${XMLSOAP}upn`),
  uniqueName: claim('unique_name'),
  nameLong: claim(`${XMLSOAP}name`),
  preferredName: claim('preferred_username'),
  appid: claim('appid'),
  azp: claim('azp'),
  idtyp: claim('idtyp'),
  mirid: claim('xms_mirid'),
  uti: claim('uti'),
  ipaddr: claim('ipaddr'),
  iat: claim('iat'),
  exp: claim('exp'),
  tid: claim('tid'),
  tidLong: claim(`${MICROSOFT}tenantid`),
  iss: claim('iss'),

  id: property('id'),
  requestUri: property('requestUri'),
  clientInfo: property('clientInfo'),
  httpStatusCode: property('httpStatusCode'),
  isAccessPolicyMatch: property('isAccessPolicyMatch'),
  isRbacAuthorized: property('isRbacAuthorized'),
  isAddressAuthorized: property('isAddressAuthorized'),
  addedObject: property('addedAccessPolicy', 'ObjectId'),
  addedObjectLower: property('addedAccessPolicy', 'objectId'),
  exportable: property('keyProperties', 'attributes', 'exportable'),
  exportableUpper: property('keyProperties', 'Attributes', 'Exportable'),

  // The Activity Log: as Event Hubs and storage have it, and as its REST API gives it.
  eventTimestamp: ['eventTimestamp'],
  eventDataId: ['eventDataId'],
  status: ['status'],
  subStatus: ['subStatus'],
  caller: ['caller'],
  claims: ['claims'],
  identityClaims: ['identity', 'claims'],
  scope: ['identity', 'authorization', 'scope'],
  scopeTop: ['authorization', 'scope'],
  clientIpAddress: ['httpRequest', 'clientIpAddress'],
  statusCode: property('statusCode'),
  requestbody: property('requestbody'),
  tenantId: ['tenantId'],
});

/** The index of each field, for `View`. */
export const AZURE = AZURE_PLAN.at;
