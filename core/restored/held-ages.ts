import type { Ledger } from "../ledger/ledger.ts";
import { OLD_DOUBT_MS } from "../settling/open-doubts.ts";
import type { Sequence, Slot } from "../values/number-types.ts";

/**
 * Which of the held payments are held for long. What an engine starts with is held since the start, and later payments
 * since their acceptance: so those that are old are the first by their sequence, and are counted as time passes.
 */
export class HeldAges {
  readonly #ledger: Ledger;
  readonly #isHeld: (slot: Slot) => boolean;
  #startedAtMs = Number.POSITIVE_INFINITY;
  /** Payments from here on were accepted since the start. */
  #firstNew: Sequence = 0;
  /** All that are held before this sequence are old, and so many are. */
  #end: Sequence = 0;
  #count = 0;

  constructor(ledger: Ledger, isHeld: (slot: Slot) => boolean) {
    this.#ledger = ledger;
    this.#isHeld = isHeld;
  }

  startAt(nowMs: number): void {
    this.#startedAtMs = nowMs;
    this.#firstNew = this.#ledger.head;
  }

  sinceMs(slot: Slot): number {
    const isNew = this.#ledger.sequenceOf(slot) >= this.#firstNew;
    return isNew ? this.#ledger.rows.acceptedAtMs[slot]! : this.#startedAtMs;
  }

  isOld(slot: Slot, nowMs: number): boolean {
    return nowMs - this.sinceMs(slot) > OLD_DOUBT_MS;
  }

  /** Amortized O(1). */
  oldCount(nowMs: number): number {
    this.#advance(nowMs);
    return this.#count;
  }

  oldEnd(nowMs: number): Sequence {
    this.#advance(nowMs);
    return this.#end;
  }

  /** The payment in `slot` is held no longer. */
  forgotten(slot: Slot): void {
    if (this.#ledger.sequenceOf(slot) < this.#end) this.#count--;
  }

  /** The latest payments may have been taken back. */
  compact(): void {
    this.#end = Math.min(this.#end, this.#ledger.head);
  }

  /** Every payment is gone. */
  clear(): void {
    this.#count = 0;
  }

  #advance(nowMs: number): void {
    const ledger = this.#ledger;
    this.#end = Math.max(this.#end, ledger.tail);
    while (this.#end < ledger.head) {
      const slot = ledger.slotOf(this.#end);
      if (!this.isOld(slot, nowMs)) return;
      if (this.#isHeld(slot)) this.#count++;
      this.#end++;
    }
  }
}
