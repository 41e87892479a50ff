/** What was read, for the summary. */
export interface Counts {
  records: number;
  parsed: number;
  ignored: number;
  duplicates: number;
  malformed: number;
}

export const freshCounts = (): Counts => ({ records: 0, parsed: 0, ignored: 0, duplicates: 0, malformed: 0 });
