/** Families of clients, from user agents. A user agent is what a client says of itself: a hint, never proof. */

import { createMemory } from './common-memory.ts';

const seen = createMemory<string, string>(2_048);
/** What says the family stands in front, or in a list of products that is not longer. */
const LOOKED_AT = 512;

/** The first that the lower-cased text has counts: tools before the SDKs that they are made with. */
const FAMILIES: readonly (readonly [part: string, family: string])[] = [
  ['terraform', 'terraform'],
  ['opentofu', 'terraform'],
  ['pulumi', 'pulumi'],
  ['cloudformation', 'cloudformation'],
  ['aws-cdk', 'aws-cdk'],
  ['ansible', 'ansible'],
  ['aws-cli', 'aws-cli'],
  ['boto3', 'boto3'],
  ['botocore', 'botocore'],
  ['aws-sdk-js', 'aws-sdk-js'],
  ['aws-sdk-nodejs', 'aws-sdk-js'],
  ['aws-sdk-java', 'aws-sdk-java'],
  ['aws-sdk-kotlin', 'aws-sdk-java'],
  ['aws-sdk-go', 'aws-sdk-go'],
  ['aws-sdk-dotnet', 'aws-sdk-dotnet'],
  ['aws-sdk-net', 'aws-sdk-dotnet'],
  ['aws-sdk-php', 'aws-sdk-php'],
  ['aws-sdk-ruby', 'aws-sdk-ruby'],
  ['aws-sdk-rust', 'aws-sdk-rust'],
  ['aws-sdk-cpp', 'aws-sdk-cpp'],
  ['aws-tools-', 'aws-powershell'],
  ['awspowershell', 'aws-powershell'],
  ['aws secrets manager agent', 'aws-secrets-agent'],
  ['azurecli', 'azure-cli'],
  ['azure-cli', 'azure-cli'],
  ['azurepowershell', 'azure-powershell'],
  ['azsdk-net', 'azsdk-net'],
  ['azsdk-python', 'azsdk-python'],
  ['azsdk-js', 'azsdk-js'],
  ['azsdk-java', 'azsdk-java'],
  ['azsdk-go', 'azsdk-go'],
  ['azsdk-cpp', 'azsdk-cpp'],
  ['azsdk-rust', 'azsdk-rust'],
  ['gcloud', 'gcloud'],
  ['google-cloud-sdk', 'gcloud'],
  ['vault agent', 'vault-agent'],
  ['vault proxy', 'vault-proxy'],
  ['openbao agent', 'vault-agent'],
  ['openbao proxy', 'vault-proxy'],
  ['console.amazonaws.com', 'console'],
  ['console.aws.amazon.com', 'console'],
  ['signin.amazonaws.com', 'console'],
  ['.amazonaws.com', 'service'],
  ['aws internal', 'service'],
  ['mozilla/', 'browser'],
];

/** Products by their first word, where it is not the family's name already. */
const PRODUCTS = new Map([
  ['vault', 'vault-cli'],
  ['openbao', 'vault-cli'],
  ['bao', 'vault-cli'],
  ['go-http-client', 'go-http'],
  ['python-urllib3', 'python-urllib'],
  ['python-urllib', 'python-urllib'],
  ['postmanruntime', 'postman'],
]);

const AUTOMATION: ReadonlySet<string> = new Set(['terraform', 'pulumi', 'cloudformation', 'aws-cdk', 'ansible']);

/**
 * The family of a client, without version, system or anything else that a release changes: `aws-cli`, `boto3`, `terraform`, `browser`, or else the
 * first product's name, at most 32 characters of `a-z 0-9 - _ .`; `unknown` where there is none.
 */
export function clientOf(userAgent: string | undefined): string {
  if (userAgent === undefined || userAgent === '') return 'unknown';
  const text = userAgent.length > LOOKED_AT ? userAgent.slice(0, LOOKED_AT) : userAgent;
  return seen.get(text) ?? seen.keep(text, read(text.toLowerCase()));
}

/** Whether a family is a tool that manages infrastructure. */
export const isAutomation = (family: string): boolean => AUTOMATION.has(family);

function read(text: string): string {
  for (const [part, family] of FAMILIES) if (text.includes(part)) return family;
  const name = productOf(text);
  return PRODUCTS.get(name) ?? name;
}

/** The first word up to its version, without the digits that a release would change. */
function productOf(text: string): string {
  let name = '';
  for (const letter of text) {
    const isName = (letter >= 'a' && letter <= 'z') || letter === '-' || letter === '_' || letter === '.';
    const isDigit = letter >= '0' && letter <= '9';
    if (name === '' ? !isName || letter === '.' : !isName && !isDigit) {
      // Leading brackets and quotes are passed over; later, anything else ends the name.
      if (name === '' && '["\'( '.includes(letter)) continue;
      break;
    }
    name += letter;
    if (name.length === 32) break;
  }
  // `tool-1.2.3` and `tool1` are `tool`.
  let end = name.length;
  while (end > 0 && '0123456789.-_'.includes(name[end - 1] ?? '')) end -= 1;
  return end === 0 ? 'unknown' : name.slice(0, end);
}
