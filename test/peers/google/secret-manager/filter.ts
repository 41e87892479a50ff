/**
 * The part of List-operation filtering that is documented for names, labels and states: `field:part` and `field=whole`, joined by AND, OR or
 * a space. https://docs.cloud.google.com/secret-manager/docs/filtering
 */
import { invalid } from './rules.ts';

interface Filterable {
  readonly name: string;
  readonly state?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export function filterOf(text: string): (item: Filterable) => boolean {
  const wanted = text.trim();
  if (wanted === '') return () => true;
  const anyOf = wanted.split(/\s+OR\s+/).map((part) => part.split(/\s+AND\s+|\s+/).map(term));
  return (item) => anyOf.some((terms) => terms.every((matches) => matches(item)));
}

function term(text: string): (item: Filterable) => boolean {
  const [, field = '', operator, raw = ''] = /^([A-Za-z_.]+)([:=])(.+)$/.exec(text) ?? [];
  const value = raw.replaceAll('"', '').toLowerCase();
  const read = (item: Filterable): string | undefined => {
    if (field === 'name') return item.name.split('/').at(-1);
    if (field === 'state') return item.state;
    return item.labels?.[field.slice('labels.'.length)];
  };
  if (operator === undefined || !(field === 'name' || field === 'state' || field.startsWith('labels.'))) {
    throw invalid(`The filter term [${text}] is not valid.`);
  }
  return (item) => {
    const found = read(item)?.toLowerCase();
    return found !== undefined && (operator === ':' ? found.includes(value) : found === value);
  };
}
