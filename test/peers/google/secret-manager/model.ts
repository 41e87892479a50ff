/**
 * Secret Manager's state, as the documentation describes it. Every change makes a new record and keeps the old one, so that readers can be
 * shown what was true a while ago.
 */
import { status } from '@grpc/grpc-js';
import { RpcError } from '../grpc.ts';
import { timestamp, type SecretRecord, type VersionState } from './messages.ts';
import { invalid } from './rules.ts';

/** A resource name taken apart; `version` may be a number, an alias or `latest`. */
export interface Name {
  readonly parent: string;
  readonly location: string | undefined;
  readonly secret: string;
  readonly version: string | undefined;
}

const RESOURCE = /^projects\/([^/]+)(?:\/locations\/([^/]+))?(?:\/secrets\/([^/]+)(?:\/versions\/([^/]+))?)?$/;

export class SecretModel {
  readonly project: string;
  /** Names that Google gives out carry the project's number, whatever the caller wrote: https://google.aip.dev/122#resource-id-aliases */
  readonly projectNumber: string;
  private readonly now: () => number;
  private readonly history = new Map<string, { at: number; record: SecretRecord | undefined }[]>();
  private changes = 0;

  constructor(project: string, projectNumber: string, now: () => number) {
    this.project = project;
    this.projectNumber = projectNumber;
    this.now = now;
  }

  parse(resource: unknown, depth: 'parent' | 'secret' | 'version'): Name {
    const [, project, location, secret, version] = RESOURCE.exec(String(resource)) ?? [];
    if (
      project === undefined ||
      (depth === 'parent') !== (secret === undefined) ||
      (depth === 'version') !== (version !== undefined)
    ) {
      throw invalid(`Resource ID [${String(resource)}] is not in a valid format.`);
    }
    // A project that is not the caller's answers as one that the caller may not use: https://google.aip.dev/211
    if (project !== this.project && project !== this.projectNumber) {
      throw new RpcError(status.PERMISSION_DENIED, `Permission denied on resource project ${project}.`);
    }
    const parent = `projects/${this.projectNumber}${location === undefined ? '' : `/locations/${location}`}`;
    return { parent, location, secret: secret ?? '', version };
  }

  nameOf(name: Name): string {
    return `${name.parent}/secrets/${name.secret}`;
  }

  /** What was true `lag` milliseconds ago. */
  find(name: Name, lag = 0): SecretRecord | undefined {
    return this.history.get(this.nameOf(name))?.findLast((each) => each.at <= this.now() - lag)?.record;
  }

  must(name: Name, lag = 0): SecretRecord {
    const record = this.find(name, lag);
    if (record === undefined) throw new RpcError(status.NOT_FOUND, `Secret [${this.nameOf(name)}] not found.`);
    return record;
  }

  /** Newest first, as ListSecrets sorts (service.proto, ListSecretsResponse). */
  under(parent: string, lag = 0): SecretRecord[] {
    return [...this.history]
      .filter(([key]) => key.startsWith(`${parent}/secrets/`))
      .map(([, states]) => states.findLast((each) => each.at <= this.now() - lag)?.record)
      .filter((record) => record !== undefined)
      .reverse();
  }

  save(name: Name, record: SecretRecord | undefined): void {
    const states = this.history.get(this.nameOf(name)) ?? [];
    states.push({ at: this.now(), record });
    this.history.set(this.nameOf(name), states);
  }

  /** Quotation marks are part of an etag: https://docs.cloud.google.com/secret-manager/docs/etags */
  etag(): string {
    this.changes += 1;
    return `"${(0x16_0000_0000_0000 + this.changes).toString(16)}"`;
  }

  /**
   * A number, an alias, or `latest`, which is the version created last whatever its state is (service.proto, AccessSecretVersionRequest; so
   * a disabled newest version makes `latest` fail).
   */
  indexOf(name: Name, record: SecretRecord): number {
    const count = record.versions.length;
    const { version = '' } = name;
    if (count === 0) throw new RpcError(status.NOT_FOUND, `Secret [${this.nameOf(name)}] not found or has no versions.`);
    const wanted = version === 'latest' ? String(count) : (record.secret.versionAliases[version] ?? version);
    const number = /^[1-9]\d*$/.test(wanted) ? Number(wanted) : 0;
    if (number < 1 || number > count) {
      throw new RpcError(status.NOT_FOUND, `Secret Version [${this.nameOf(name)}/versions/${version}] not found.`);
    }
    return number - 1;
  }

  /**
   * Moves a version to another state. A destroyed one stays so (resources.proto, `State.DESTROYED`); with `version_destroy_ttl` it is disabled
   * and destroyed later (https://docs.cloud.google.com/secret-manager/docs/delay-destruction-of-secret-versions).
   */
  transition(name: Name, etag: unknown, to: VersionState): SecretRecord['versions'][number] {
    // "Access by alias is only be supported on GetSecretVersion and AccessSecretVersion" (resources.proto, `version_aliases`).
    if (!/^\d+$/.test(name.version ?? '')) throw invalid('The version must be named by its number.');
    const record = this.must(name);
    const index = this.indexOf(name, record);
    const before = record.versions[index];
    if (before === undefined) throw new RpcError(status.INTERNAL, 'no such index');
    checkEtag(etag, before.message.etag);
    if (before.message.state === 'DESTROYED') {
      throw new RpcError(status.FAILED_PRECONDITION, 'SecretVersion.state is already DESTROYED.');
    }
    const ttl = Number(record.secret.versionDestroyTtl?.seconds ?? 0) * 1000;
    const { scheduledDestroyTime: _, ...message } = before.message;
    const etagged = { ...message, etag: this.etag() };
    const after =
      to !== 'DESTROYED'
        ? { ...before, message: { ...etagged, state: to } }
        : ttl > 0
          ? { ...before, message: { ...etagged, state: 'DISABLED' as const, scheduledDestroyTime: timestamp(this.now() + ttl) } }
          : { message: { ...etagged, state: to, destroyTime: timestamp(this.now()) } };
    this.save(name, { ...record, versions: record.versions.with(index, after) });
    return after;
  }
}

/**
 * An etag that is given and is not the stored one fails the call with FAILED_PRECONDITION; none given, no check. Every change renews it, also
 * one that changes nothing, and a version's changes leave the secret's: https://docs.cloud.google.com/secret-manager/docs/etags
 */
export function checkEtag(given: unknown, stored: string): void {
  if (typeof given !== 'string' || given === '' || given === stored) return;
  throw new RpcError(
    status.FAILED_PRECONDITION,
    "The etag provided in the request does not match the resource's current etag. Please retry the whole read-modify-write with exponential backoff.",
  );
}
