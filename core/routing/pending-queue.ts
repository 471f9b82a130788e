import type { Slot } from "../values/number-types.ts";

/**
 * Slots waiting to be sent: a ring over a preallocated Int32Array, with room for every payment of the ledger.
 *
 *              head                    head + length
 *   [ … free │ oldest │ … │ newest │ free … ]
 *
 * Entries are hints, not truth: a payment that was failed meanwhile is left in the ring and skipped when it comes out.
 */
export class PendingQueue {
  readonly #slots: Int32Array;
  #head = 0;
  #length = 0;

  constructor(capacity: number) {
    this.#slots = new Int32Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  get byteLength(): number {
    return this.#slots.byteLength;
  }

  /** The oldest slot; the queue is not empty. */
  peek(): Slot {
    return this.#slots[this.#head]!;
  }

  /** Puts a payment behind all others. */
  push(slot: Slot): void {
    this.#expectRoom();
    this.#slots[this.#wrap(this.#head + this.#length)] = slot;
    this.#length++;
  }

  /** Puts a payment that came back before all others. */
  pushFront(slot: Slot): void {
    this.#expectRoom();
    this.#head = this.#wrap(this.#head - 1 + this.#slots.length);
    this.#slots[this.#head] = slot;
    this.#length++;
  }

  shift(): Slot {
    const slot = this.peek();
    this.#length--;
    // An empty ring starts over, so that its memory in use is that of the longest queue ever, not of the whole ring.
    this.#head = this.#length === 0 ? 0 : this.#wrap(this.#head + 1);
    return slot;
  }

  /** Drops the entries that `isLive` denies, keeping the order. */
  compact(isLive: (slot: Slot) => boolean): void {
    const length = this.#length;
    this.#length = 0;
    for (let i = 0; i < length; i++) {
      const slot = this.#slots[this.#wrap(this.#head + i)]!;
      if (isLive(slot)) this.push(slot);
    }
  }

  clear(): void {
    this.#head = 0;
    this.#length = 0;
  }

  get isFull(): boolean {
    return this.#length === this.#slots.length;
  }

  #expectRoom(): void {
    if (this.isFull) throw new Error(`the pending queue has room for every payment: length=${this.#length}`);
  }

  #wrap(index: number): number {
    return index >= this.#slots.length ? index - this.#slots.length : index;
  }
}
