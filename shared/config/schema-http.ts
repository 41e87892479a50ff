/** The generic HTTP target: how a vendor's API keys are made, verified, listed and revoked, as configuration. docs/guides/api-keys.md has examples. */
import * as z from 'zod';
import { duration, endpoint } from './schema-basics.ts';

const template = z.string().max(4096);
const pointer = z
  .string()
  .regex(/^(\/([^~/]|~[01])*)*$/, 'write a JSON Pointer such as /data/id, or an empty text for the whole answer')
  .describe('A JSON Pointer (RFC 6901) into the answer.');
const field = z.string().regex(/^\w{1,64}$/, 'write the name of a field of the secret: letters, digits and _');
const statuses = (described: string, ...byDefault: number[]) =>
  z.array(z.int().min(200).max(599)).default(byDefault).describe(described);
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

const basic = z
  .strictObject({ username: template, password: template })
  .describe('Sends Authorization: Basic with this user name and password.');

const request = {
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']),
  path: template
    .regex(/^\/[^?#\\\s]*$/, 'write a path that begins with /, without a query; use query for that')
    .describe('Appended to baseUrl.'),
  query: z.record(z.string().min(1), template).optional(),
  headers: z.record(z.string().min(1), template).optional(),
  basic: basic.optional(),
  json: z.json().optional().describe('The body, sent as JSON. Templates may stand in its texts.'),
  form: z.record(z.string().min(1), template).optional().describe('The body, sent as a form.'),
};

const create = z
  .strictObject({
    ...request,
    method: request.method.default('POST'),
    status: statuses('The answers that mean that the key was made.', 200, 201),
    id: pointer.describe('Where the answer has the id that list and revoke know the key by. It is kept in the secret as keyId.'),
    value: z.record(field, pointer).describe('The fields of the secret that the new key fills, and where the answer has each.'),
    lifetime: duration
      .optional()
      .describe('For vendors whose keys expire: what {{expires.date}} and {{expires.instant}} are from now.'),
  })
  .describe(
    'Makes a key. {{marker}} must be where the vendor keeps a name or description: a key whose answer was lost is found by it.',
  );

const verify = z
  .strictObject({
    ...request,
    method: request.method.default('GET'),
    accepted: statuses('The answers that mean that the key works.', 200),
    refused: statuses('The answers that mean that the key does not work. Any other answer says nothing of the key.', 401),
    forbidden: statuses('The answers that mean that the key works but may not do this.', 403),
    throttled: statuses('The answers that mean: not now.', 429),
    body: z
      .strictObject({ at: pointer, accepted: z.array(scalar).min(1), refused: z.array(scalar).default([]) })
      .optional()
      .describe(
        'For vendors that answer 200 for dead keys too: what the accepted answer must hold, and what in it means refused.',
      ),
    id: pointer
      .optional()
      .describe('Where the accepted answer has the key’s id; another one than the secret’s keyId is not accepted.'),
  })
  .describe('A request with the key alone, as consumers make it.');

const paging = z
  .strictObject({
    token: pointer
      .optional()
      .describe('Where an answer has the token of the next page; query names the parameter it is sent in.'),
    query: z.string().min(1).optional(),
    url: pointer.optional().describe('Where an answer has the address of the next page.'),
    link: z.literal(true).optional().describe('The next page is in the Link header (RFC 8288).'),
    page: z.string().min(1).optional().describe('The query parameter that counts pages, until one is empty.'),
    from: z.int().min(0).default(1).describe('The number of the first page.'),
  })
  .describe('How the list goes on: exactly one of token (with query), url, link or page.');

const list = z
  .strictObject({
    ...request,
    method: request.method.default('GET'),
    items: pointer.default('').describe('Where an answer has the keys, as an array.'),
    id: pointer.describe('Where an item has the key’s id.'),
    name: pointer.describe('Where an item has the name or description that {{marker}} was put into.'),
    lastUsed: pointer
      .optional()
      .describe(
        'Where an item tells when the key was last used. Without it the old key is revoked after grace, without evidence.',
      ),
    only: z
      .array(z.strictObject({ at: pointer, equals: scalar }))
      .default([])
      .describe('Items that count: for vendors that go on listing revoked keys.'),
    paging: paging.optional(),
  })
  .describe('Lists the keys. All pages are read: a key that is not seen could not be told from one that does not exist.');

const end = {
  ...request,
  status: statuses('The answers that mean that it was done.', 200, 202, 204),
  gone: statuses('The answers that mean that there is no such key any more.', 404, 410),
};

export const httpTarget = z.strictObject({
  kind: z.literal('http'),
  baseUrl: endpoint.describe(
    'The only address that the admin token is ever sent to; redirects are not followed. http is refused for hosts other than loopback.',
  ),
  principal: z
    .string()
    .regex(/^[\w.@:/-]{1,128}$/, 'write a name of letters, digits and . @ : / -')
    .describe(
      'What the keys belong to at the vendor, for people: an account, a project, a service account. One secret per principal.',
    ),
  ca: z.string().min(1).optional().describe('A PEM file with the certificate authorities to trust instead of the system ones.'),
  timeout: duration.default(10_000).describe('For one answer. At most 15s.'),
  admin: z
    .strictObject({
      passwordEnv: z.string().min(1).optional().describe('The environment variable that holds the token.'),
      passwordFile: z.string().min(1).optional().describe('A file with mode 0600 that holds the token.'),
      secret: z.string().min(1).optional().describe('A secret in the same store that holds the token.'),
      field: field.optional().describe('The field of that secret. Default: password.'),
    })
    .describe(
      'The token that may make, list and revoke keys; templates name it {{admin.token}}, or, where it is two texts joined by a colon, {{admin.left}} and {{admin.right}}.',
    ),
  headers: z.record(z.string().min(1), template).default({}).describe('Sent with create, list, disable and revoke.'),
  basic: basic.optional(),
  fields: z.array(field).default([]).describe('Other fields of the secret that verify names, an account id for example.'),
  create,
  verify,
  list,
  disable: z
    .strictObject({ ...end, method: request.method.default('PATCH') })
    .optional()
    .describe('Where the vendor can: makes the key unusable before it is revoked, which a person can undo.'),
  revoke: z.strictObject({ ...end, method: request.method.default('DELETE') }).describe('Ends the key with the id {{id}}.'),
  limit: z
    .int()
    .min(2)
    .max(100_000)
    .default(100)
    .describe('How many keys the vendor allows; a rotation needs room for one more.'),
  propagation: z
    .strictObject({ typical: duration.default(0), max: duration.default(60_000) })
    .prefault({})
    .describe('How long until a new or revoked key is known everywhere.'),
});
