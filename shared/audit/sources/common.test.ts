import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { capped, clientOf, isAutomation, listOf, netOf, own, timeOf } from './common.ts';

describe('netOf', () => {
  it.each([
    ['203.0.113.24', 'public', '203.0.113.24', '203.0.113.0/24', '203.0.0.0/16'],
    ['203.0.113.24:51234', 'public', '203.0.113.24', '203.0.113.0/24', '203.0.0.0/16'],
    ['::ffff:203.0.113.24', 'public', '203.0.113.24', '203.0.113.0/24', '203.0.0.0/16'],
    ['::FFFF:CB00:7118', 'public', '203.0.113.24', '203.0.113.0/24', '203.0.0.0/16'],
    ['64:ff9b::203.0.113.24', 'public', '203.0.113.24', '203.0.113.0/24', '203.0.0.0/16'],
    ['10.1.2.3', 'private', '10.1.2.3', '10.1.2.0/24', '10.1.0.0/16'],
    ['172.31.0.1', 'private', '172.31.0.1', '172.31.0.0/24', '172.31.0.0/16'],
    ['172.32.0.1', 'public', '172.32.0.1', '172.32.0.0/24', '172.32.0.0/16'],
    ['192.168.0.9', 'private', '192.168.0.9', '192.168.0.0/24', '192.168.0.0/16'],
    ['100.64.0.1', 'private', '100.64.0.1', '100.64.0.0/24', '100.64.0.0/16'],
    ['100.128.0.1', 'public', '100.128.0.1', '100.128.0.0/24', '100.128.0.0/16'],
    ['127.0.0.1', 'private', '127.0.0.1', '127.0.0.0/24', '127.0.0.0/16'],
    ['169.254.169.254', 'private', '169.254.169.254', '169.254.169.0/24', '169.254.0.0/16'],
    ['::1', 'private', '::1', '::/48', '::/32'],
    ['fe80::1%eth0', 'private', 'fe80::1', 'fe80::/48', 'fe80::/32'],
    ['fd12:3456:789a:1::1', 'private', 'fd12:3456:789a:1::1', 'fd12:3456:789a::/48', 'fd12:3456::/32'],
    ['2001:DB8:0:0:1:0:0:1', 'public', '2001:db8::1:0:0:1', '2001:db8::/48', '2001:db8::/32'],
    ['[2001:db8:5:7::9]:443', 'public', '2001:db8:5:7::9', '2001:db8:5::/48', '2001:db8::/32'],
  ])('reads %s', (text, kind, ip, prefix, wide) => {
    expect(netOf(text)).toEqual({ kind, ip, prefix, wide });
  });

  it.each([
    '',
    'AWS Internal',
    'secretsmanager.amazonaws.com',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '256.1.1.1',
    '1::2::3',
    ':::',
    '1:2:3',
    '12345::',
    '[::1',
    '1.2.3.4:5:6',
  ])('finds no address in %j', (text) => {
    expect(netOf(text)).toEqual({ kind: 'none' });
  });

  it('finds none where there is none', () => {
    expect(netOf(undefined)).toEqual({ kind: 'none' });
  });

  it('writes every address as a URL would', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV6(), fc.ipV4()), (text) => {
        const { ip = '' } = netOf(text);
        const host = ip.includes(':') ? `[${ip}]` : ip;
        // The parser of URLs writes as RFC 5952 does, and keeps IPv4-mapped addresses apart: those are read as IPv4 here.
        expect(new URL(`http://${host}/`).hostname).toBe(host);
        const written = new URL(`http://${text.includes(':') ? `[${text}]` : text}/`).hostname;
        if (!written.includes('ffff:') && !written.includes('64:ff9b::')) expect(host).toBe(written);
      }),
    );
  });
});

