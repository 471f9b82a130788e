import { PROCESSOR_COUNT } from "./payment.ts";
import type { PaymentRows } from "./payment-rows.ts";

/** Places for a result: count and cents per processor, `[count 0, cents 0, count 1, cents 1]`. */
export const TOTALS_LENGTH = PROCESSOR_COUNT * 2;

const FANOUT = 64;
const MAX_DEPTH = 12;
const NONE = -1;

/**
 * Count and cents per processor over any inclusive window of requestedAt: a B+ tree (Bayer & McCreight 1972; Comer 1979)
 * whose nodes carry the totals of everything below them.
 *
 *                 [ node | node | node ]                 inner: children, ordered by requestedAt
 *                 /         |         \
 *        [ slot … ]   [ slot … ]   [ slot … ]            leaf: slots of processed payments, ordered by requestedAt
 *
 * A window is the difference of two prefixes, and a prefix is one way down: whole children to the left are added from their
 * node, only one leaf is read row by row. So the cost is O(FANOUT × depth), whatever the window and the number of payments.
 * Payments mostly come in order of requestedAt; a full node that is appended to is left full and a new one begun, so nodes
 * are full in good weather (4.6 bytes a payment) and half full at worst (9.1).
 */
export class WindowTotals {
  readonly #rows: PaymentRows;
  /** FANOUT entries a node: slots in a leaf, nodes in an inner one. */
  readonly #entries: Int32Array;
  readonly #sizes: Uint8Array;
  readonly #firstMs: Float64Array;
  readonly #counts: Uint32Array;
  readonly #cents: Float64Array;
  readonly #pathNodes = new Int32Array(MAX_DEPTH);
  readonly #pathEntries = new Int32Array(MAX_DEPTH);
  #nodeCount = 0;
  /** Nodes given back, chained through their first entry. */
  #freeNode = NONE;
  #root = NONE;
  /** Levels above the leaves. */
  #height = 0;

  constructor(rows: PaymentRows) {
    // Worst case: nodes half full on average, a geometric sum over the levels, and a few for the edges and for tiny trees.
    const nodes = Math.ceil(rows.capacity / (FANOUT / 2 - 2)) + MAX_DEPTH * 2;
    this.#rows = rows;
    this.#entries = new Int32Array(nodes * FANOUT);
    this.#sizes = new Uint8Array(nodes);
    this.#firstMs = new Float64Array(nodes);
    this.#counts = new Uint32Array(nodes * PROCESSOR_COUNT);
    this.#cents = new Float64Array(nodes * PROCESSOR_COUNT);
  }

  /** Bytes in use by the nodes there are. */
  get usedBytes(): number {
    return this.#nodeCount * (FANOUT * 4 + 1 + 8 + PROCESSOR_COUNT * 12);
  }

  clear(): void {
    this.#nodeCount = 0;
    this.#freeNode = NONE;
    this.#root = NONE;
    this.#height = 0;
  }

