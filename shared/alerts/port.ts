/** The Channel port: where people are told. Contract: `test/alerts/contract.ts`. */
import type { Alert, Band } from '../audit/index.ts';
import type { Clock, Random } from '../deps.ts';
import type { State } from '../state/index.ts';

/** A credential's fields as a store gives them. */
export type CredentialFields = Readonly<Record<string, string | number | boolean | null>>;

export interface AlertDeps {
  readonly clock: Clock;
  readonly random: Random;
  /** Resolves after `ms`, or as soon as the signal is given. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Remembers what was sent where, and who acknowledged. */
  readonly state: State;
  /** The current value of a secret in a store of keywheel.yaml; undefined when there is none. Called when a channel first needs it, and never before. */
  readonly readSecret: (credential: { readonly store: string; readonly secret: string }) => Promise<CredentialFields | undefined>;
}

export interface Acknowledgement {
  /** Slack's id of who pressed the button, such as `U0123456789`. */
  readonly by: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Milliseconds since the epoch, after which the incident is told of again. */
  readonly until: number;
}

export interface Channel {
  readonly kind: 'slack' | 'sns' | 'pubsub' | 'event-grid' | 'webhook';
  /** Unique among the channels of a configuration, the same in every run, and fit to print: `slack C0123456789`. */
  readonly name: string;
  /** The least band that is sent here. */
  readonly from: Exclude<Band, 'none'>;
  /**
   * Delivers one revision of one alert. Delivered again it is the same message where the channel knows one (a Slack thread, a deduplication id), and a
   * second one with the same id and revision where it does not. ERR_ALERT_LOGIN, ERR_ALERT_FORBIDDEN, ERR_ALERT_THROTTLED, ERR_ALERT_UNAVAILABLE or
   * ERR_ALERT_FAILED, after a bounded number of tries.
   */
  send(alert: Alert): Promise<void>;
  /** Says below the alert who has acknowledged it. Absent where a channel has no such place. */
  acknowledged?(incident: string, acknowledgement: Acknowledgement): Promise<void>;
  close?(): Promise<void>;
}
