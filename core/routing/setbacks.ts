import type { Slot } from "../values/number-types.ts";

/** After a payment's first rejection; it doubles with each further one. */
const WAIT_MS_MIN = 100;
const WAIT_MS_MAX = 6400;
/** More at once than a processor that still counts as working can have rejected. */
const PLACES = 64;

/**
 * Payments that a processor has just rejected, kept back for a while before they are tried again. In that time others
 * show whether the payment is odd or the processor is misconfigured: the gate counts different payments. Bounded;
 * whoever finds no place is tried again behind the others.
 */
export class Setbacks {
  readonly #slots = new Int32Array(PLACES);
  readonly #dueAtMs = new Float64Array(PLACES);
  #count = 0;

  /** Keeps the payment in `slot` back; false when there is no place. `attemptCount`: how often it was tried so far. */
  keep(slot: Slot, attemptCount: number, nowMs: number): boolean {
    if (this.#count === PLACES) return false;
    this.#slots[this.#count] = slot;
    this.#dueAtMs[this.#count++] = nowMs + Math.min(WAIT_MS_MIN * 2 ** Math.min(attemptCount - 1, 10), WAIT_MS_MAX);
    return true;
  }

  /** Calls back with each payment whose time has come, and lets go of it. Hot: one comparison while there is none. */
  release(nowMs: number, onDue: (slot: Slot) => void): void {
    for (let i = this.#count - 1; i >= 0; i--) {
      if (this.#dueAtMs[i]! > nowMs) continue;
      const slot = this.#slots[i]!;
      this.#count--;
      this.#slots[i] = this.#slots[this.#count]!;
      this.#dueAtMs[i] = this.#dueAtMs[this.#count]!;
      onDue(slot);
    }
  }

  clear(): void {
    this.#count = 0;
  }
}
