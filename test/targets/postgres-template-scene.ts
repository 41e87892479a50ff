/** A new pair of the multi-user template for each test, over the embedded server and over one from before PostgreSQL 16. */
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import type { Finding } from '../../shared/targets/index.ts';
import { installedPostgres, startPostgres, type Postgres } from '../helpers/postgres.ts';
import { createTemplatePair, type TemplateOptions, type TemplatePair } from '../helpers/template-pair.ts';
import { openOver, stampOf } from './postgres-harness.ts';

/** PostgreSQL 16 moved INHERIT from the role to the membership, so one from before it where this machine has one. */
export const SERVERS: readonly (readonly [name: string, major: number | undefined])[] = [
  ['the embedded server', undefined],
  ...[14, 15].filter((major) => installedPostgres(major) !== undefined).map((major) => [`PostgreSQL ${major}`, major] as const),
];

interface TemplateScene {
  readonly server: Postgres;
  readonly pair: TemplatePair;
  readonly target: ReturnType<typeof openOver>;
}

interface Template {
  readonly at: () => TemplateScene;
  /** Another pair on the same server. `base`: what follows its prefix in the base account's name. */
  readonly another: (options: Omit<TemplateOptions, 'name' | 'base'> & { readonly base?: string }) => Promise<TemplatePair>;
  /** As the superuser, in the pair's database. */
  readonly run: (sql: string) => Promise<unknown>;
  readonly actAsBase: () => Promise<unknown>;
  /** `back`: of a rotation from the clone to the base. */
  readonly preflight: (back?: boolean) => Promise<Finding[]>;
  /** Without the warning that every pair of the template has. */
  readonly findings: (back?: boolean) => Promise<Finding[]>;
}

/** To be called inside `describe`. */
export function templateScene(major: number | undefined): Template {
  let server: Postgres;
  let scene: TemplateScene | undefined;
  let count = 0;
  const at = (): TemplateScene => {
    if (scene === undefined) throw new Error('there is a pair inside of tests only');
    return scene;
  };
  beforeAll(async () => {
    const binaries = major === undefined ? undefined : installedPostgres(major);
    server = await startPostgres(binaries === undefined ? {} : { binaries });
  });
  afterAll(() => server?.stop());
  beforeEach(async () => {
    const pair = await createTemplatePair(server, { name: `shop${(count += 1)}` });
    scene = { server, pair, target: openOver(pair.config(), pair.admin.password) };
  });
  afterEach(() => scene?.target.close());

  const run = (sql: string): Promise<unknown> => server.query(sql, at().pair.database);
  const preflight = (back?: boolean): Promise<Finding[]> => {
    const { pair, target } = at();
    const [from, to] = back === true ? [pair.clone, pair.base] : [pair.base, pair.clone];
    return target.preflight(from, to, stampOf());
  };
  return {
    at,
    another: ({ base, ...options }) => {
      const name = `shop${(count += 1)}`;
      return createTemplatePair(server, { name, ...options, ...(base === undefined ? {} : { base: `${name}${base}` }) });
    },
    run,
    actAsBase: () => run(`ALTER ROLE ${at().pair.clone} SET role TO '${at().pair.base}'`),
    preflight,
    findings: async (back) => (await preflight(back)).filter((finding) => finding.code !== 'set-role-missing'),
  };
}

/** The statement of a hint, which may begin with words for people. */
export const statementOf = (finding: Finding | undefined): string =>
  (finding?.hint ?? '').replace(/^[a-z][^:]*: /, '').split('  or  ')[0] ?? '';
