/** The parts of the PostgreSQL target that need no server. */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PostgresTargetConfig } from '../../shared/config/index.ts';
import { ConnectionRefusal, adminError, failureOf } from '../../shared/targets/postgres/outcomes.ts';
import { makePassword } from '../../shared/targets/postgres/material.ts';
import { parseComment, renderComment, type Mark } from '../../shared/targets/postgres/mark.ts';
import { saltOf, scramVerifier, unknowableVerifier } from '../../shared/targets/postgres/scram.ts';
import { identifier, literal, lockStatement } from '../../shared/targets/postgres/statements.ts';
import { openOver } from './postgres-harness.ts';

const config = (changes: Partial<PostgresTargetConfig> = {}): PostgresTargetConfig => ({
  kind: 'postgres',
  host: 'db.example.com',
  port: 5432,
  database: 'app',
  tls: { mode: 'verify-full' },
  admin: { username: 'admin', passwordEnv: 'X' },
  accounts: ['app_a', 'app_b'],
  ownerRole: 'app_owner',
  connectTimeout: 1000,
  statementTimeout: 1000,
  ...changes,
});
const random = (length: number): Uint8Array => randomBytes(length);

describe('scramVerifier', () => {
  it('is the one that RFC 7677 section 3 leads to', async () => {
    // The RFC's example: user "user", password "pencil". Its client proof and server signature must follow from our keys.
    const verifier = await scramVerifier('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'), 4096);
    const [, stored = '', server = ''] = /\$([^:$]+):([^:]+)$/.exec(verifier) ?? [];
    const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
    const auth = `n=user,r=rOprNGfwEbeRWgbNEkqO,r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=${nonce}`;
    const signature = createHmac('sha256', Buffer.from(server, 'base64')).update(auth).digest('base64');
    expect(signature).toBe('6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
    const proof = Buffer.from('dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=', 'base64');
    const mask = createHmac('sha256', Buffer.from(stored, 'base64')).update(auth).digest();
    const clientKey = proof.map((byte, index) => byte ^ (mask[index] ?? 0));
    expect(createHash('sha256').update(clientKey).digest('base64')).toBe(stored);
    expect(verifier.startsWith('SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$')).toBe(true);
  });

  it('has a salt that depends on the rotation and the slot, and on nothing else', () => {
    expect(saltOf('r1', 'app_a')).toEqual(saltOf('r1', 'app_a'));
    expect(new Set([saltOf('r1', 'app_a'), saltOf('r2', 'app_a'), saltOf('r1', 'app_b')].map(String)).size).toBe(3);
    expect(saltOf('r1', 'app_a')).toHaveLength(16);
  });

  it.each(['', 'pässword', 'tab\t'])('refuses %j, which servers and drivers may normalise differently', async (password) => {
    await expect(scramVerifier(password, saltOf('r', 's'))).rejects.toMatchObject({
      code: 'ERR_SECRET_INVALID',
      message: expect.stringContaining('ASCII'),
    });
  });

  it('that nobody can know has the same form', async () => {
    const shape = (verifier: string): string => verifier.replace(/[A-Za-z0-9+/]+(?==*[:$]|=*$)/g, (text) => String(text.length));
    expect(shape(unknowableVerifier(random))).toBe(shape(await scramVerifier('pencil', random(16))));
  });
});

describe('makePassword', () => {
  it('draws 40 letters and digits, each equally likely', () => {
    const counts = new Map<string, number>();
    const rounds = 3000;
    for (let round = 0; round < rounds; round += 1) {
      const password = makePassword(random);
      expect(password).toMatch(/^[A-Za-z0-9]{40}$/);
      for (const character of password) counts.set(character, (counts.get(character) ?? 0) + 1);
    }
    expect(counts.size).toBe(62);
    // Without rejection, eight of the 62 would come a quarter more often. Six standard deviations: about one false alarm in 10^7 runs.
    const expected = (rounds * 40) / 62;
    for (const count of counts.values()) expect(Math.abs(count - expected)).toBeLessThan(6 * Math.sqrt(expected));
  });

  it('goes on drawing when bytes are rejected', () => {
    let call = 0;
    const biased = (length: number): Uint8Array => new Uint8Array(length).fill(call++ === 0 ? 255 : 0);
    expect(makePassword(biased)).toBe('A'.repeat(40));
  });
});

describe('compose', () => {
  const target = openOver(config({ endpoints: [{ name: 'pool', host: 'pool.example.com', port: 6432 }] }), '');
  const current = { username: 'app_a', password: 'old-password' };

  it.each([
    { host: 'db.example.com', port: 5432, dbname: 'app' },
    { host: 'DB.example.com.', port: '5432', database: 'app', engine: 'postgres' },
    { host: 'pool.example.com', port: 6432 },
    {},
  ])('keeps %j', (fields) => {
    expect(target.compose('app_b', { ...current, ...fields }, random)).toMatchObject({ ...fields, username: 'app_b' });
  });

  it.each([
    ['host', { host: 'evil.example.com' }],
    ['port', { port: 6432 }],
    ['port', { host: 'pool.example.com', port: 5432 }],
    ['host', { host: null }],
    ['dbname', { dbname: 'other' }],
    ['database', { database: 'other' }],
    ['engine', { engine: 'mysql' }],
    ['uri', { uri: 'postgres://app_a:old-password@db.example.com/app' }],
    ['dsn', { dsn: 'user=app_a password=old-password' }],
  ])('refuses a value whose %s could not stay true: %j', (field, fields) => {
    expect(() => target.compose('app_b', { ...current, host: 'db.example.com', ...fields }, random)).toThrow(
      expect.objectContaining({
        code: 'ERR_SECRET_INVALID',
        subject: field,
        message: expect.not.stringContaining('old-password'),
      }),
    );
  });

  it('refuses a slot that is not pinned', () => {
    expect(() => target.compose('root', current, random)).toThrow(expect.objectContaining({ code: 'ERR_TARGET_MISMATCH' }));
  });
});

