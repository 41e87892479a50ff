/**
 * What is known of versions for good. A version's value and date never change, so each is asked for once: DescribeSecret tells neither, and
 * asking GetSecretValue again would decrypt, and be in CloudTrail, for nothing.
 */
import type { GetSecretValueResponse } from '@aws-sdk/client-secrets-manager';
import { setTimeout as delay } from 'node:timers/promises';
import type { Calls } from './calls.ts';
import { isNamed, storeError } from './failures.ts';

const MOST = 10_000;

export interface Facts {
  /** Milliseconds since the epoch, once it is known. */
  createdAt(name: string, version: string): number | undefined;
  learnDates(name: string, versions: readonly string[]): Promise<void>;
  hasValue(name: string, version: string): Promise<boolean>;
  /** In a rehearsal: as if it were written. */
  suppose(name: string, version: string, now: number): void;
  /**
   * Undefined when there is no such version, or it has no value, also after each of `pauses` (milliseconds): a version may not be visible right
   * after it was written (github.com/aws/aws-sdk-js-v3/issues/7701).
   */
  get(name: string, at: At, pauses?: readonly number[]): Promise<Got | undefined>;
}

type At = { readonly VersionId: string } | { readonly VersionStage: string };
export type Got = GetSecretValueResponse & { readonly VersionId: string };

export function openFacts(calls: Calls): Facts {
  const dates = new Map<string, number>();
  const valued = new Set<string>();
  const keyOf = (name: string, version: string): string => `${name}\0${version}`;
  const learn = (name: string, version: string, date: Date | undefined): void => {
    if (dates.size >= MOST) dates.clear();
    const key = keyOf(name, version);
    if (date !== undefined && !dates.has(key)) dates.set(key, date.getTime());
  };

  async function getOnce(name: string, at: At): Promise<Got | undefined> {
    const where = 'VersionId' in at ? `version ${at.VersionId}` : at.VersionStage;
    try {
      const got = await calls.read(`GetSecretValue ${name} ${where}`, (service) =>
        service.getSecretValue({ SecretId: name, ...at }),
      );
      const { VersionId } = got;
      if (VersionId === undefined) return undefined;
      learn(name, VersionId, got.CreatedDate);
      if (valued.size >= MOST) valued.clear();
      valued.add(keyOf(name, VersionId));
      return { ...got, VersionId };
    } catch (error) {
      if (isNamed(error, 'ResourceNotFoundException')) return undefined;
      throw storeError(error, name, `secret ${name} could not be read`);
    }
  }

  async function get(name: string, at: At, pauses: readonly number[] = []): Promise<Got | undefined> {
    let got = await getOnce(name, at);
    for (const pause of pauses) {
      if (got !== undefined) break;
      await delay(pause);
      got = await getOnce(name, at);
    }
    return got;
  }

  return {
    createdAt: (name, version) => dates.get(keyOf(name, version)),
    learnDates: async (name, versions) => {
      let next: string | undefined;
      while (versions.some((version) => !dates.has(keyOf(name, version)))) {
        const NextToken = next === undefined ? {} : { NextToken: next };
        const page = await calls
          .read(`ListSecretVersionIds ${name}`, (service) =>
            service.listSecretVersionIds({ SecretId: name, MaxResults: 100, ...NextToken }),
          )
          .catch((error: unknown) => {
            throw storeError(error, name, `versions of ${name} could not be listed`);
          });
        for (const { VersionId, CreatedDate } of page.Versions ?? []) {
          if (VersionId !== undefined) learn(name, VersionId, CreatedDate);
        }
        next = page.NextToken;
        if (next === undefined || next === '') return;
      }
    },
    suppose: (name, version, now) => {
      valued.add(keyOf(name, version));
      learn(name, version, new Date(now));
    },
    hasValue: async (name, version) =>
      valued.has(keyOf(name, version)) || (await getOnce(name, { VersionId: version })) !== undefined,
    get,
  };
}
