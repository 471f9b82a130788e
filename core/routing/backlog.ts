import type { Ledger } from "../ledger/ledger.ts";
import { NOT_FOUND_SLOT } from "../ledger/uuid-index.ts";
import type { Slot } from "../values/number-types.ts";
import * as State from "../values/state.ts";
import { PendingQueue } from "./pending-queue.ts";
import { Setbacks } from "./setbacks.ts";

/** So many of the youngest are looked at for one that was never sent. */
const PROBES_CONSIDERED = 32;

/**
 * The pending payments in the order of their acceptance, which is that of their last moments; and those that were just
 * rejected, which wait a while. A payment that has meanwhile ended, or stands here twice, is passed over.
 */
export class Backlog {
  readonly #ledger: Ledger;
  readonly #queue: PendingQueue;
  readonly #setbacks = new Setbacks();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
    this.#queue = new PendingQueue(ledger.rows.capacity);
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  /** Payments that wait; some may be counted that have ended. */
  get count(): number {
    return this.#queue.length;
  }

  /** The youngest payment. Hot. */
  push(slot: Slot): void {
    this.#makeRoomFor(slot);
    this.#queue.push(slot);
  }

  /** One that came back, to its place. */
  readonly insert = (slot: Slot): void => {
    this.#makeRoomFor(slot);
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
   * The oldest payment, which stays here, or NOT_FOUND_SLOT. `isOver`: it is pending and not to be sent any more.
   */
  peek(nowMs: number, isOver: (slot: Slot) => boolean): Slot {
    this.#setbacks.release(nowMs, this.insert);
    while (this.#queue.length > 0) {
      const slot = this.#queue.peek();
      if (this.#isPending(slot) && !isOver(slot)) return slot;
      this.#queue.shift();
    }
    return NOT_FOUND_SLOT;
  }

  /** Takes out what `peek` returned. */
  shift(): void {
    this.#queue.shift();
  }

  /**
   * The payment to try a processor with, which stays here, or NOT_FOUND_SLOT: the youngest that was never sent, having
   * most time left if the attempt fails; or of those that were, the one with the fewest attempts.
   */
  peekYoungest(isOver: (slot: Slot) => boolean): Slot {
    const { attemptCount } = this.#ledger.rows;
    let found = NOT_FOUND_SLOT;
    for (let i = this.#queue.length - 1; i >= Math.max(0, this.#queue.length - PROBES_CONSIDERED); i--) {
      const slot = this.#queue.at(i);
      if (!this.#isPending(slot) || isOver(slot)) continue;
      if (attemptCount[slot] === 0) return slot;
      if (found === NOT_FOUND_SLOT || attemptCount[slot]! < attemptCount[found]!) found = slot;
    }
    return found;
  }

  /** Takes out what `peekYoungest` returned. */
  removeYoungest(slot: Slot): void {
    for (let i = this.#queue.length - 1; i >= 0; i--) {
      if (this.#queue.at(i) !== slot) continue;
      this.#queue.remove(i);
      return;
    }
  }

  /** Drops what is no longer pending. */
  compact(): void {
    this.#queue.compact((slot) => this.#isPending(slot));
  }

  clear(): void {
    this.#queue.clear();
    this.#setbacks.clear();
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
   * The queue has room for every pending payment once what is no longer pending, or there twice, is dropped from it.
   */
  #makeRoomFor(slot: Slot): void {
    if (!this.#queue.isFull) return;
    const seen = new Set([slot]);
    this.#queue.compact((queued) => {
      if (seen.has(queued) || !this.#isPending(queued)) return false;
      seen.add(queued);
      return true;
    });
  }
}
