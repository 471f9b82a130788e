import type { Slot } from "../values/number-types.ts";
import type { PaymentRows } from "./payment-rows.ts";
import { FANOUT, NO_NODE, TotalsNodes } from "./totals-nodes.ts";

/** Room for a result: count and cents per processor, `[count 0, cents 0, count 1, cents 1, …]`. */
export function makeTotals(processorCount: number): Float64Array {
  return new Float64Array(processorCount * 2);
}

const MAX_DEPTH = 12;

/**
 * Count and cents per processor over any inclusive window of requestedAt: a B+ tree (Bayer & McCreight 1972; Comer
 * 1979) whose nodes carry the totals of everything below them.
 *
 *                 [ node | node | node ]                 inner: children, ordered by requestedAt
 *                 /         |         \
 *        [ slot … ]   [ slot … ]   [ slot … ]            leaf: slots of processed payments, ordered by requestedAt
 *
 * A window is the difference of two prefixes, and a prefix is one way down: whole children to the left are added from
 * their node, only one leaf is read row by row. So the cost is O(FANOUT × depth), whatever the window and the number of
 * payments.
 *
 * Payments mostly come in order of requestedAt; a full node at the right edge that is appended to is left full and a
 * new one begun, so in good weather nodes are full (4.6 bytes a payment). Elsewhere two neighbours always hold at least
 * a node's worth (9.2 bytes).
 */
export class WindowTotals {
  readonly #rows: PaymentRows;
  readonly #nodes: TotalsNodes;
  readonly #pathNodes = new Int32Array(MAX_DEPTH);
  readonly #pathEntries = new Int32Array(MAX_DEPTH);
  #root = NO_NODE;
  /** Levels above the leaves. */
  #height = 0;

  constructor(rows: PaymentRows, processorCount: number) {
    // Nodes half full on average, a geometric sum over the levels, and a few for the edges and for tiny trees.
    const nodeCount = Math.ceil(rows.capacity / (FANOUT / 2 - 2)) + MAX_DEPTH * 2;
    this.#rows = rows;
    this.#nodes = new TotalsNodes(rows, nodeCount, processorCount);
  }

  /** Bytes in use by the nodes there are. */
  get usedBytes(): number {
    return this.#nodes.usedBytes;
  }

  clear(): void {
    this.#nodes.clear();
    this.#root = NO_NODE;
    this.#height = 0;
  }

