/** The scorer in this process: faster than a child, for the quick test and for tuning. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { isEvent, type AuditEvent } from '../../shared/audit/event.ts';
import { systemScorer } from '../../shared/audit/open.ts';
import { createParser } from '../../shared/audit/parse.ts';
import type { Incident } from '../../shared/audit/incidents/port.ts';
import { createPipeline, openMemoryProfiles } from '../../shared/audit/pipeline/index.ts';
import { settingsOf } from '../../shared/audit/settings.ts';
import { audit } from '../../shared/config/schema-audit.ts';
import type { Found } from './detection-judge.ts';
import type { Runner } from './detection-runs.ts';

/** Events that go through the scorer at once. */
const SLICE = 5000;

export const inside: Runner = async (files, canaries) => {
  const settings = settingsOf(canaries.length === 0 ? undefined : audit.parse({ canaries }));
  const pipeline = createPipeline({ settings, scorer: systemScorer(), profiles: openMemoryProfiles });
  const parse = createParser('auto', { received: Date.now() });
  const counts = { events: 0, parsed: 0, ignored: 0, malformed: 0, duplicates: 0 };
  const events: AuditEvent[] = [];
  for (const file of files) {
    const bytes = file.endsWith('.gz') ? gunzipSync(readFileSync(file)) : readFileSync(file);
    for (let start = 0; start < bytes.length;) {
      const found = bytes.indexOf(10, start);
      const end = found === -1 ? bytes.length : found;
      if (end > start) {
        counts.events += 1;
        const parsed = parse(bytes, start, end);
        if (isEvent(parsed)) events.push(parsed);
        else counts[parsed.skip === 'malformed' ? 'malformed' : 'ignored'] += 1;
      }
      start = end + 1;
    }
  }
  counts.parsed = events.length;
  events.sort((one, other) => one.time - other.time);
  const incidents = new Map<string, Incident>();
  for (let at = 0; at < events.length; at += SLICE) {
    const result = await pipeline.process(events.slice(at, at + SLICE));
    counts.duplicates += result.duplicates;
    for (const incident of result.incidents) incidents.set(incident.id, incident);
  }
  await pipeline.close();
  return { incidents: [...incidents.values()].map(foundOf), summary: counts };
};

const mark = ({ id, time }: Incident['firstEvent']): { id: string; time: string } => ({ id, time: new Date(time).toISOString() });

const foundOf = (incident: Incident): Found['incidents'][number] => ({
  id: incident.id,
  score: incident.score,
  alerted: incident.alertEvent !== null,
  title: incident.title,
  firstEvent: mark(incident.firstEvent),
  alertEvent: incident.alertEvent === null ? null : mark(incident.alertEvent),
  lastEvent: mark(incident.lastEvent),
  reasons: incident.reasons,
});
