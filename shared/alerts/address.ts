/** Addresses that alerts are sent to. */
import { KeywheelError } from '../errors.ts';

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i;

export interface Address {
  readonly url: URL;
  /** http, to this machine. */
  readonly cleartext: boolean;
}

/** ERR_CONFIG_INVALID unless it is https, or http to this machine. The path is not told: it may be what authorizes. */
export function addressOf(address: string, subject: string): Address {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol === 'https:') return { url, cleartext: false };
  if (url?.protocol === 'http:' && LOOPBACK.test(url.hostname)) return { url, cleartext: true };
  throw new KeywheelError('ERR_CONFIG_INVALID', `${subject} cannot be used, its address is no https address`, {
    hint: 'write https://…; http is for this machine only',
    subject,
  });
}
