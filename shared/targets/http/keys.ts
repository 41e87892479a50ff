/** Makes, finds and ends keys. Vendors have no place for a fence; what stands in for it is told in docs/guides/api-keys.md. */
import { KeywheelError } from '../../errors.ts';
import type { SecretValue } from '../../stores/index.ts';
import type { CredentialId, Finding, Stamp } from '../port.ts';
import { jsonOf, textAt } from './answer.ts';
import { send, type HttpContext } from './context.ts';
import { list, type Item } from './list.ts';
import { keyOf } from './material.ts';
import { markerOf, nameOf, sameOwner, toldName } from './marker.ts';
import { render, tell, type Filled, type Values } from './render.ts';

const NEW_KEY = '<key id>';

/** ERR_FENCE_STALE when a later worker has made a key for this secret: keys are all that vendors let us leave behind. */
export function judge(context: HttpContext, items: readonly Item[], stamp: Stamp): void {
  const highest = Math.max(0, ...ofOurs(items, stamp).map((item) => item.marker?.fence ?? 0));
  if (highest <= stamp.fence) return;
  const { principal } = context.config;
  throw new KeywheelError(
    'ERR_FENCE_STALE',
    `a later worker has made a key of ${principal} (fence ${highest}, ours ${stamp.fence}), so nothing was changed`,
    { hint: 'nothing to do: the later worker goes on', subject: principal },
  );
}

function ofOurs(items: readonly Item[], stamp: Stamp): Item[] {
  const us = markerOf(stamp, stamp.rotationId);
  return items.filter((item) => item.marker !== undefined && sameOwner(item.marker, us));
}

/** ERR_TARGET_OWNED when the key's name says that it is rotated for another secret or by another installation. */
function refuseForeign(item: Item | undefined, stamp: Stamp): void {
  if (item?.marker === undefined || sameOwner(item.marker, markerOf(stamp, stamp.rotationId))) return;
  const whom = item.marker.installation === markerOf(stamp, '').installation ? 'for another secret' : 'by another installation';
  throw new KeywheelError(
    'ERR_TARGET_OWNED',
    `key ${item.id} is rotated by Keywheel ${whom}, so nothing was changed: ${item.name}`,
    {
      hint: 'to take it over on purpose, stop the other rotation, then rename the key at the vendor',
      subject: item.id,
    },
  );
}

export async function preflight(context: HttpContext, stamp: Stamp): Promise<Finding[]> {
  const { limit, principal } = context.config;
  const { items } = await list(context);
  const findings: Finding[] = [];
  const highest = Math.max(0, ...ofOurs(items, stamp).map((item) => item.marker?.fence ?? 0));
  if (highest > stamp.fence) {
    const message = `${principal} has a key made under fence ${highest} and ours is ${stamp.fence}: the state was restored from an older copy`;
    findings.push({
      code: 'fence-behind',
      level: 'error',
      message,
      hint: 'compare the store with the vendor’s keys; bring back the newest state',
    });
  }
  if (items.length >= limit)
    findings.push({ code: 'key-limit', level: 'error', message: full(context, items), hint: LIMIT_HINT });
  const ours = ofOurs(items, stamp);
  if (ours.length > 1) {
    const message = `${ours.length} keys of ${principal} were made for this secret, one at most is in use: ${named(ours)}`;
    findings.push({
      code: 'keys-left',
      level: 'warning',
      message,
      hint: 'look which one the secret holds, and revoke the others by hand',
    });
  }
  return findings;
}

const LIMIT_HINT =
  'revoke a key that nobody needs by hand; Keywheel revokes only keys that it recorded. limit says how many the vendor allows';
const named = (items: readonly Item[]): string =>
  items.map((item) => `${item.id}${item.name === '' ? '' : ` (${item.name})`}`).join(', ');
const full = ({ config }: HttpContext, items: readonly Item[]): string => {
  const shown = named(items.slice(-10));
  return `${config.principal} has ${items.length} keys, and ${config.limit} is the limit, so none can be made: ${items.length > 10 ? '… ' : ''}${shown}`;
};

export async function mint(context: HttpContext, rotation: string, current: SecretValue, stamp: Stamp) {
  const { config, gate, overlay } = context;
  const began = context.clock.now();
  const { items } = await list(context);
  const held = items.find((item) => item.id === keyOf(current));
  refuseForeign(held, stamp);
  judge(context, items, stamp);
  if (held === undefined) throw notListed(context, keyOf(current) ?? '');
  if (items.length >= config.limit) {
    throw new KeywheelError('ERR_TARGET_FAILED', full(context, items), { hint: LIMIT_HINT, subject: config.principal });
  }
  const marker = markerOf(stamp, rotation);
  const values: Values = new Map([
    ...(await context.adminValues()),
    ['marker', { text: nameOf(marker), told: toldName(marker) }],
    ...expiry(context),
  ]);
  const what = `making a key of ${config.principal}`;
  inTime(config.principal, context.clock.now() - began, config.timeout);
  const made = await gate.run(
    { port: 'target', kind: 'effect', text: tell(config, config.create, values) },
    async () => {
      const answer = await send(context, what, render(config, config.create, config, values), config.create.status);
      return keyIn(context, what, jsonOf(answer));
    },
    () => {
      overlay.made.push({ id: NEW_KEY, name: nameOf(marker), marker });
      return { id: NEW_KEY, fields: Object.fromEntries(Object.keys(config.create.value).map((field) => [field, `<${field}>`])) };
    },
  );
  await keepOrRevoke(context, made.id, nameOf(marker), stamp);
  const id: CredentialId = { slot: config.principal, key: made.id };
  const value: SecretValue = { ...current, ...made.fields, keyId: made.id };
  return { id, value };
}

