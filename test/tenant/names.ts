/** Names, addresses and clients that tell nothing: everybody, attackers too, draws from here. */
import type { Random } from './random.ts';
import type { Client, Network, SourceName } from './types.ts';

const STEMS =
  'orders billing invoice catalog search ledger payout basket pricing stock media notify mailer audit report export sync ingest feed relay gateway edge proxy auth session profile account tenant quota usage meter policy rules risk score match route geo track fleet ship label return refund tax claim quote offer promo loyalty review rating graph index crawl scrape render resize thumb video audio chat voice push sms webhook event queue stream batch cron job worker runner agent probe bench admin portal console desk helpdesk crm erp hr payroll people wiki docs forms survey poll vote bid auction trade settle clear custody wallet card bank fraud kyc ml model train feature embed vector data lake warehouse etl dbt spark flink kafka redis mongo mysql pg core base common shared platform infra'.split(
    ' ',
  );
const TAILS = 'api svc service worker web job consumer handler sync daemon bff backend processor loader adapter'.split(' ');
const WHAT =
  'db-password db api-key token client-secret smtp webhook-key license tls-key signing-key oauth redis-auth kafka-sasl stripe sendgrid datadog-key sentry-dsn github-token slack-hook jwt-secret encryption-key s3-keys ldap-bind service-account'.split(
    ' ',
  );
const GIVEN =
  'ana ben carla dmitri elena farid grace hugo ines jonas kavya liam mira noor olga pavel quinn rosa sven tara umar vera wen xenia yusuf zoe amir bea chen dora emil fatou gita henk ivan jaya kofi lena marco nina omar petra rui sara tomas uma viktor wanda'.split(
    ' ',
  );
const FAMILY =
  'abel brandt costa diaz egger farah gupta haas ito jansen kumar lopez meyer novak okafor patel quist rossi silva tanaka urban varga weber xu yilmaz zeman adeyemi bauer cohen dubois'.split(
    ' ',
  );
const STAGES = ['prod', 'production', 'prd', 'live', 'stg', 'staging', 'shared', 'common', 'eu', 'us'];

export const stem = (random: Random): string => random.pick(STEMS);
export const serviceName = (random: Random): string =>
  random.chance(0.3)
    ? `${stem(random)}-${stem(random)}-${random.pick(TAILS)}`
    : `${stem(random)}-${random.pick(TAILS)}${random.chance(0.15) ? `-${random.whole(2, 9)}` : ''}`;

export function personName(random: Random): string {
  const number = random.chance(0.1) ? `${random.whole(1, 9)}` : '';
  return `${random.pick(GIVEN)}.${random.pick(FAMILY)}${number}`;
}

/** A secret's name in the manner of a house: every tenant has its own. */
export function secretName(random: Random, owner: string, style: number): string {
  const what = random.chance(0.3) ? `${stem(random)}-${random.pick(WHAT)}` : random.pick(WHAT);
  const extra = random.chance(0.4) ? `-${random.whole(1, 40)}` : '';
  const stage = STAGES[style % STAGES.length] as string;
  if (style % 3 === 0) return `${stage}/${owner}/${what}${extra}`;
  if (style % 3 === 1) return `${owner}/${what}${extra}`;
  return `${stage}-${owner}-${what}${extra}`;
}

/** First octets that are mostly of clouds, and of internet providers. */
const CLOUD: Readonly<Record<SourceName, readonly number[]>> = {
  aws: [3, 13, 18, 34, 35, 44, 52, 54],
  gcp: [34, 35],
  azure: [4, 13, 20, 40, 52],
  vault: [3, 18, 34, 35, 52],
};
const PROVIDERS = [
  24, 31, 46, 62, 71, 73, 77, 78, 79, 80, 81, 82, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 95, 97, 98, 99, 109, 151, 176, 178, 188,
];
const HOSTERS = [
  5, 37, 45, 51, 64, 94, 104, 128, 134, 138, 139, 142, 143, 146, 157, 159, 161, 165, 167, 185, 192, 193, 194, 195, 198, 206, 209,
  212,
];

const octets = (first: number, random: Random, parts: number): string => {
  let made = `${first}`;
  for (let at = 1; at < parts; at += 1) made += `.${random.whole(1, 254)}`;
  return made;
};

