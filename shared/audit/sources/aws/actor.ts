/** What all readers of a userIdentity share. */
import type { Principal } from '../../event.ts';
import type { View } from '../../view.ts';
import { capped, NAME_MAX } from '../common.ts';
import { agentOf } from './agent.ts';
import { AWS } from './plan.ts';

export interface Actor {
  readonly principal: Principal;
  readonly flags: number;
  /** The service through which it came. */
  readonly invokedBy: string | undefined;
  /** The userIdentity's type; undefined where there is none. */
  readonly type: string | undefined;
}

/** What is read of every userIdentity, whatever its type. */
export interface Base {
  readonly view: View;
  readonly home: string | undefined;
  readonly account: string;
  readonly credential: string | undefined;
  readonly invokedBy: string | undefined;
  readonly type: string | undefined;
}

export const read = (view: View, field: number): string | undefined => {
  const text = view.text(field);
  return text === undefined || text === '' ? undefined : capped(text, NAME_MAX);
};

export const afterLast = (text: string, mark: string): string => text.slice(text.lastIndexOf(mark) + 1);

export const fromConsole = (view: View): boolean =>
  view.text(AWS.fromConsole) === 'true' || agentOf(view.text(AWS.userAgent)).console;

/** `i-` and 8 or 17 hexadecimal digits. */
export function isInstance(session: string): boolean {
  if (!session.startsWith('i-') || session.length < 10 || session.length > 19) return false;
  for (let at = 2; at < session.length; at += 1) if (!'0123456789abcdef'.includes(session[at] ?? '?')) return false;
  return true;
}
