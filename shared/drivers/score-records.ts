/** One delivery to events: its envelope opened, the objects that it names fetched, its records parsed. */
import type { AuditEvent } from '../audit/index.ts';
import type { Scoring } from './score-open.ts';

export interface ReadDelivery {
  readonly events: readonly AuditEvent[];
  readonly records: number;
  readonly malformed: number;
  /** The first few. */
  readonly problems: readonly { readonly address: string; readonly message: string }[];
  /** Why nothing at all of it could be read; undefined when something could, or when there is nothing to read. */
  readonly unreadable: string | undefined;
}

const PROBLEMS = 5;
/** Packed bytes of one object. CloudTrail writes a file when five minutes have passed, or some megabytes are full. */
const OBJECT = 64 * 1024 * 1024;

/** ERR_TRAIL codes when an object cannot be fetched: the delivery must come again. */
export async function readDelivery(scoring: Scoring, payload: unknown, received: number): Promise<ReadDelivery> {
  const { audit } = scoring;
  const parse = audit.createParser('auto', { received });
  const events: AuditEvent[] = [];
  const problems: { address: string; message: string }[] = [];
  let records = 0;
  let malformed = 0;
  const tell = (address: string, message: string): void => {
    malformed += 1;
    if (problems.length < PROBLEMS) problems.push({ address, message });
  };
  const take = (bytes: Buffer, start: number, end: number, address: () => string): void => {
    records += 1;
    const parsed = parse(bytes, start, end);
    if (!('skip' in parsed)) events.push(parsed);
    else if (parsed.skip === 'malformed') tell(address(), 'it is not what its source writes');
  };

  const unwrapped = audit.unwrapPayload(payload);
  for (const { bytes, start, end, address } of unwrapped.records) take(bytes, start, end, () => address);
  for (const { address, message } of unwrapped.problems) tell(address, message);
  for (const reference of unwrapped.references) {
    const objects = await scoring.objects();
    const where = `s3://${reference.bucket}/${reference.key}`;
    await audit.readRecords(
      [await objects.read(reference, OBJECT)],
      { tell: ({ kind, address, message }) => void (kind === 'control' || tell(`${where}, ${address}`, message)) },
      (bytes, start, end, place) => take(bytes, start, end, () => `${where}, ${place.address()}`),
    );
  }
  const nothing = malformed > 0 && records <= malformed && events.length === 0;
  return { events, records, malformed, problems, unreadable: nothing ? problems[0]?.message : undefined };
}
