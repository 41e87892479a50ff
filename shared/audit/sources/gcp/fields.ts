/** The fields of a LogEntry and its AuditLog that are read. https://docs.cloud.google.com/logging/docs/reference/audit/auditlog/rest/Shared.Types/AuditLog */
import { plan } from '../../view.ts';

export const FIELDS = plan({
  insertId: ['insertId'],
  logName: ['logName'],
  timestamp: ['timestamp'],
  received: ['receiveTimestamp'],
  projectId: ['resource', 'labels', 'project_id'],
  location: ['resource', 'labels', 'location'],
  account: ['resource', 'labels', 'email_id'],
  first: ['operation', 'first'],
  last: ['operation', 'last'],
  splitIndex: ['split', 'index'],
  service: ['protoPayload', 'serviceName'],
  method: ['protoPayload', 'methodName'],
  resource: ['protoPayload', 'resourceName'],
  email: ['protoPayload', 'authenticationInfo', 'principalEmail'],
  subject: ['protoPayload', 'authenticationInfo', 'principalSubject'],
  key: ['protoPayload', 'authenticationInfo', 'serviceAccountKeyName'],
  delegation: ['protoPayload', 'authenticationInfo', 'serviceAccountDelegationInfo'],
  callerIp: ['protoPayload', 'requestMetadata', 'callerIp'],
  userAgent: ['protoPayload', 'requestMetadata', 'callerSuppliedUserAgent'],
  status: ['protoPayload', 'status', 'code'],
  request: ['protoPayload', 'request'],
  deltas: ['protoPayload', 'serviceData', 'policyDelta'],
  metadataDeltas: ['protoPayload', 'metadata', 'policyDelta'],
});

export const AT = FIELDS.at;
