/** IAM: enumeration, new credentials, and who may do what. https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html */
import { FLAG } from '../../event.ts';
import { capped, textOf, words } from '../common.ts';
import { plainDeed, NOTHING, type Deed, type Record } from './deed.ts';
import { AWS } from './plan.ts';
import { flagsOf, isBroadManagedPolicy, judgeIdentityPolicy, judgeResourcePolicy } from './policy.ts';

const TOKENS: ReadonlySet<string> = new Set(
  words(
    'CreateAccessKey CreateLoginProfile UpdateLoginProfile CreateServiceSpecificCredential UploadSSHPublicKey ' +
      'ResetServiceSpecificCredential UploadSigningCertificate',
  ),
);

const POLICIES: ReadonlySet<string> = new Set(
  words(
    'CreateUser CreateRole CreateGroup AddUserToGroup RemoveUserFromGroup AddRoleToInstanceProfile AttachUserPolicy ' +
      'AttachRolePolicy AttachGroupPolicy DetachUserPolicy DetachRolePolicy DetachGroupPolicy PutUserPolicy ' +
      'PutRolePolicy PutGroupPolicy DeleteUserPolicy DeleteRolePolicy DeleteGroupPolicy CreatePolicy ' +
      'CreatePolicyVersion SetDefaultPolicyVersion DeletePolicy DeletePolicyVersion UpdateAssumeRolePolicy ' +
      'PutUserPermissionsBoundary PutRolePermissionsBoundary DeleteUserPermissionsBoundary ' +
      'DeleteRolePermissionsBoundary CreateOpenIDConnectProvider UpdateOpenIDConnectProviderThumbprint ' +
      'AddClientIDToOpenIDConnectProvider CreateSAMLProvider UpdateSAMLProvider DeactivateMFADevice ' +
      'DeleteVirtualMFADevice',
  ),
);

export function readIam(record: Record): Deed | undefined {
  const { view, action, account } = record;
  if (
    action.startsWith('List') ||
    action.startsWith('Get') ||
    action.startsWith('Simulate') ||
    action === 'GenerateCredentialReport'
  )
    return plainDeed('list');
  if (TOKENS.has(action))
    return { verb: 'token', secrets: NOTHING, weight: 1, flags: 0, grantee: granteeOf(record) ?? record.actor.principal.id };
  if (!POLICIES.has(action)) return undefined;
  const trust = view.text(AWS.trustPolicy) ?? (action === 'UpdateAssumeRolePolicy' ? view.text(AWS.policyDocument) : undefined);
  const opened = trust === undefined ? judgeIdentityPolicy(view.text(AWS.policyDocument)) : judgeResourcePolicy(trust, account);
  const managed = action.startsWith('Attach') && isBroadManagedPolicy(view.text(AWS.policyArn)) ? FLAG.broad : 0;
  return { verb: 'policy', secrets: NOTHING, weight: 1, flags: flagsOf(opened) | managed, grantee: granteeOf(record) };
}

/** As a principal's id is written, so that its next read is recognised. */
function granteeOf({ view, account }: Record): string | undefined {
  const user = textOf(view.text(AWS.granteeUser));
  if (user !== undefined) return capped(`arn:aws:iam::${account}:user/${user}`, 256);
  const role = textOf(view.text(AWS.granteeRole));
  if (role !== undefined) return capped(`arn:aws:iam::${account}:role/${role}`, 256);
  const group = textOf(view.text(AWS.granteeGroup));
  return group === undefined ? undefined : capped(`arn:aws:iam::${account}:group/${group}`, 256);
}
