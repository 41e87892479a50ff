/** Lists of address ranges, as keywheel.yaml gives them. */
import { BlockList, isIP } from 'node:net';

type Takes = (ip: string | undefined) => boolean;

const never: Takes = () => false;
const compiled = new WeakMap<readonly string[], Takes>();
/** Addresses repeat; when so many differ, the memory of answers starts again. */
const MOST_ANSWERS = 4_096;

/** Whether an address lies in one of `ranges` (`198.51.100.0/24`, `2001:db8::/32`, or one address). What is no range takes nothing. */
export function rangesOf(ranges: readonly string[]): Takes {
  if (ranges.length === 0) return never;
  const found = compiled.get(ranges);
  if (found !== undefined) return found;
  const list = new BlockList();
  for (const range of ranges) add(list, range);
  const answers = new Map<string, boolean>();
  const takes: Takes = (ip) => {
    if (ip === undefined) return false;
    let answer = answers.get(ip);
    if (answer === undefined) {
      const version = isIP(ip);
      answer = version !== 0 && list.check(ip, version === 4 ? 'ipv4' : 'ipv6');
      if (answers.size >= MOST_ANSWERS) answers.clear();
      answers.set(ip, answer);
    }
    return answer;
  };
  compiled.set(ranges, takes);
  return takes;
}

function add(list: BlockList, range: string): void {
  const slash = range.indexOf('/');
  const base = slash === -1 ? range : range.slice(0, slash);
  const version = isIP(base);
  if (version === 0) return;
  const most = version === 4 ? 32 : 128;
  const length = slash === -1 ? most : Number(range.slice(slash + 1) || Number.NaN);
  if (!Number.isInteger(length) || length < 0 || length > most) return;
  list.addSubnet(base, length, version === 4 ? 'ipv4' : 'ipv6');
}