describe('clientOf', () => {
  it.each([
    ['aws-cli/2.17.40 md/awscrt#0.21.2 ua/2.0 os/macos#23.6.0 lang/python#3.11.9 md/command#sts.get-caller-identity', 'aws-cli'],
    ['Boto3/1.35.20 md/Botocore#1.35.20 ua/2.0 os/linux#6.1', 'boto3'],
    ['aws-sdk-js/3.637.0 ua/2.1 os/linux#5.10 lang/js md/nodejs#20.16.0 api/secrets-manager#3.637.0', 'aws-sdk-js'],
    [
      'APN/1.0 HashiCorp/1.0 Terraform/1.9.5 (+https://www.terraform.io) terraform-provider-aws/5.64.0 aws-sdk-go-v2/1.30.4',
      'terraform',
    ],
    ['[Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36]', 'browser'],
    ['secretsmanager.amazonaws.com', 'service'],
    ['AWS Internal', 'service'],
    ['cloudformation.amazonaws.com', 'cloudformation'],
    ['python/3.10.12 (Linux-5.15.0-x86_64) AZURECLI/2.63.0', 'azure-cli'],
    ['azsdk-net-Security.KeyVault.Secrets/4.7.0 (.NET 8.0.8)', 'azsdk-net'],
    ['google-cloud-sdk gcloud/489.0.0 command/gcloud.secrets.versions.access', 'gcloud'],
    ['Vault/1.17.3 (+https://www.vaultproject.io/; go1.22.5)', 'vault-cli'],
    ['Vault Agent/1.17.3 (+https://www.vaultproject.io/; go1.22.5)', 'vault-agent'],
    ['Go-http-client/2.0', 'go-http'],
    ['curl/8.5.0', 'curl'],
    ['python-requests/2.32.3', 'python-requests'],
    ['my_tool2-1.4.9 build 7', 'my_tool'],
    ['grpc-node-js/1.11.1', 'grpc-node-js'],
    ['12345', 'unknown'],
    ['', 'unknown'],
  ])('takes %s for %s', (text, family) => {
    expect(clientOf(text)).toBe(family);
  });

  it('is bounded and plain whatever it is told', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.constant('a'.repeat(100_000))), (text) => {
        expect(clientOf(text)).toMatch(/^[a-z0-9._-]{1,32}$/);
      }),
    );
  });

  it('is the same for every version of one client', () => {
    fc.assert(
      fc.property(fc.nat(99), fc.nat(999), fc.nat(999), (major, minor, patch) => {
        expect(clientOf(`some-client/${major}.${minor}.${patch} os/linux#${patch}`)).toBe('some-client');
      }),
    );
  });

  it('knows what manages infrastructure', () => {
    expect([isAutomation('terraform'), isAutomation('cloudformation'), isAutomation('aws-cli')]).toEqual([true, true, false]);
  });
});

describe('timeOf', () => {
  it('reads what Date reads', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date('2200-01-01T00:00:00Z'), noInvalidDate: true }), (date) => {
        expect(timeOf(date.toISOString())).toBe(date.getTime());
      }),
    );
  });

  it.each([
    ['2026-11-20T09:15:42Z', '2026-11-20T09:15:42.000Z'],
    ['2026-11-20T09:15:42.1234567Z', '2026-11-20T09:15:42.123Z'],
    ['2026-11-20T09:15:42.123456789+02:00', '2026-11-20T07:15:42.123Z'],
    ['2026-11-20t09:15:42z', '2026-11-20T09:15:42.000Z'],
    ['2026-11-20 09:15:42', '2026-11-20T09:15:42.000Z'],
    ['2024-02-29T00:00:00-11:30', '2024-02-29T11:30:00.000Z'],
  ])('reads %s', (text, iso) => {
    expect(new Date(timeOf(text) ?? 0).toISOString()).toBe(iso);
  });

  it.each([
    '',
    '2026-11-20',
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-11-20T24:00:00Z',
    '2026-11-20T09:15:42.Z',
    '2026-11-20T09:15:42+2:00',
    '1969-12-31T23:59:59Z',
    '2026-11-20T09:15:42Zz',
  ])('reads no time in %j', (text) => {
    expect(timeOf(text)).toBeUndefined();
  });
});

describe('capped', () => {
  it('makes two spellings of one name one', () => {
    expect(capped('cafe\u0301', 10)).toBe(capped('caf\u00e9', 10));
  });

  it('is short and well-formed whatever comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 20 }), (text, max) => {
        const short = capped(text, max);
        expect(short.length).toBeLessThanOrEqual(max);
        expect(short.isWellFormed()).toBe(true);
      }),
    );
  });
});

describe('shapes', () => {
  it('takes own properties only', () => {
    expect(own({}, 'constructor')).toBeUndefined();
    expect(own({ a: 1 }, 'a')).toBe(1);
  });

  it('takes a lone value for a list of one, and no more than asked', () => {
    expect([listOf('a', 2), listOf(['a', 'b', 'c'], 2), listOf(undefined, 2), listOf(null, 2)]).toEqual([
      ['a'],
      ['a', 'b'],
      [],
      [],
    ]);
  });
});
