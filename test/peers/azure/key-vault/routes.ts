/** Paths and bodies of Key Vault's REST API: https://learn.microsoft.com/rest/api/keyvault/secrets/operation-groups */
import type { Operation, RequestSeen } from './faults.ts';
import { VaultError } from './model.ts';
import type { Parameters, SecretsModel, StoredVersion } from './model.ts';

/** A page holds at most 25: https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret-versions/get-secret-versions */
const PAGE = 25;
const RECOVERY_DAYS = 90;

export function route(method: string, url: URL): RequestSeen {
  const [area, secret = '', version = '', ...more] = url.pathname.split('/').filter((part, index) => index > 0 || part !== '');
  const operation = operationOf(method, area ?? '', secret, version);
  if (operation === undefined || more.length > 0) throw new VaultError(405, 'MethodNotAllowed', 'No such operation.');
  const named = operation === 'versions' || operation === 'recover' ? '' : version;
  return { operation, secret: decodeURIComponent(secret), version: decodeURIComponent(named) };
}

function operationOf(method: string, area: string, secret: string, version: string): Operation | undefined {
  if (area === 'deletedsecrets') {
    if (method === 'GET') return secret === '' ? 'list' : 'deleted';
    if (method === 'DELETE') return 'purge';
    return method === 'POST' && version === 'recover' ? 'recover' : undefined;
  }
  if (area !== 'secrets') return undefined;
  if (method === 'GET') return secret === '' ? 'list' : version === 'versions' ? 'versions' : 'get';
  if (method === 'PUT' && version === '') return 'set';
  if (method === 'PATCH') return 'update';
  return method === 'DELETE' && version === '' ? 'delete' : undefined;
}

/** Undefined for an answer without a body. */
export function perform(model: SecretsModel, seen: RequestSeen, url: URL, body: Parameters): unknown {
  const { operation, secret, version } = seen;
  const base = `${url.origin}/secrets`;
  const bundle = ({ name, version: one }: { name: string; version: StoredVersion }) => ({
    value: one.value,
    ...item(`${base}/${name}/${one.id}`, one),
  });
  const deletedItem = (one: { name: string; newest: StoredVersion; deletedAt: number | undefined }) => ({
    recoveryId: `${url.origin}/deletedsecrets/${one.name}`,
    deletedDate: one.deletedAt,
    scheduledPurgeDate: (one.deletedAt ?? 0) + RECOVERY_DAYS * 86_400,
    ...item(`${base}/${one.name}`, one.newest),
  });
  switch (operation) {
    case 'set':
      return bundle(model.set(secret, body));
    case 'get':
      return bundle(model.get(secret, version));
    case 'update': {
      const { value: _, ...rest } = bundle(model.update(secret, version, body));
      return rest;
    }
    case 'versions': {
      const { name, versions } = model.versions(secret);
      return page(
        url,
        versions.map((one) => item(`${base}/${name}/${one.id}`, one)),
      );
    }
    case 'list':
      return url.pathname.startsWith('/deletedsecrets')
        ? page(url, model.secrets(true).map(deletedItem))
        : page(
            url,
            model.secrets(false).map(({ name, newest }) => item(`${base}/${name}`, newest)),
          );
    case 'delete':
      return deletedItem(model.delete(secret));
    case 'deleted':
      return deletedItem(model.deleted(secret));
    case 'recover': {
      const { value: _, ...rest } = bundle(model.recover(secret));
      return rest;
    }
    case 'purge':
      return model.purge(secret);
  }
}

function item(id: string, { attributes, tags, contentType }: StoredVersion): Record<string, unknown> {
  return {
    id,
    ...(contentType === undefined ? {} : { contentType }),
    attributes: { ...attributes, recoverableDays: RECOVERY_DAYS, recoveryLevel: 'Recoverable+Purgeable' },
    ...(Object.keys(tags).length === 0 ? {} : { tags }),
  };
}

function page(url: URL, items: readonly unknown[]): { value: readonly unknown[]; nextLink: string | null } {
  const most = Number(url.searchParams.get('maxresults') ?? PAGE);
  if (!Number.isInteger(most) || most < 1 || most > PAGE) throw new VaultError(400, 'BadParameter', 'maxresults is 1 to 25.');
  const from = Number(Buffer.from(url.searchParams.get('$skiptoken') ?? 'MA', 'base64url').toString());
  const next = new URL(url);
  next.searchParams.set('$skiptoken', Buffer.from(String(from + most)).toString('base64url'));
  return { value: items.slice(from, from + most), nextLink: from + most < items.length ? next.href : null };
}
