/** What is due next, by virtual time and then by order of entry: a binary heap. */
interface Entry {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export class Queue {
  private readonly heap: Entry[] = [];
  private entered = 0;

  get nextAt(): number {
    return this.heap[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  add(at: number, run: () => void): void {
    this.entered += 1;
    const entry = { at, order: this.entered, run };
    let index = this.heap.push(entry) - 1;
    while (index > 0) {
      const up = (index - 1) >> 1;
      const parent = this.heap[up];
      if (parent === undefined || !before(entry, parent)) break;
      this.heap[index] = parent;
      index = up;
    }
    this.heap[index] = entry;
  }

  take(): Entry | undefined {
    const first = this.heap[0];
    const last = this.heap.pop();
    if (first === undefined || last === undefined || this.heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      const left = this.heap[child];
      if (left === undefined) break;
      const right = this.heap[child + 1];
      let least = left;
      if (right !== undefined && before(right, left)) {
        child += 1;
        least = right;
      }
      if (!before(least, last)) break;
      this.heap[index] = least;
      index = child;
    }
    this.heap[index] = last;
    return first;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
