/** Shapes that several parts of keywheel.yaml share. zod is imported as a namespace: the named import would bundle five times as much. */
import * as z from 'zod';
import { DURATION_PATTERN, parseDuration } from './duration.ts';

export const duration = z
  .string()
  .regex(DURATION_PATTERN, 'write a duration such as 90s, 15m, 1h or 30d')
  .transform((text) => parseDuration(text) ?? 0);

export const host = z.string().min(1);
export const port = z.int().min(1).max(65_535);

/** An address that a vendor's client is pointed at instead of the vendor's own: an emulator, a private endpoint, a proxy. */
export const endpoint = z
  .string()
  .regex(/^https?:\/\/[^\s/?#@]+(\/[^\s?#]*)?$/, 'write an address such as https://host:8443, without a user, query or fragment')
  .describe(
    'Another address for the vendor’s API: a private endpoint or an emulator. http is refused for hosts other than loopback.',
  );