  /** Adds the processed payment in `slot` under its processor and requestedAt. Hot: no allocation. */
  add(slot: number): void {
    const atMs = this.#rows.requestedAtMs(slot);
    const processor = this.#rows.processor[slot]!;
    const cents = this.#rows.cents[slot]!;
    if (this.#root === NONE) this.#root = this.#newNode(atMs);
    const leaf = this.#descend(atMs, processor, cents);
    this.#insertInto(this.#height, leaf, this.#placeInLeaf(leaf, atMs), slot);
  }

  /** Takes the payment in `slot` out again; it is here, as it was added. */
  remove(slot: number): void {
    const atMs = this.#rows.requestedAtMs(slot);
    if (this.#root === NONE || !this.#removeBelow(this.#root, 0, slot, atMs)) {
      throw new Error(`only what was added is removed: slot=${slot}`);
    }
    while (this.#height > 0 && this.#sizes[this.#root] === 1) {
      const child = this.#entries[this.#root * FANOUT]!;
      this.#giveBack(this.#root);
      this.#root = child;
      this.#height--;
    }
    if (this.#sizes[this.#root] === 0) this.clear();
  }

  /**
   * Writes count and cents per processor of `fromMs ≤ requestedAt ≤ toMs` into `out` (TOTALS_LENGTH places).
   * −Infinity and Infinity mean everything on that side.
   */
  sum(fromMs: number, toMs: number, out: Float64Array): void {
    out.fill(0);
    if (this.#root === NONE || fromMs > toMs) return;
    this.#addPrefix(toMs, true, 1, out);
    this.#addPrefix(fromMs, false, -1, out);
  }

  /** Adds `sign` × the totals of requestedAt < ms (≤ ms if inclusive). */
  #addPrefix(ms: number, inclusive: boolean, sign: number, out: Float64Array): void {
    let node = this.#root;
    for (let level = 0; level < this.#height; level++) {
      const next = this.#lastChildBefore(node, ms, inclusive);
      for (let i = 0; i < next; i++) this.#addNode(this.#entries[node * FANOUT + i]!, sign, out);
      node = this.#entries[node * FANOUT + next]!;
    }
    for (let i = 0; i < this.#sizes[node]!; i++) {
      const slot = this.#entries[node * FANOUT + i]!;
      const atMs = this.#rows.requestedAtMs(slot);
      if (inclusive ? atMs > ms : atMs >= ms) return;
      const place = this.#rows.processor[slot]! * 2;
      out[place]! += sign;
      out[place + 1]! += sign * this.#rows.cents[slot]!;
    }
  }

  /** Index of the last child that can hold a payment before `ms`; everything left of it is wholly before. */
  #lastChildBefore(node: number, ms: number, inclusive: boolean): number {
    let low = 0;
    let high = this.#sizes[node]! - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      const firstMs = this.#firstMs[this.#entries[node * FANOUT + middle]!]!;
      if (inclusive ? firstMs <= ms : firstMs < ms) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #addNode(node: number, sign: number, out: Float64Array): void {
    for (let p = 0; p < PROCESSOR_COUNT; p++) {
      out[p * 2]! += sign * this.#counts[node * PROCESSOR_COUNT + p]!;
      out[p * 2 + 1]! += sign * this.#cents[node * PROCESSOR_COUNT + p]!;
    }
  }

  /** Goes down to the leaf for `atMs`, counting the payment into every node passed and keeping the path for a split. */
  #descend(atMs: number, processor: number, cents: number): number {
    let node = this.#root;
    for (let level = 0; ; level++) {
      this.#counts[node * PROCESSOR_COUNT + processor]!++;
      this.#cents[node * PROCESSOR_COUNT + processor]! += cents;
      if (atMs < this.#firstMs[node]!) this.#firstMs[node] = atMs;
      this.#pathNodes[level] = node;
      if (level === this.#height) return node;
      const last = this.#sizes[node]! - 1;
      const newest = this.#entries[node * FANOUT + last]!;
      const entry = atMs >= this.#firstMs[newest]! ? last : this.#lastChildBefore(node, atMs, true);
      this.#pathEntries[level] = entry;
      node = this.#entries[node * FANOUT + entry]!;
    }
  }

  /** After the last payment of the same or an earlier requestedAt; from the right, where most belong. */
  #placeInLeaf(leaf: number, atMs: number): number {
    let place = this.#sizes[leaf]!;
    while (place > 0 && this.#rows.requestedAtMs(this.#entries[leaf * FANOUT + place - 1]!) > atMs) place--;
    return place;
  }

  /** Puts `entry` at `place` of the node on the path at `level`, splitting upwards where nodes are full. */
  #insertInto(level: number, node: number, place: number, entry: number): void {
    if (this.#sizes[node]! < FANOUT) {
      this.#insertAt(node, place, entry);
      return;
    }
    const keep = place === FANOUT && this.#isRightmost(level) ? FANOUT : FANOUT / 2;
    const right = this.#newNode(0);
    const from = node * FANOUT;
    this.#entries.copyWithin(right * FANOUT, from + keep, from + FANOUT);
    this.#sizes[right] = FANOUT - keep;
    this.#sizes[node] = keep;
    if (place > keep || keep === FANOUT) this.#insertAt(right, place - keep, entry);
    else this.#insertAt(node, place, entry);
    this.#recount(node, level);
    this.#recount(right, level);
    if (level === 0) this.#growRoot(node, right);
    else this.#insertInto(level - 1, this.#pathNodes[level - 1]!, this.#pathEntries[level - 1]! + 1, right);
  }

  /** Only the right edge may hold nodes less than half full, or the node pool could run out. */
  #isRightmost(level: number): boolean {
    for (let above = 0; above < level; above++) {
      if (this.#pathEntries[above]! !== this.#sizes[this.#pathNodes[above]!]! - 1) return false;
    }
    return true;
  }

  #insertAt(node: number, place: number, entry: number): void {
    const at = node * FANOUT + place;
    this.#entries.copyWithin(at + 1, at, node * FANOUT + this.#sizes[node]!);
    this.#entries[at] = entry;
    this.#sizes[node]!++;
  }

