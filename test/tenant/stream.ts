/** The acts of a tenant, hour by hour, in the order of their time. Memory holds the hours that are open, whatever the length of the stream. */
import type { Random } from './random.ts';
import { awsWriter } from './records/aws.ts';
import { azureWriter } from './records/azure.ts';
import { gcpWriter } from './records/gcp.ts';
import { vaultWriter } from './records/vault.ts';
import type { Writer } from './records/writer.ts';
import { HOUR, type Act, type Emit, type SourceName } from './types.ts';
import type { World } from './world.ts';

/** Comes into the stream at its hour; sees the tenant as it then is. */
export interface Injection {
  readonly at: number;
  inject(world: World, emit: Emit): void;
}

export function* acts(world: World, hours: number, injections: readonly Injection[] = []): Generator<Act> {
  const open = new Map<number, Act[]>();
  let hour = Math.floor(world.start / HOUR);
  const last = hour + hours;
  const emit: Emit = (act) => {
    // What is told late of the hour before is still taken into its place.
    const at = Math.max(Math.floor(act.time / HOUR), hour - 1);
    const acts = open.get(at);
    if (acts === undefined) open.set(at, [act]);
    else acts.push(act);
  };
  for (; hour <= last; hour += 1) {
    const start = hour * HOUR;
    if (hour < last) {
      // New services come while the list is walked.
      for (let index = 0; index < world.behaviours.length; index += 1) world.behaviours[index]?.hour(start, emit);
      for (const injection of injections) if (Math.floor(injection.at / HOUR) === hour) injection.inject(world, emit);
    }
    const ready = open.get(hour - 1);
    open.delete(hour - 1);
    if (ready === undefined) continue;
    ready.sort((one, other) => one.time - other.time);
    yield* ready;
  }
}

export function createWriters(random: Random): Readonly<Record<SourceName, Writer>> {
  return {
    aws: awsWriter(random.child('aws')),
    gcp: gcpWriter(random.child('gcp')),
    azure: azureWriter(random.child('azure')),
    vault: vaultWriter(random.child('vault')),
  };
}
