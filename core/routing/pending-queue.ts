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
    this.#put(this.#length, slot);
    this.#length++;
  }

  /** The slot `place` places behind the oldest, from 0. */
  at(place: number): Slot {
    return this.#slots[this.#wrap(this.#head + place)]!;
  }

  /** Puts a payment that came back before `place`, 0 … length; moves the fewer of those before and behind. */
  insert(place: number, slot: Slot): void {
    this.#expectRoom();
    if (place < this.#length / 2) {
      this.#head = this.#wrap(this.#head - 1 + this.#slots.length);
      for (let i = 0; i < place; i++) this.#put(i, this.at(i + 1));
    } else {
      for (let i = this.#length; i > place; i--) this.#put(i, this.at(i - 1));
    }
    this.#put(place, slot);
    this.#length++;
  }

  /** Takes out what is at `place`, near the end. */
  remove(place: number): void {
    for (let i = place; i < this.#length - 1; i++) this.#put(i, this.at(i + 1));
    this.#length--;
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

  #put(place: number, slot: Slot): void {
    this.#slots[this.#wrap(this.#head + place)] = slot;
  }

  #wrap(index: number): number {
    return index >= this.#slots.length ? index - this.#slots.length : index;
  }
}
