/** What the shape of an HTTP target cannot say. */
import { namesOf, parseTemplate, templateProblem } from './http-template.ts';
import type { Path, Problem } from './problem.ts';
import type { HttpTargetConfig } from './schema.ts';

type RequestName = 'create' | 'verify' | 'list' | 'disable' | 'revoke';
const NAMES = { create: 'create', verify: 'verify', list: 'list', disable: 'end', revoke: 'end' } as const;

/** Set by the client itself, or a way to steer the connection. */
const OWN_HEADERS = new Set(
  ['host', 'content-length', 'content-type', 'transfer-encoding', 'connection', 'keep-alive', 'upgrade', 'te', 'trailer'].concat([
    'expect',
    'proxy-authorization',
    'accept-encoding',
  ]),
);

export function checkHttp(name: string, target: HttpTargetConfig, at: Path): Problem[] {
  return [
    ...checkToken(name, target, [...at, 'admin']),
    ...checkHeaders(target.headers, namesOf(target, 'admin'), [...at, 'headers']),
    ...checkBasic(target.basic, target.headers, namesOf(target, 'admin'), at),
    ...(['create', 'verify', 'list', 'disable', 'revoke'] as const).flatMap((request) =>
      checkRequest(target, request, [...at, request]),
    ),
    ...checkCreate(target, [...at, 'create']),
    ...checkVerify(target, [...at, 'verify']),
    ...checkPaging(target, [...at, 'list', 'paging']),
    ...checkEnd(target, at),
    ...(target.timeout > 15_000
      ? [{ path: [...at, 'timeout'], message: 'is longer than 15s, which is all that one call of a rotation has' }]
      : []),
    ...(target.propagation.typical > target.propagation.max
      ? [{ path: [...at, 'propagation', 'typical'], message: 'is longer than propagation.max' }]
      : []),
  ];
}

function checkToken(name: string, { admin }: HttpTargetConfig, at: Path): Problem[] {
  const sources = [admin.passwordEnv, admin.passwordFile, admin.secret].filter((source) => source !== undefined);
  const problems: Problem[] = [];
  if (sources.length !== 1) {
    const found = sources.length === 0 ? 'has no source of the token' : `has ${sources.length} sources of the token`;
    problems.push({ path: at, message: `${found}; set exactly one of passwordEnv, passwordFile or secret` });
  }
  if (admin.secret === name) {
    problems.push({ path: [...at, 'secret'], message: 'names the secret itself; the admin token must be another one' });
  }
  if (admin.field !== undefined && admin.secret === undefined) {
    problems.push({ path: [...at, 'field'], message: 'has an effect only with secret; remove it' });
  }
  return problems;
}

function checkTemplates(texts: Readonly<Record<string, string>> | undefined, names: readonly string[], at: Path): Problem[] {
  return Object.entries(texts ?? {}).flatMap(([key, text]) => {
    const message = templateProblem(text, names);
    return message === undefined ? [] : [{ path: [...at, key], message }];
  });
}

function checkHeaders(headers: Readonly<Record<string, string>> | undefined, names: readonly string[], at: Path): Problem[] {
  const problems = checkTemplates(headers, names, at);
  for (const [header, text] of Object.entries(headers ?? {})) {
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(header))
      problems.push({ path: [...at, header], message: 'is no name of a header' });
    else if (OWN_HEADERS.has(header.toLowerCase())) {
      problems.push({ path: [...at, header], message: 'is a header that the client itself sets; remove it' });
    }
    if (/[^\t\u0020-\u007e]/.test(text))
      problems.push({ path: [...at, header], message: 'holds a character that no header may hold' });
  }
  return problems;
}

function checkBasic(
  basic: HttpTargetConfig['basic'],
  headers: Readonly<Record<string, string>> | undefined,
  names: readonly string[],
  at: Path,
): Problem[] {
  if (basic === undefined) return [];
  const problems = checkTemplates(basic, names, [...at, 'basic']);
  if (Object.keys(headers ?? {}).some((header) => header.toLowerCase() === 'authorization')) {
    problems.push({ path: [...at, 'basic'], message: 'is set beside an Authorization header; remove one of the two' });
  }
  return problems;
}

