/** CloudTrail records for the bench: as long as real ones, all of Secrets Manager or mostly of others. */

const ELSEWHERE = [
  ['ec2', 'DescribeInstances'],
  ['s3', 'GetBucketAcl'],
  ['lambda', 'ListFunctions20150331'],
  ['logs', 'DescribeLogStreams'],
  ['elasticloadbalancing', 'DescribeLoadBalancers'],
  ['autoscaling', 'DescribeAutoScalingGroups'],
] as const;

const hex = (n: number, digits: number): string => n.toString(16).padStart(digits, '0');

/** A deterministic stream of numbers below 2^32. */
function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state;
  };
}

export interface RecordsOptions {
  readonly count: number;
  readonly principals: number;
  /** The share that concerns a secret store. */
  readonly relevant: number;
  readonly seed: number;
}

/** One line of NDJSON each, without its end. */
export function* cloudTrailLines({ count, principals, relevant, seed }: RecordsOptions): Generator<string> {
  const next = numbers(seed);
  const start = Date.UTC(2026, 5, 1);
  for (let index = 0; index < count; index += 1) {
    const time = new Date(start + Math.floor((index * 7 * 86_400_000) / count)).toISOString().replace(/\.\d{3}Z$/, 'Z');
    const who = (next() >>> 8) % principals;
    const secret = (who * 3 + ((next() >>> 8) % 5)) % (principals * 3);
    const about = (next() >>> 8) / 0x100_0000 < relevant;
    const [service, action] = about
      ? (['secretsmanager', 'GetSecretValue'] as const)
      : (ELSEWHERE[(next() >>> 8) % ELSEWHERE.length] ?? ELSEWHERE[0]);
    const arn = `arn:aws:secretsmanager:eu-west-1:111122223333:secret:team-${secret % 17}/service-${secret}/database-AbCdEf`;
    yield JSON.stringify({
      eventVersion: '1.11',
      userIdentity: {
        type: 'AssumedRole',
        principalId: `AROA${hex(who, 16).toUpperCase()}:i-${hex(who * 31, 17)}`,
        arn: `arn:aws:sts::111122223333:assumed-role/service-${who}-role/i-${hex(who * 31, 17)}`,
        accountId: '111122223333',
        accessKeyId: `ASIA${hex(who * 17, 16).toUpperCase()}`,
        sessionContext: {
          sessionIssuer: {
            type: 'Role',
            principalId: `AROA${hex(who, 16).toUpperCase()}`,
            arn: `arn:aws:iam::111122223333:role/service-${who}-role`,
            accountId: '111122223333',
            userName: `service-${who}-role`,
          },
          attributes: { creationDate: time, mfaAuthenticated: 'false' },
          ec2RoleDelivery: '2.0',
        },
      },
      eventTime: time,
      eventSource: `${service}.amazonaws.com`,
      eventName: action,
      awsRegion: 'eu-west-1',
      sourceIPAddress: `10.${who & 15}.${(who >> 4) & 255}.${1 + (index & 127)}`,
      userAgent:
        'aws-sdk-java/2.29.43 md/io#sync md/http#Apache ua/2.1 os/Linux#6.1.115 lang/java#21.0.5 md/OpenJDK_64-Bit_Server_VM#21.0.5+11-LTS cfg/retry-mode#standard',
      requestParameters: about
        ? { secretId: arn }
        : { maxResults: 100, filterSet: { items: [{ name: 'tag:team', valueSet: { items: [{ value: `t${who}` }] } }] } },
      responseElements: null,
      requestID: `${hex(next(), 8)}-${hex(index & 0xffff, 4)}-4${hex(who & 0xfff, 3)}-9${hex(who & 0xfff, 3)}-${hex(next(), 12)}`,
      eventID: `${hex(next(), 8)}-${hex(index & 0xffff, 4)}-4${hex(who & 0xfff, 3)}-8${hex(who & 0xfff, 3)}-${hex(index, 12)}`,
      readOnly: true,
      eventType: 'AwsApiCall',
      managementEvent: true,
      recipientAccountId: '111122223333',
      eventCategory: 'Management',
      tlsDetails: {
        tlsVersion: 'TLSv1.3',
        cipherSuite: 'TLS_AES_128_GCM_SHA256',
        clientProvidedHostHeader: `${service}.eu-west-1.amazonaws.com`,
      },
    });
  }
}
