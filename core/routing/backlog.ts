import type { Ledger } from "../ledger/ledger.ts";
import { NOT_FOUND_SLOT } from "../ledger/uuid-index.ts";
import type { Slot } from "../values/number-types.ts";
import * as State from "../values/state.ts";
import { PendingQueue } from "./pending-queue.ts";
import { Setbacks } from "./setbacks.ts";

/**
 * The pending payments in the order in which they are to be sent: those that came back from an attempt first, then by
 * acceptance; and those that were just rejected, which wait a while. A payment that has meanwhile ended, or stands here
 * twice, is passed over.
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

  /** Behind the others. Hot. */
  push(slot: Slot): void {
    this.#makeRoomFor(slot);
    this.#queue.push(slot);
  }

  readonly pushFirst = (slot: Slot): void => {
    this.#makeRoomFor(slot);
    this.#queue.pushFront(slot);
  };

  /**
   * The payment was rejected: it waits, or goes behind the others where there is no room to. `attemptCount`: attempts
   * so far.
   */
  setBack(slot: Slot, attemptCount: number, nowMs: number): void {
    if (!this.#setbacks.keep(slot, attemptCount, nowMs)) this.push(slot);
  }

  /** Nobody waits any longer. */
  releaseSetbacks(): void {
    this.#setbacks.release(Number.POSITIVE_INFINITY, this.pushFirst);
  }

  /**
   * The payment to be sent next, which stays here, or NOT_FOUND_SLOT. `isOver`: it is pending and not to be sent any
   * more.
   */
  peek(nowMs: number, isOver: (slot: Slot) => boolean): Slot {
    this.#setbacks.release(nowMs, this.pushFirst);
    while (this.#queue.length > 0) {
      const slot = this.#queue.peek();
      if (this.#ledger.rows.state[slot] === State.PENDING && !isOver(slot)) return slot;
      this.#queue.shift();
    }
    return NOT_FOUND_SLOT;
  }

  /** Takes out what `peek` returned. */
  shift(): void {
    this.#queue.shift();
  }

  /** Drops what is no longer pending. */
  compact(): void {
    this.#queue.compact((slot) => this.#ledger.rows.state[slot] === State.PENDING);
  }

  clear(): void {
    this.#queue.clear();
    this.#setbacks.clear();
  }

  /**
   * The queue has room for every pending payment once what is no longer pending, or there twice, is dropped from it.
   */
  #makeRoomFor(slot: Slot): void {
    if (!this.#queue.isFull) return;
    const seen = new Set([slot]);
    this.#queue.compact((queued) => {
      if (seen.has(queued) || this.#ledger.rows.state[queued] !== State.PENDING) return false;
      seen.add(queued);
      return true;
    });
  }
}
