/** Bytes of one record to an event, whichever store wrote it. */
import { sniff } from './envelope/index.ts';
import type { Parsed, Skip } from './event.ts';
import { viewOf } from './scan/index.ts';
import { awsSource } from './sources/aws.ts';
import { azureSource } from './sources/azure.ts';
import { gcpSource } from './sources/gcp.ts';
import { vaultSource } from './sources/vault.ts';
import type { ParseContext, SourceParser } from './source.ts';

const SOURCES: Readonly<Record<'aws' | 'gcp' | 'azure' | 'vault', SourceParser>> = {
  aws: awsSource,
  gcp: gcpSource,
  azure: azureSource,
  vault: vaultSource,
};

const NAMED = { auto: undefined, cloudtrail: awsSource, vault: vaultSource, gcp: gcpSource, azure: azureSource } as const;
export type NamedSource = keyof typeof NAMED;

const IRRELEVANT: Skip = { skip: 'irrelevant' };
const MALFORMED: Skip = { skip: 'malformed' };
const UNKNOWN: Skip = { skip: 'unknown' };

export type Parser = (bytes: Buffer, start: number, end: number) => Parsed;

/** `source`: whose records they are; `auto` decides record by record. */
export function createParser(source: NamedSource, context: ParseContext): Parser {
  const only = NAMED[source];
  return (bytes, start, end) => {
    let from = only;
    if (from === undefined) {
      const found = sniff(bytes, start, end);
      if (found === undefined) return viewOf(awsSource.plan, bytes, start, end) === 'malformed' ? MALFORMED : UNKNOWN;
      from = SOURCES[found];
    }
    if (!from.mayConcern(bytes, start, end)) return IRRELEVANT;
    const view = viewOf(from.plan, bytes, start, end);
    return view === 'malformed' ? MALFORMED : from.parse(view, context);
  };
}
