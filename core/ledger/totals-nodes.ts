import type { PaymentRows } from "./payment-rows.ts";

/** Entries a node has at most. */
export const FANOUT = 64;
export const NO_NODE = -1;

/**
 * The nodes of the window totals' tree, as columns of preallocated arrays. A leaf's entries are slots of processed
 * payments, an inner node's are nodes; both are ordered by requestedAt. Every node knows the totals and the first
 * requestedAt of all below it.
 */
export class TotalsNodes {
  /** FANOUT places a node. */
  readonly entries: Int32Array;
  readonly sizes: Uint8Array;
  readonly firstMs: Float64Array;
  readonly #rows: PaymentRows;
  readonly #processorCount: number;
  readonly #counts: Uint32Array;
  readonly #cents: Float64Array;
  #usedCount = 0;
  /** Nodes given back, chained through their first entry. */
  #free = NO_NODE;

  constructor(rows: PaymentRows, nodeCount: number, processorCount: number) {
    this.#rows = rows;
    this.#processorCount = processorCount;
    this.entries = new Int32Array(nodeCount * FANOUT);
    this.sizes = new Uint8Array(nodeCount);
    this.firstMs = new Float64Array(nodeCount);
    this.#counts = new Uint32Array(nodeCount * this.#processorCount);
    this.#cents = new Float64Array(nodeCount * this.#processorCount);
  }

  /** Bytes of the nodes ever used. */
  get usedBytes(): number {
    return this.#usedCount * (FANOUT * 4 + 1 + 8 + this.#processorCount * 12);
  }

  clear(): void {
    this.#usedCount = 0;
    this.#free = NO_NODE;
  }

  /** An empty node. */
  take(firstMs: number): number {
    const node = this.#free === NO_NODE ? this.#usedCount++ : this.#free;
    if (node === this.#free) this.#free = this.entry(node, 0);
    if (node === this.sizes.length) throw new Error(`window totals never outgrow the ledger: nodes=${node}`);
    this.sizes[node] = 0;
    this.firstMs[node] = firstMs;
    this.#counts.fill(0, node * this.#processorCount, (node + 1) * this.#processorCount);
    this.#cents.fill(0, node * this.#processorCount, (node + 1) * this.#processorCount);
    return node;
  }

  giveBack(node: number): void {
    this.entries[node * FANOUT] = this.#free;
    this.#free = node;
  }

  entry(node: number, place: number): number {
    return this.entries[node * FANOUT + place]!;
  }

  isFull(node: number): boolean {
    return this.sizes[node] === FANOUT;
  }

  insert(node: number, place: number, entry: number): void {
    const at = node * FANOUT + place;
    this.entries.copyWithin(at + 1, at, node * FANOUT + this.sizes[node]!);
    this.entries[at] = entry;
    this.sizes[node]!++;
  }

  removeAt(node: number, place: number): void {
    const from = node * FANOUT;
    this.entries.copyWithin(from + place, from + place + 1, from + this.sizes[node]!);
    this.sizes[node]!--;
  }

  /** Moves the last `count` entries of `left` before those of `right`, its neighbour. */
  moveRight(left: number, right: number, count: number): void {
    const to = right * FANOUT;
    this.entries.copyWithin(to + count, to, to + this.sizes[right]!);
    const end = left * FANOUT + this.sizes[left]!;
    this.entries.copyWithin(to, end - count, end);
    this.sizes[left]! -= count;
    this.sizes[right]! += count;
  }

  /** Moves the first `count` entries of `right` behind those of `left`, its neighbour. */
  moveLeft(left: number, right: number, count: number): void {
    const from = right * FANOUT;
    this.entries.copyWithin(left * FANOUT + this.sizes[left]!, from, from + count);
    this.entries.copyWithin(from, from + count, from + this.sizes[right]!);
    this.sizes[left]! += count;
    this.sizes[right]! -= count;
  }

  /** Adds `sign` × the node's totals to `out`. */
  addTo(out: Float64Array, node: number, sign: number): void {
    for (let p = 0; p < this.#processorCount; p++) {
      out[p * 2]! += sign * this.#counts[node * this.#processorCount + p]!;
      out[p * 2 + 1]! += sign * this.#cents[node * this.#processorCount + p]!;
    }
  }

  /** Counts the payment in `slot` in (sign 1) or out (−1). */
  count(node: number, slot: number, sign: number): void {
    const totals = node * this.#processorCount + this.#rows.processor[slot]!;
    this.#counts[totals]! += sign;
    this.#cents[totals]! += sign * this.#rows.cents[slot]!;
  }

  /** Totals and first requestedAt anew from the entries. */
  recount(node: number, isLeaf: boolean): void {
    const totals = node * this.#processorCount;
    this.#counts.fill(0, totals, totals + this.#processorCount);
    this.#cents.fill(0, totals, totals + this.#processorCount);
    for (let i = 0; i < this.sizes[node]!; i++) {
      const entry = this.entry(node, i);
      if (isLeaf) this.count(node, entry, 1);
      else this.#countChild(totals, entry);
    }
    this.findFirst(node, isLeaf);
  }

  /** The first requestedAt anew; an empty node keeps what it had. */
  findFirst(node: number, isLeaf: boolean): void {
    if (this.sizes[node] === 0) return;
    const first = this.entry(node, 0);
    this.firstMs[node] = isLeaf ? this.#rows.requestedAtMs(first) : this.firstMs[first]!;
  }

  #countChild(totals: number, child: number): void {
    for (let p = 0; p < this.#processorCount; p++) {
      this.#counts[totals + p]! += this.#counts[child * this.#processorCount + p]!;
      this.#cents[totals + p]! += this.#cents[child * this.#processorCount + p]!;
    }
  }
}
