import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { awsFailure } from '../../shared/aws.ts';
import { storeError } from '../../shared/stores/aws/failures.ts';
import { rotationIdOf, rotationLabel, tokenOf } from '../../shared/stores/aws/tokens.ts';
import { checkName, decode, encode } from '../../shared/stores/aws/value.ts';

const UUID = '4b8a3a2e-6f0d-4f1c-9d3e-0c7f5f2f9b11';

describe('the version id of a rotation', () => {
  it('is one that Secrets Manager takes, and tells the rotation again', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[\w-]{0,30}\w$/), (rotationId) => {
        const token = tokenOf(rotationId);

        expect(token).toMatch(/^[\w-]{32,64}$/);
        expect(rotationIdOf(token, [])).toBe(rotationId);
      }),
    );
  });

  it('differs for different rotations', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[\w-]{0,30}\w$/), fc.stringMatching(/^[\w-]{0,30}\w$/), (one, other) => {
        expect(tokenOf(one) === tokenOf(other)).toBe(one === other);
      }),
    );
  });

  it('is the token that Secrets Manager gave, which tells a rotation only while it is pending or labelled', () => {
    expect(tokenOf(UUID)).toBe(UUID);
    expect(rotationIdOf(UUID, ['AWSPENDING'])).toBe(UUID);
    expect(rotationIdOf(UUID, ['AWSCURRENT', rotationLabel(UUID)])).toBe(UUID);
    expect(rotationIdOf(UUID, ['AWSCURRENT'])).toBeUndefined();
    expect(rotationIdOf(UUID, ['AWSCURRENT', 'AWSPENDING'])).toBeUndefined();
  });

  it.each(['', 'r-1-', 'a b', 'x'.repeat(65), `keywheel-${'x'.repeat(30)}`, 'é'])('is refused for %j', (rotationId) => {
    expect(() => tokenOf(rotationId)).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG_INVALID', message: expect.stringContaining('cannot be used') }),
    );
  });
});

describe('a failed call', () => {
  const said = (name: string, status = 400, more: object = {}) =>
    Object.assign(new Error('the password is hunter2'), {
      name,
      $fault: status < 500 ? 'client' : 'server',
      $metadata: { httpStatusCode: status, requestId: 'a1-b2' },
      ...more,
    });

  it.each([
    [said('ExpiredTokenException'), 'ERR_STORE_LOGIN', false],
    [said('UnrecognizedClientException'), 'ERR_STORE_LOGIN', false],
    [said('InvalidIdentityTokenException'), 'ERR_STORE_LOGIN', false],
    [said('IDPRejectedClaimException', 403), 'ERR_STORE_LOGIN', false],
    [Object.assign(new Error('x'), { name: 'CredentialsProviderError' }), 'ERR_STORE_LOGIN', false],
    [said('AccessDeniedException'), 'ERR_STORE_FORBIDDEN', false],
    [said('SomethingNew', 403), 'ERR_STORE_FORBIDDEN', false],
    [said('ThrottlingException'), 'ERR_STORE_THROTTLED', true],
    [said('SomethingNew', 429), 'ERR_STORE_THROTTLED', true],
    [said('InternalServiceError', 500), 'ERR_STORE_UNAVAILABLE', true],
    [said('ServiceUnavailable', 503), 'ERR_STORE_UNAVAILABLE', true],
    [Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), 'ERR_STORE_UNAVAILABLE', true],
    [Object.assign(new Error('x'), { name: 'TimeoutError' }), 'ERR_STORE_UNAVAILABLE', true],
    [new SyntaxError('Unexpected token h in hunter2'), 'ERR_STORE_UNAVAILABLE', true],
    ['hunter2', 'ERR_STORE_UNAVAILABLE', true],
    [said('ResourceNotFoundException'), 'ERR_SECRET_NOT_FOUND', false],
    [said('DecryptionFailure'), 'ERR_STORE_KEY', false],
    [said('EncryptionFailure'), 'ERR_STORE_KEY', false],
    [said('PreconditionNotMetException'), 'ERR_STORE_FAILED', false],
    [said('LimitExceededException'), 'ERR_STORE_FULL', false],
    [said('InvalidRequestException'), 'ERR_STORE_FAILED', false],
    [said('SomethingNew'), 'ERR_STORE_FAILED', false],
    [new Error('Region is missing'), 'ERR_CONFIG_INVALID', false],
    [said('the password is hunter2'), 'ERR_STORE_FAILED', false],
  ])('is told by its name alone: %s', (error, code, retryable) => {
    const told = storeError(error, 'app/db', 'secret app/db could not be read');

    expect(told).toMatchObject({
      code,
      retryable,
      subject: 'app/db',
      message: expect.stringContaining('could not be read, because'),
    });
    expect(JSON.stringify([told.message, told.hint, told.cause])).not.toContain('hunter2');
  });

  it('is told with what a person gives to the vendor', () => {
    expect(awsFailure(said('DecryptionFailure')).text).toBe('DecryptionFailure (status 400, request a1-b2)');
  });
});

describe('a value', () => {
  it.each([
    [{ SecretString: 'hunter2' }, 'it is no JSON'],
    [{ SecretString: '"hunter2"' }, 'it is no object of fields'],
    [{ SecretString: '["hunter2"]' }, 'it is no object of fields'],
    [{ SecretString: '{"user":{"password":"hunter2"}}' }, 'its field "user" is no string'],
    [{ SecretString: 'null' }, 'it is no object of fields'],
    [{ SecretBinary: Buffer.from('hunter2') }, 'it is binary'],
    [{}, 'it is empty'],
  ])('that is no flat object is refused and not told: %#', (stored, why) => {
    const reading = () => decode('app/db', stored);

    expect(reading).toThrow(expect.objectContaining({ code: 'ERR_SECRET_INVALID', message: expect.stringContaining(why) }));
    expect(reading).not.toThrow(/hunter2/);
  });

  it('comes back as it was stored', () => {
    const field = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.constant(null),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.string(), field), (value) => {
        const text = encode('app/db', value);

        expect(encode('app/db', decode('app/db', { SecretString: text }))).toBe(text);
      }),
    );
  });

  it('over 64 KiB is refused', () => {
    expect(() => encode('app/db', { text: 'é'.repeat(32_768) })).toThrow(
      expect.objectContaining({ code: 'ERR_SECRET_INVALID', message: expect.stringContaining('65547 bytes') }),
    );
  });

  it.each(['', 'a b', 'app%', 'x'.repeat(513)])('has no name such as %j', (name) => {
    expect(() => checkName(name)).toThrow(
      expect.objectContaining({
        code: 'ERR_CONFIG_INVALID',
        message: expect.stringContaining('cannot be used in Secrets Manager'),
      }),
    );
  });
});
