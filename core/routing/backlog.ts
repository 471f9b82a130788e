import type { Ledger } from "../ledger/ledger.ts";
import { NOT_FOUND_SLOT } from "../ledger/uuid-index.ts";
import type { Slot } from "../values/number-types.ts";
import * as State from "../values/state.ts";
import { PendingQueue } from "./pending-queue.ts";
import { Setbacks } from "./setbacks.ts";

/** So many of the youngest are looked at for one that was never sent. */
const PROBES_CONSIDERED = 32;

/**
 * The pending payments in the order of their acceptance, which is that of their last moments; behind them those that
 * can no longer be in time, so that under overload not all are late; and those that were just rejected, which wait a
 * while. A payment that has meanwhile ended, or stands here twice, is passed over.
 */
export class Backlog {
  readonly #ledger: Ledger;
  readonly #queue: PendingQueue;
  readonly #late: PendingQueue;
  readonly #setbacks = new Setbacks();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
    this.#queue = new PendingQueue(ledger.rows.capacity);
    this.#late = new PendingQueue(ledger.rows.capacity);
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0 && this.#late.length === 0;
  }

  /** Payments that wait and can be in time; some may be counted that have ended. */
  get count(): number {
    return this.#queue.length;
  }

  /** The youngest payment. Hot. */
  push(slot: Slot): void {
    this.#makeRoomFor(this.#queue, slot);
    this.#queue.push(slot);
  }

  /** One that came back, to its place. */
  readonly insert = (slot: Slot): void => {
    this.#makeRoomFor(this.#queue, slot);
    this.#queue.insert(this.#placeOf(slot), slot);
  };

  /** The payment was rejected: it waits, where there is room to. `attemptCount`: attempts so far. */
  setBack(slot: Slot, attemptCount: number, nowMs: number): void {
    if (!this.#setbacks.keep(slot, attemptCount, nowMs)) this.insert(slot);
  }

  /** Nobody waits any longer. */
  releaseSetbacks(): void {
    this.#setbacks.release(Number.POSITIVE_INFINITY, this.insert);
  }

  /**
   * The oldest payment that can be in time, which stays here, or NOT_FOUND_SLOT. `isOver`: it is pending and not to be
   * sent any more. `isLate`: it cannot be in time.
   */
  peek(nowMs: number, isOver: (slot: Slot) => boolean, isLate: (slot: Slot) => boolean): Slot {
    this.#setbacks.release(nowMs, this.insert);
    for (;;) {
      const slot = this.#firstOf(this.#queue, isOver);
      if (slot === NOT_FOUND_SLOT || !isLate(slot)) return slot;
      this.#makeRoomFor(this.#late, slot);
      this.#late.push(this.#queue.shift());
    }
  }

  /** Takes out what `peek` returned. */
  shift(): void {
    this.#queue.shift();
  }

  /** The oldest payment that cannot be in time, which stays here, or NOT_FOUND_SLOT. */
  peekLate(isOver: (slot: Slot) => boolean): Slot {
    return this.#firstOf(this.#late, isOver);
  }

  /** Takes out what `peekLate` returned. */
  shiftLate(): void {
    this.#late.shift();
  }

  /**
   * The payment to try a processor with, which stays here, or NOT_FOUND_SLOT: the youngest that was never sent, having
   * most time left if the attempt fails; or of those that were, the one with the fewest attempts.
   */
  peekYoungest(isOver: (slot: Slot) => boolean): Slot {
    const { attemptCount } = this.#ledger.rows;
    const queue = this.#youngestQueue;
    let found = NOT_FOUND_SLOT;
    for (let i = queue.length - 1; i >= Math.max(0, queue.length - PROBES_CONSIDERED); i--) {
      const slot = queue.at(i);
      if (!this.#isPending(slot) || isOver(slot)) continue;
      if (attemptCount[slot] === 0) return slot;
      if (found === NOT_FOUND_SLOT || attemptCount[slot]! < attemptCount[found]!) found = slot;
    }
    return found;
  }

  /** Takes out what `peekYoungest` returned. */
  removeYoungest(slot: Slot): void {
    const queue = this.#youngestQueue;
    for (let i = queue.length - 1; i >= 0; i--) {
      if (queue.at(i) !== slot) continue;
      queue.remove(i);
      return;
    }
  }

  /** Drops what is no longer pending. */
  compact(): void {
    for (const queue of [this.#queue, this.#late]) queue.compact((slot) => this.#isPending(slot));
  }

  clear(): void {
    this.#queue.clear();
    this.#late.clear();
    this.#setbacks.clear();
  }

  get #youngestQueue(): PendingQueue {
    return this.#queue.length > 0 ? this.#queue : this.#late;
  }

  #firstOf(queue: PendingQueue, isOver: (slot: Slot) => boolean): Slot {
    while (queue.length > 0) {
      const slot = queue.peek();
      if (this.#isPending(slot) && !isOver(slot)) return slot;
      queue.shift();
    }
    return NOT_FOUND_SLOT;
  }

  #isPending(slot: Slot): boolean {
    return this.#ledger.rows.state[slot] === State.PENDING;
  }

  /** Behind all that were accepted before it; found by halving. */
  #placeOf(slot: Slot): number {
    const sequence = this.#ledger.sequenceOf(slot);
    let low = 0;
    let high = this.#queue.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ledger.sequenceOf(this.#queue.at(middle)) < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * A queue has room for every pending payment once what is no longer pending, or there twice, is dropped from it.
   */
  #makeRoomFor(queue: PendingQueue, slot: Slot): void {
    if (!queue.isFull) return;
    const seen = new Set([slot]);
    queue.compact((queued) => {
      if (seen.has(queued) || !this.#isPending(queued)) return false;
      seen.add(queued);
      return true;
    });
  }
}
