/** Texts of a record, bounded. */
import type { View } from '../../view.ts';
import { capped } from '../common.ts';

/** The text of a field that is an identifier: at most 128 characters; undefined where it is none or empty. */
export function readBounded(view: View, field: number): string | undefined {
  const text = view.text(field);
  return text === undefined || text === '' ? undefined : capped(text, 128);
}