  #growRoot(left: number, right: number): void {
    const root = this.#newNode(0);
    this.#entries[root * FANOUT] = left;
    this.#entries[root * FANOUT + 1] = right;
    this.#sizes[root] = 2;
    this.#root = root;
    this.#height++;
    this.#recount(root, 0);
  }

  /** Looks for the slot in every leaf that its requestedAt can be in: payments of the same millisecond may fill several. */
  #removeBelow(node: number, level: number, slot: number, atMs: number): boolean {
    const from = node * FANOUT;
    if (level === this.#height) {
      const place = this.#entries.subarray(from, from + this.#sizes[node]!).indexOf(slot);
      if (place < 0) return false;
      this.#removeAt(node, place);
      this.#uncount(node, level, slot);
      return true;
    }
    for (let i = this.#lastChildBefore(node, atMs, false); i < this.#sizes[node]!; i++) {
      const child = this.#entries[from + i]!;
      if (this.#firstMs[child]! > atMs) return false;
      if (!this.#removeBelow(child, level + 1, slot, atMs)) continue;
      this.#mergeAround(node, level, i);
      this.#uncount(node, level, slot);
      return true;
    }
    return false;
  }

  /** Joins the child at `place` with a neighbour if both fit one node: so two neighbours always hold more than a node does. */
  #mergeAround(node: number, level: number, place: number): void {
    const left = place > 0 && this.#fit(node, place - 1) ? place - 1 : place;
    if (left + 1 >= this.#sizes[node]! || !this.#fit(node, left)) return;
    const into = this.#entries[node * FANOUT + left]!;
    const gone = this.#entries[node * FANOUT + left + 1]!;
    const goneFrom = gone * FANOUT;
    this.#entries.copyWithin(into * FANOUT + this.#sizes[into]!, goneFrom, goneFrom + this.#sizes[gone]!);
    this.#sizes[into]! += this.#sizes[gone]!;
    this.#removeAt(node, left + 1);
    this.#giveBack(gone);
    this.#recount(into, level + 1);
  }

  #fit(node: number, place: number): boolean {
    const first = this.#entries[node * FANOUT + place]!;
    const second = this.#entries[node * FANOUT + place + 1]!;
    return this.#sizes[first]! + this.#sizes[second]! <= FANOUT;
  }

  #removeAt(node: number, place: number): void {
    const from = node * FANOUT;
    this.#entries.copyWithin(from + place, from + place + 1, from + this.#sizes[node]!);
    this.#sizes[node]!--;
  }

  #uncount(node: number, level: number, slot: number): void {
    const totals = node * PROCESSOR_COUNT + this.#rows.processor[slot]!;
    this.#counts[totals]!--;
    this.#cents[totals]! -= this.#rows.cents[slot]!;
    if (this.#sizes[node] === 0) return;
    const first = this.#entries[node * FANOUT]!;
    this.#firstMs[node] = level === this.#height ? this.#rows.requestedAtMs(first) : this.#firstMs[first]!;
  }

  #giveBack(node: number): void {
    this.#entries[node * FANOUT] = this.#freeNode;
    this.#freeNode = node;
  }

  /** Totals and first requestedAt of a node anew from its entries. */
  #recount(node: number, level: number): void {
    const isLeaf = level === this.#height;
    const totals = node * PROCESSOR_COUNT;
    this.#counts.fill(0, totals, totals + PROCESSOR_COUNT);
    this.#cents.fill(0, totals, totals + PROCESSOR_COUNT);
    for (let i = 0; i < this.#sizes[node]!; i++) {
      const entry = this.#entries[node * FANOUT + i]!;
      if (isLeaf) this.#countRow(totals, entry);
      else this.#countChild(totals, entry);
    }
    const first = this.#entries[node * FANOUT]!;
    this.#firstMs[node] = isLeaf ? this.#rows.requestedAtMs(first) : this.#firstMs[first]!;
  }

  #countRow(totals: number, slot: number): void {
    const processor = this.#rows.processor[slot]!;
    this.#counts[totals + processor]!++;
    this.#cents[totals + processor]! += this.#rows.cents[slot]!;
  }

  #countChild(totals: number, child: number): void {
    for (let p = 0; p < PROCESSOR_COUNT; p++) {
      this.#counts[totals + p]! += this.#counts[child * PROCESSOR_COUNT + p]!;
      this.#cents[totals + p]! += this.#cents[child * PROCESSOR_COUNT + p]!;
    }
  }

  #newNode(firstMs: number): number {
    const node = this.#freeNode === NONE ? this.#nodeCount++ : this.#freeNode;
    if (node === this.#freeNode) this.#freeNode = this.#entries[node * FANOUT]!;
    if (node === this.#sizes.length) throw new Error(`window totals never outgrow the ledger: nodes=${node}`);
    this.#sizes[node] = 0;
    this.#firstMs[node] = firstMs;
    this.#counts.fill(0, node * PROCESSOR_COUNT, (node + 1) * PROCESSOR_COUNT);
    this.#cents.fill(0, node * PROCESSOR_COUNT, (node + 1) * PROCESSOR_COUNT);
    return node;
  }
}
