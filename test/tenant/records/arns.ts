/** Names of AWS's resources. */
import type { Identity, Secret } from '../types.ts';

const PERMISSIONS = ['AdministratorAccess', 'PowerUser', 'Developer', 'ReadOnly', 'DataEngineer'];

export const roleArn = ({ store, name, kind, id }: Identity): string =>
  kind === 'sso'
    ? `arn:aws:iam::${store.name}:role/aws-reserved/sso.amazonaws.com/${store.regions[0]}/${ssoRole(id)}`
    : kind === 'agent'
      ? `arn:aws:iam::${store.name}:role/aws-service-role/${name}.amazonaws.com/AWSServiceRoleFor${name === 'config' ? 'Config' : 'ResourceExplorer'}`
      : `arn:aws:iam::${store.name}:role/${name}`;
/** One role for each permission set: people share it, and are told apart by the session's name. */
const ssoRole = (id: string): string =>
  `AWSReservedSSO_${PERMISSIONS[id.charCodeAt(16) % PERMISSIONS.length]}_${id.slice(4, 14).toLowerCase()}0f3a${id.charCodeAt(16)}`;
export const userArn = ({ store, name }: Identity): string => `arn:aws:iam::${store.name}:user/${name}`;
export const secretArn = ({ store, type, region, name, suffix }: Secret): string =>
  type === 'param'
    ? `arn:aws:ssm:${region}:${store.name}:parameter${name}`
    : `arn:aws:secretsmanager:${region}:${store.name}:secret:${name}-${suffix}`;