describe('the mark', () => {
  const text = fc.string({ unit: 'binary', maxLength: 40 }).map((each) => each.toWellFormed());
  const mark: fc.Arbitrary<Mark> = fc
    .record({ installation: text, secret: text, credential: text, retired: fc.option(text, { nil: undefined }), fence: fc.nat() })
    .map(({ retired, ...rest }) => (retired === undefined ? rest : { ...rest, retired }));

  it('reads back as it was written, with what people wrote beside it', () => {
    fc.assert(
      fc.property(
        text.filter((human) => !human.includes('[keywheel ')),
        mark,
        (human, written) => {
          expect(parseComment('r', renderComment(human, written))).toEqual({ human, mark: written });
        },
      ),
    );
  });

  it('is found where people wrote after it', () => {
    const written: Mark = { installation: 'i', secret: 's', credential: 'c', fence: 3 };
    expect(parseComment('r', `${renderComment('before', written)} after`)).toEqual({ human: 'before after', mark: written });
  });

  it.each([
    '[keywheel ]',
    '[keywheel installation=i secret=s credential=c fence=-1]',
    '[keywheel installation=i secret=s fence=1]',
    '[keywheel x',
  ])('is refused where it cannot be read: %s', (comment) => {
    expect(() => parseComment('app_a', comment)).toThrow(
      expect.objectContaining({ code: 'ERR_TARGET_MISMATCH', message: expect.stringContaining('app_a') }),
    );
  });

  it('is refused where there are two of it', () => {
    const one = renderComment('', { installation: 'i', secret: 's', credential: 'c', fence: 3 });
    expect(() => parseComment('r', `${one} ${one}`)).toThrow(expect.objectContaining({ code: 'ERR_TARGET_MISMATCH' }));
  });
});

describe('statements', () => {
  it('quote what would otherwise be syntax', () => {
    expect(identifier('a"b')).toBe('"a""b"');
    expect(literal("it's")).toBe("'it''s'");
    expect(literal("\\'")).toBe("E'\\\\'''");
  });

  it('lock the accounts in one order', () => {
    expect(lockStatement(['app_a', 'app_b'])).toEqual(lockStatement(['app_b', 'app_a']));
  });
});

describe('failureOf', () => {
  const server = (code: string) => ({ code, severity: 'FATAL', message: 'words' });
  it.each([
    [server('28P01'), 'refused'],
    [server('28000'), 'forbidden'],
    [server('42501'), 'forbidden'],
    [server('3D000'), 'forbidden'],
    [server('53300'), 'throttled'],
    [server('53200'), 'throttled'],
    [server('57P03'), 'throttled'],
    [server('57P01'), 'unreachable'],
    [server('08006'), 'unreachable'],
    [server('57014'), 'timeout'],
    [server('XX000'), 'failed'],
    [{ code: 'ECONNRESET', message: 'x' }, 'unreachable'],
    [{ code: 'ETIMEDOUT', message: 'x' }, 'unreachable'],
    [{ code: 'CERT_HAS_EXPIRED', message: 'x' }, 'tls'],
    [{ code: 'EPROTO', message: 'x' }, 'tls'],
    [new Error('SASL: SCRAM-SERVER-FINAL-MESSAGE: server signature does not match'), 'forbidden'],
    [new ConnectionRefusal('forbidden', 'x'), 'forbidden'],
    ['not an error', 'failed'],
  ])('%j is %s', (error, outcome) => {
    expect(failureOf(error).outcome).toBe(outcome);
  });

  it('takes a server’s words apart from what could harm a reader', () => {
    const error = adminError('work', {
      code: 'XX000',
      severity: 'ERROR',
      message: `near 'SCRAM-SHA-256$4096:AAAA$BBBB:CCCC' \u001b[31m${'x'.repeat(400)}`,
    });
    expect(error.message).toContain("near '<verifier>'");
    expect(error.message).not.toContain('AAAA');
    expect(error.message).not.toContain('\u001b');
    expect(error.message.length).toBeLessThan(260);
    expect(error.cause).toBeUndefined();
  });
});

describe('the configuration', () => {
  it.each<[Partial<PostgresTargetConfig>, string]>([
    [{ accounts: ['app_a', 'app_a'] }, 'same role twice'],
    [{ accounts: ['app_a', 'admin'] }, 'admin.username'],
    [{ accounts: ['app_owner'] }, 'ownerRole'],
  ])('is refused: %j', (changes, why) => {
    expect(() => openOver(config(changes), '')).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG_INVALID', message: expect.stringContaining(why) }),
    );
  });

  it('needs an owner role for two accounts', () => {
    const { ownerRole: _owner, ...rest } = config();
    expect(() => openOver(rest, '')).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG_INVALID', message: expect.stringContaining('ownerRole') }),
    );
  });
});
