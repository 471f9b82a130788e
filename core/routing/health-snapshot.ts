/**
 * What is known of each processor's health, in one Int32 word of a SharedArrayBuffer, so that one Atomics.load is a
 * consistent reading, without a lock, from any thread:
 *
 *    31            16 15                  2    1      0
 *   ┌────────────────┬─────────────────────┬──────┬─────────┐
 *   │ polled at, s   │ min response, ms    │ down │ failing │
 *   │ mod 2^16       │ 0 … 16383           │ felt │ polled  │
 *   └────────────────┴─────────────────────┴──────┴─────────┘
 *
 * `failing` is what the processor's health endpoint said; `down` is what payments experience. They have different
 * writers (the health monitor's thread, and the thread that sends payments), so each changes its bits with a
 * compare-and-swap.
 */
const FAILING = 1;
const DOWN = 2;
const UNAVAILABLE = FAILING | DOWN;
const MIN_RESPONSE_SHIFT = 2;
const MAX_RESPONSE_MS = 0x3fff;
const POLLED_AT_SHIFT = 16;

export class HealthSnapshot {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;

  /** A new snapshot, everything taken for healthy until known better; or a view of another thread's. */
  constructor(processorCount: number, buffer = new SharedArrayBuffer(processorCount * Int32Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
  }

  /** One consistent reading, to be taken apart with the functions below. Hot: one atomic load. */
  read(processor: number): number {
    return Atomics.load(this.#words, processor);
  }

  /** What the processor's health endpoint answered at `atMs` (since the epoch). */
  polled(processor: number, failing: boolean, minResponseMs: number, atMs: number): void {
    const responseMs = Math.min(Math.max(Math.round(minResponseMs), 0), MAX_RESPONSE_MS);
    const stamp = Math.floor(atMs / 1000) % 0x10000;
    const polled = (stamp << POLLED_AT_SHIFT) | (responseMs << MIN_RESPONSE_SHIFT) | (failing ? FAILING : 0);
    this.#change(processor, DOWN, polled);
  }

  /** A payment found the processor not working. */
  feltDown(processor: number): void {
    this.#change(processor, ~DOWN, DOWN);
  }

  /** A payment was charged: newer knowledge than any poll. */
  feltUp(processor: number): void {
    this.#change(processor, ~UNAVAILABLE, 0);
  }

  /** Keeps the bits of `keep` and sets those of `set`; other threads may be doing the same. */
  #change(processor: number, keep: number, set: number): void {
    for (;;) {
      const before = Atomics.load(this.#words, processor);
      const after = (before & keep) | set;
      if (before === after || Atomics.compareExchange(this.#words, processor, before, after) === before) return;
    }
  }
}

export function isUp(word: number): boolean {
  return (word & UNAVAILABLE) === 0;
}

export function isPolledFailing(word: number): boolean {
  return (word & FAILING) !== 0;
}

export function isFeltDown(word: number): boolean {
  return (word & DOWN) !== 0;
}

/** As the health endpoint said, capped at 16 383 ms. */
export function minResponseMs(word: number): number {
  return (word >>> MIN_RESPONSE_SHIFT) & MAX_RESPONSE_MS;
}

/** Changes with every poll: seconds since the epoch mod 2^16. */
export function pollStamp(word: number): number {
  return word >>> POLLED_AT_SHIFT;
}