/** A /24 of an internet provider: a home, an office, a mobile network. */
export const providerPrefix = (random: Random): string => octets(random.pick(PROVIDERS), random, 3);
/** A /24 of somebody who rents servers: VPN exits, scanners as a service, runners, attackers. */
export const hosterPrefix = (random: Random): string => octets(random.pick(HOSTERS), random, 3);
export const cloudPrefix = (random: Random, source: SourceName): string => octets(random.pick(CLOUD[source]), random, 3);
export const inPrefix = (prefix: string, random: Random): string => `${prefix}.${random.whole(2, 253)}`;

/** One address, or few: a NAT gateway. */
export function natOf(random: Random, source: SourceName, count = 2): Network {
  const addresses = Array.from({ length: count }, () => inPrefix(cloudPrefix(random, source), random));
  return { address: (drawn) => drawn.pick(addresses), endpoint: '' };
}

/** A private network that reaches the store by an endpoint. */
export function privateOf(random: Random, source: SourceName): Network {
  const prefix = random.chance(0.7) ? `10.${random.whole(0, 254)}` : `172.${random.whole(16, 31)}`;
  const subnets = Array.from({ length: random.whole(1, 3) }, () => random.whole(0, 250));
  return {
    address: (drawn) => `${prefix}.${drawn.pick(subnets)}.${drawn.whole(4, 250)}`,
    endpoint: source === 'vault' ? '' : `vpce-0${random.hex(16)}`,
  };
}

/** Machines with public addresses all over a cloud's ranges: hosted runners, autoscaled pools. */
export const poolOf = (source: SourceName): Network => ({
  address: (drawn) => inPrefix(cloudPrefix(drawn, source), drawn),
  endpoint: '',
});

/** An IPv6 provider's /48, with a fresh interface for every visit. */
export function ipv6Prefix(random: Random): string {
  return `2a0${random.whole(0, 9)}:${random.hex(4)}:${random.hex(4)}`;
}
export const ipv6In = (prefix: string, random: Random): string =>
  `${prefix}:${random.whole(1, 9)}:${random.hex(4)}:${random.hex(4)}:${random.hex(4)}:${random.hex(4)}`.replaceAll(
    /:0+(?=[\da-f])/g,
    ':',
  );

const BROWSERS = [
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15',
];

export function browser(random: Random): Client {
  const agent = random.pick(BROWSERS);
  return { agents: { aws: agent, gcp: `${agent},gzip(gfe)`, azure: agent, vault: agent }, console: true };
}

/** A command line. */
export function cli(random: Random): Client {
  const minor = random.whole(9, 24);
  const os = random.chance(0.5) ? 'macos#24.1.0' : 'linux#6.8.0-1018';
  return {
    agents: {
      aws: `aws-cli/2.${minor}.${random.whole(0, 30)} md/awscrt#0.2${random.whole(0, 3)}.4 ua/2.0 os/${os} md/arch#${random.pick(['arm64', 'x86_64'])} lang/python#3.12.6 md/pyimpl#CPython cfg/retry-mode#standard md/installer#exe md/prompt#off md/command#secretsmanager.get-secret-value`,
      gcp: `google-cloud-sdk gcloud/${random.whole(480, 510)}.0.0 command/gcloud.secrets.versions.access invocation-id/${random.hex(32)} environment/None environment-version/None client-os/MACOSX client-os-ver/24.1.0 client-pltf-arch/arm interactive/True from-script/False python/3.12.7 term/xterm-256color (Macintosh; Intel Mac OS X 24.1.0),gzip(gfe)`,
      azure: `python/3.12.7 (Darwin-24.1.0-arm64) AZURECLI/2.${random.whole(60, 70)}.0`,
      vault: 'Go-http-client/1.1',
    },
    console: false,
  };
}