function checkRequest(target: HttpTargetConfig, which: RequestName, at: Path): Problem[] {
  const request = target[which];
  if (request === undefined) return [];
  const names = namesOf(target, NAMES[which]);
  const problems: Problem[] = [];
  const path = templateProblem(request.path, names);
  if (path !== undefined) problems.push({ path: [...at, 'path'], message: path });
  if (request.path.split('/').some((segment) => /^(\.|%2e){1,2}$/i.test(segment))) {
    problems.push({ path: [...at, 'path'], message: 'may not have . or .. as a part: it would leave baseUrl' });
  }
  problems.push(
    ...checkTemplates(request.query, names, [...at, 'query']),
    ...checkTemplates(request.form, names, [...at, 'form']),
  );
  problems.push(
    ...checkHeaders(request.headers, names, [...at, 'headers']),
    ...checkBasic(request.basic, request.headers, names, at),
  );
  problems.push(...checkJson(request.json, names, [...at, 'json']));
  if (request.json !== undefined && request.form !== undefined) {
    problems.push({ path: [...at, 'form'], message: 'is set beside json; a request has one body' });
  }
  if (request.method === 'GET' && (request.json !== undefined || request.form !== undefined)) {
    problems.push({ path: at, message: 'has a body, which GET may not have; set method' });
  }
  return problems;
}

function checkJson(json: unknown, names: readonly string[], at: Path): Problem[] {
  if (typeof json === 'string') {
    const message = templateProblem(json, names);
    return message === undefined ? [] : [{ path: at, message }];
  }
  if (Array.isArray(json)) return json.flatMap((each, index) => checkJson(each, names, [...at, index]));
  if (json === null || typeof json !== 'object') return [];
  return Object.entries(json).flatMap(([key, value]) => checkJson(value, names, [...at, key]));
}

/** Every name that the templates of a request use. */
function used(request: HttpTargetConfig[RequestName]): readonly string[] {
  const texts: string[] = [];
  const collect = (value: unknown): void => {
    if (typeof value === 'string') texts.push(value);
    else if (value !== null && typeof value === 'object') Object.values(value).forEach(collect);
  };
  const { path, query, headers, basic, json, form } = request ?? {};
  collect([path, query, headers, basic, json, form]);
  return texts.flatMap((text) => parseTemplate(text)?.names ?? []);
}

function checkCreate(target: HttpTargetConfig, at: Path): Problem[] {
  const { create } = target;
  const problems: Problem[] = [];
  const names = used(create);
  if (!names.includes('marker')) {
    const message =
      'names {{marker}} nowhere: without it in the key’s name or description, a key whose answer was lost could never be found';
    problems.push({ path: at, message });
  }
  if (Object.keys(create.value).length === 0)
    problems.push({ path: [...at, 'value'], message: 'is empty: name the field that the new key goes to' });
  if (Object.hasOwn(create.value, 'keyId'))
    problems.push({ path: [...at, 'value', 'keyId'], message: 'is set from id already; remove it' });
  const expires = names.some((name) => name.startsWith('expires.'));
  if (expires && create.lifetime === undefined) problems.push({ path: at, message: 'names {{expires.…}} and has no lifetime' });
  if (!expires && create.lifetime !== undefined) {
    problems.push({
      path: [...at, 'lifetime'],
      message: 'has no effect: no template names {{expires.date}} or {{expires.instant}}',
    });
  }
  return problems;
}

function checkVerify(target: HttpTargetConfig, at: Path): Problem[] {
  const { verify } = target;
  const problems: Problem[] = [];
  const minted = Object.keys(target.create.value).map((each) => `value.${each}`);
  if (!used(verify).some((name) => minted.includes(name))) {
    problems.push({
      path: at,
      message: `names none of ${minted.map((name) => `{{${name}}}`).join(', ')}: it would not verify the key`,
    });
  }
  const seen = new Map<number, string>();
  for (const outcome of ['accepted', 'refused', 'forbidden', 'throttled'] as const) {
    for (const status of verify[outcome]) {
      const other = seen.get(status);
      if (other !== undefined && other !== outcome) {
        const message = `has ${status}, which ${other} has too: an answer can mean one thing only`;
        problems.push({ path: [...at, outcome], message });
      }
      seen.set(status, outcome);
    }
  }
  for (const outcome of ['accepted', 'refused'] as const) {
    if (verify[outcome].length > 0 || (outcome === 'refused' && (verify.body?.refused.length ?? 0) > 0)) continue;
    problems.push({ path: [...at, outcome], message: 'is empty: no answer could ever mean it' });
  }
  return problems;
}

function checkPaging({ list }: HttpTargetConfig, at: Path): Problem[] {
  const { paging } = list;
  if (paging === undefined) return [];
  const kinds = [paging.token, paging.url, paging.link, paging.page].filter((each) => each !== undefined).length;
  if (kinds !== 1) return [{ path: at, message: 'needs exactly one of token, url, link or page' }];
  if ((paging.token === undefined) !== (paging.query === undefined)) {
    return [{ path: at, message: 'needs token and query together: query names the parameter that the token is sent in' }];
  }
  return [];
}

function checkEnd(target: HttpTargetConfig, at: Path): Problem[] {
  return (['disable', 'revoke'] as const).flatMap((which) => {
    const request = target[which];
    if (request === undefined || used(request).includes('id')) return [];
    return [{ path: [...at, which], message: 'names {{id}} nowhere: it would not say which key it means' }];
  });
}