  /** Adds the processed payment in `slot` under its processor and requestedAt. Hot: no allocation. */
  add(slot: Slot): void {
    const atMs = this.#rows.requestedAtMs(slot);
    if (this.#root === NO_NODE) this.#root = this.#nodes.take(atMs);
    const leaf = this.#descend(slot, atMs);
    this.#insertInto(this.#height, leaf, this.#placeInLeaf(leaf, atMs), slot);
  }

  /** Takes the payment in `slot` out again; it is here, as it was added. */
  remove(slot: Slot): void {
    const atMs = this.#rows.requestedAtMs(slot);
    if (this.#root === NO_NODE || !this.#removeBelow(this.#root, 0, slot, atMs)) {
      throw new Error(`only what was added is removed: slot=${slot}`);
    }
    while (this.#height > 0 && this.#nodes.sizes[this.#root] === 1) {
      const child = this.#nodes.entry(this.#root, 0);
      this.#nodes.giveBack(this.#root);
      this.#root = child;
      this.#height--;
    }
    if (this.#nodes.sizes[this.#root] === 0) this.clear();
  }

  /**
   * Writes count and cents per processor of `fromMs ≤ requestedAt ≤ toMs` into `out` (see `makeTotals`).
   * −Infinity and Infinity mean everything on that side.
   */
  sum(fromMs: number, toMs: number, out: Float64Array): void {
    out.fill(0);
    if (this.#root === NO_NODE || fromMs > toMs) return;
    this.#addPrefix(toMs, true, 1, out);
    this.#addPrefix(fromMs, false, -1, out);
  }

  /** Adds `sign` × the totals of requestedAt < ms (≤ ms if inclusive). */
  #addPrefix(ms: number, inclusive: boolean, sign: number, out: Float64Array): void {
    let node = this.#root;
    for (let level = 0; level < this.#height; level++) {
      const next = this.#lastChildBefore(node, ms, inclusive);
      for (let i = 0; i < next; i++) this.#nodes.addTo(out, this.#nodes.entry(node, i), sign);
      node = this.#nodes.entry(node, next);
    }
    for (let i = 0; i < this.#nodes.sizes[node]!; i++) {
      const slot = this.#nodes.entry(node, i);
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
    let high = this.#nodes.sizes[node]! - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      const firstMs = this.#nodes.firstMs[this.#nodes.entry(node, middle)]!;
      if (inclusive ? firstMs <= ms : firstMs < ms) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Goes down to the leaf for `atMs`, counting the payment into every node passed and keeping the path for a split. */
  #descend(slot: Slot, atMs: number): number {
    const nodes = this.#nodes;
    let node = this.#root;
    for (let level = 0; ; level++) {
      nodes.count(node, slot, 1);
      if (atMs < nodes.firstMs[node]!) nodes.firstMs[node] = atMs;
      this.#pathNodes[level] = node;
      if (level === this.#height) return node;
      const last = nodes.sizes[node]! - 1;
      const isNewest = atMs >= nodes.firstMs[nodes.entry(node, last)]!;
      const entry = isNewest ? last : this.#lastChildBefore(node, atMs, true);
      this.#pathEntries[level] = entry;
      node = nodes.entry(node, entry);
    }
  }

  /** After the last payment of the same or an earlier requestedAt; from the right, where most belong. */
  #placeInLeaf(leaf: number, atMs: number): number {
    let place = this.#nodes.sizes[leaf]!;
    while (place > 0 && this.#rows.requestedAtMs(this.#nodes.entry(leaf, place - 1)) > atMs) place--;
    return place;
  }

  /**
   * Puts `entry` at `place` of the node on the path at `level`, making room sideways or else upwards where nodes are
   * full.
   */
  #insertInto(level: number, node: number, place: number, entry: number): void {
    const nodes = this.#nodes;
    if (!nodes.isFull(node)) {
      nodes.insert(node, place, entry);
      return;
    }
    const isAppend = place === FANOUT && this.#isRightmost(level);
    if (!isAppend && this.#shareWithNeighbour(level, node, place, entry)) return;
    const keep = isAppend ? FANOUT : FANOUT / 2;
    const right = nodes.take(0);
    nodes.moveRight(node, right, FANOUT - keep);
    if (place > keep || isAppend) nodes.insert(right, place - keep, entry);
    else nodes.insert(node, place, entry);
    nodes.recount(node, level === this.#height);
    nodes.recount(right, level === this.#height);
    if (level === 0) this.#growRoot(node, right);
    else this.#insertInto(level - 1, this.#pathNodes[level - 1]!, this.#pathEntries[level - 1]! + 1, right);
  }

  /** Only the right edge may hold a nearly empty node beside a full one again and again. */
  #isRightmost(level: number): boolean {
    for (let above = 0; above < level; above++) {
      if (this.#pathEntries[above]! !== this.#nodes.sizes[this.#pathNodes[above]!]! - 1) return false;
    }
    return true;
  }

  /** Evens a full node out with a neighbour less than half full, if there is one, instead of splitting it. */
  #shareWithNeighbour(level: number, node: number, place: number, entry: number): boolean {
    if (level === 0) return false;
    const nodes = this.#nodes;
    const parent = this.#pathNodes[level - 1]!;
    const at = this.#pathEntries[level - 1]!;
    const left = at > 0 ? nodes.entry(parent, at - 1) : NO_NODE;
    const right = at + 1 < nodes.sizes[parent]! ? nodes.entry(parent, at + 1) : NO_NODE;
    const neighbour = this.#isSparse(left) ? left : this.#isSparse(right) ? right : NO_NODE;
    if (neighbour === NO_NODE) return false;
    const size = nodes.sizes[neighbour]!;
    const count = (FANOUT - size) >>> 1;
    if (neighbour === left) {
      nodes.moveLeft(left, node, count);
      if (place < count) nodes.insert(left, size + place, entry);
      else nodes.insert(node, place - count, entry);
    } else {
      nodes.moveRight(node, right, count);
      if (place > FANOUT - count) nodes.insert(right, place - (FANOUT - count), entry);
      else nodes.insert(node, place, entry);
    }
    nodes.recount(node, level === this.#height);
    nodes.recount(neighbour, level === this.#height);
    return true;
  }

  #isSparse(node: number): boolean {
    return node !== NO_NODE && this.#nodes.sizes[node]! < FANOUT / 2;
  }

  #growRoot(left: number, right: number): void {
    const root = this.#nodes.take(0);
    this.#nodes.insert(root, 0, left);
    this.#nodes.insert(root, 1, right);
    this.#root = root;
    this.#height++;
    this.#nodes.recount(root, false);
  }

  /**
   * Looks for the slot in every leaf that its requestedAt can be in: payments of the same millisecond may fill several.
   */
  #removeBelow(node: number, level: number, slot: Slot, atMs: number): boolean {
    const nodes = this.#nodes;
    const isLeaf = level === this.#height;
    for (let i = isLeaf ? 0 : this.#lastChildBefore(node, atMs, false); i < nodes.sizes[node]!; i++) {
      const entry = nodes.entry(node, i);
      if (isLeaf) {
        if (entry !== slot) continue;
        nodes.removeAt(node, i);
      } else {
        if (nodes.firstMs[entry]! > atMs) return false;
        if (!this.#removeBelow(entry, level + 1, slot, atMs)) continue;
        this.#mergeAround(node, level, i);
      }
      nodes.count(node, slot, -1);
      nodes.findFirst(node, isLeaf);
      return true;
    }
    return false;
  }

  /**
   * Joins the child at `place` with a neighbour if both fit one node: so two neighbours always hold more than a node
   * does.
   */
  #mergeAround(node: number, level: number, place: number): void {
    const left = place > 0 && this.#fit(node, place - 1) ? place - 1 : place;
    if (left + 1 >= this.#nodes.sizes[node]! || !this.#fit(node, left)) return;
    const into = this.#nodes.entry(node, left);
    const gone = this.#nodes.entry(node, left + 1);
    this.#nodes.moveLeft(into, gone, this.#nodes.sizes[gone]!);
    this.#nodes.removeAt(node, left + 1);
    this.#nodes.giveBack(gone);
    this.#nodes.recount(into, level + 1 === this.#height);
  }

  #fit(node: number, place: number): boolean {
    const { sizes } = this.#nodes;
    return sizes[this.#nodes.entry(node, place)]! + sizes[this.#nodes.entry(node, place + 1)]! <= FANOUT;
  }
}