const SDKS: readonly ((random: Random) => Client['agents'])[] = [
  (random) => ({
    aws: `Boto3/1.${random.whole(34, 36)}.${random.whole(0, 99)} md/Botocore#1.35.${random.whole(0, 99)} ua/2.0 os/linux#5.10.${random.whole(200, 240)} md/arch#x86_64 lang/python#3.12.${random.whole(1, 8)} md/pyimpl#CPython cfg/retry-mode#legacy Botocore/1.35.9`,
    gcp: `grpc-python/1.${random.whole(60, 68)}.1 grpc-c/43.0.0 (linux; chttp2),gzip(gfe)`,
    azure: `azsdk-python-keyvault-secrets/4.${random.whole(7, 9)}.0 Python/3.12.4 (Linux-5.15.0-1074-azure-x86_64-with-glibc2.36)`,
    vault: 'python-requests/2.32.3',
  }),
  (random) => ({
    aws: `aws-sdk-js/3.${random.whole(600, 720)}.0 ua/2.1 os/linux#5.10.228 lang/js md/nodejs#20.18.1 api/secrets-manager#3.${random.whole(600, 720)}.0 exec-env/AWS_Lambda_nodejs20.x`,
    gcp: `grpc-node-js/1.12.${random.whole(0, 6)},gzip(gfe)`,
    azure: `azsdk-js-keyvault-secrets/4.9.0 core-rest-pipeline/1.${random.whole(16, 19)}.0 Node/20.18.1 OS/(x64-Linux-5.15.0)`,
    vault: 'axios/1.7.9',
  }),
  (random) => ({
    aws: `aws-sdk-go-v2/1.${random.whole(28, 33)}.${random.whole(0, 9)} ua/2.1 os/linux lang/go#1.23.${random.whole(0, 5)} md/GOOS#linux md/GOARCH#arm64 api/secretsmanager#1.34.${random.whole(0, 9)}`,
    gcp: `grpc-go/1.${random.whole(64, 69)}.0,gzip(gfe)`,
    azure: `azsdk-go-azsecrets/v1.${random.whole(1, 3)}.0 (go1.23.4; linux)`,
    vault: `Go-http-client/1.1`,
  }),
  (random) => ({
    aws: `aws-sdk-java/2.${random.whole(26, 29)}.${random.whole(0, 45)} Linux/5.10.228-219.884.amzn2.x86_64 OpenJDK_64-Bit_Server_VM/21.0.5+11-LTS Java/21.0.5 vendor/Amazon.com_Inc. io/sync http/Apache cfg/retry-mode/legacy`,
    gcp: `grpc-java-netty/1.${random.whole(62, 69)}.0,gzip(gfe)`,
    azure: `azsdk-java-azure-security-keyvault-secrets/4.9.${random.whole(0, 2)} (21.0.5; Linux; 5.15.0-1074-azure)`,
    vault: 'spring-vault-core/3.1.2',
  }),
];

/** What a program uses. */
export const sdk = (random: Random): Client => ({ agents: random.pick(SDKS)(random), console: false });

/** The same client, some versions on. */
export function upgraded(client: Client, random: Random): Client {
  const bump = (text: string): string =>
    text.replace(/\/(\d+)\.(\d+)/, (_, major: string, minor: string) => `/${major}.${Number(minor) + random.whole(1, 3)}`);
  const { aws, gcp, azure, vault } = client.agents;
  return { console: client.console, agents: { aws: bump(aws), gcp: bump(gcp), azure: bump(azure), vault: bump(vault) } };
}

export function terraform(random: Random): Client {
  const version = `1.${random.whole(6, 10)}.${random.whole(0, 5)}`;
  return {
    agents: {
      aws: `APN/1.0 HashiCorp/1.0 Terraform/${version} (+https://www.terraform.io) terraform-provider-aws/5.${random.whole(60, 80)}.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.32.6 ua/2.1 os/linux lang/go#1.23.3 md/GOOS#linux md/GOARCH#amd64 api/secretsmanager#1.34.6`,
      gcp: `Terraform/${version} (+https://www.terraform.io) Terraform-Plugin-SDK/2.33.0 terraform-provider-google/6.${random.whole(8, 14)}.0,gzip(gfe)`,
      azure: `Go/go1.22.7 (amd64-linux) go-autorest/v14.2.1 hashicorp/go-azure-sdk/resource-manager (terraform-provider-azurerm/4.${random.whole(8, 14)}.0 Terraform/${version})`,
      vault: `Terraform/${version} (+https://www.terraform.io) Terraform-Plugin-SDK/2.34.0 terraform-provider-vault/4.5.0`,
    },
    console: false,
  };
}