/** The engine gives one call 20 s. A key asked for too late could be made when another try is already under way. */
const CALL_LIMIT = 18_000;

function inTime(principal: string, elapsed: number, timeout: number): void {
  if (elapsed + timeout <= CALL_LIMIT) return;
  throw new KeywheelError(
    'ERR_TIMEOUT',
    `no key was asked for, listing the keys of ${principal} took ${Math.round(elapsed / 1000)} s`,
    {
      hint: 'the vendor answers slowly; it is tried again. A shorter timeout, or larger pages, leave more room',
      retryable: true,
      subject: principal,
    },
  );
}

function expiry({ config, clock }: HttpContext): [string, Filled][] {
  if (config.create.lifetime === undefined) return [];
  const instant = new Date(clock.now() + config.create.lifetime).toISOString();
  return [
    ['expires.date', { text: instant.slice(0, 10), told: '<expires.date>' }],
    ['expires.instant', { text: `${instant.slice(0, 19)}Z`, told: '<expires.instant>' }],
  ];
}

/** An answer without what it should hold leaves a key behind; it carries our marker, so the next try finds and revokes it. */
function keyIn({ config }: HttpContext, what: string, body: unknown): { id: string; fields: Record<string, string> } {
  const at = (pointer: string, name: string): string => {
    const found = textAt(body, pointer);
    if (found !== undefined) return found;
    throw new KeywheelError('ERR_TARGET_FAILED', `${what} failed, the answer has no text at ${pointer || 'its root'} (${name})`, {
      retryable: true,
      hint: 'compare create.id and create.value with the vendor’s documentation; the key that was made is revoked',
    });
  };
  const fields = Object.entries(config.create.value).map(([field, pointer]) => [field, at(pointer, `create.value.${field}`)]);
  return { id: at(config.create.id, 'create.id'), fields: Object.fromEntries(fields) as Record<string, string> };
}

/**
 * Looks again once the key is there: a worker that was paused before it made the key has made one too many, and alone knows its id. A vendor that
 * cut or changed the name would make keys that could never be found again.
 */
async function keepOrRevoke(context: HttpContext, id: string, name: string, stamp: Stamp): Promise<void> {
  const { items } = await list(context);
  const shown = items.find((item) => item.id === id);
  try {
    judge(context, items, stamp);
    if (shown !== undefined && shown.name !== name) {
      throw new KeywheelError(
        'ERR_TARGET_FAILED',
        `the vendor keeps another name for key ${id} than it was given, so the key was revoked again`,
        {
          hint: 'check create and list.name: {{marker}} must come back as it was sent, at most 80 characters',
          subject: id,
        },
      );
    }
  } catch (error) {
    await revoke(context, id);
    throw error;
  }
}

export async function find(context: HttpContext, rotation: string): Promise<CredentialId[]> {
  const { items } = await list(context);
  const mine = items.filter((item) => item.marker?.rotation === rotation);
  return mine.map((item) => ({ slot: context.config.principal, key: item.id }));
}

/** By a recorded id; a key that is gone already is a success. */
export async function retire(context: HttpContext, id: CredentialId, stamp: Stamp): Promise<void> {
  const { items } = await list(context);
  refuseForeign(
    items.find((item) => item.id === id.key),
    stamp,
  );
  judge(context, items, stamp);
  if (context.config.disable !== undefined) await end(context, context.config.disable, `disabling key ${id.key}`, id.key);
  await revoke(context, id.key);
}

async function revoke(context: HttpContext, id: string): Promise<void> {
  await end(context, context.config.revoke, `revoking key ${id}`, id);
  if (context.gate.rehearsing) context.overlay.removed.add(id);
}

async function end(context: HttpContext, request: HttpContext['config']['revoke'], what: string, id: string): Promise<void> {
  const { config, gate } = context;
  const values: Values = new Map([...(await context.adminValues()), ['id', { text: id }]]);
  await gate.run(
    { port: 'target', kind: 'effect', text: tell(config, request, values) },
    async () => void (await send(context, what, render(config, request, config, values), [...request.status, ...request.gone])),
    () => {},
  );
}

function notListed({ config }: HttpContext, id: string): KeywheelError {
  return new KeywheelError(
    'ERR_TARGET_MISMATCH',
    `the vendor lists no key ${id} of ${config.principal}, which the secret names as its own, so nothing was changed`,
    {
      hint: 'write the id that the vendor’s list shows for this key into keyId; check list and admin',
      subject: config.principal,
    },
  );
}
