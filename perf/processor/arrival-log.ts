/** When the last callers came: how far apart they are is what an audit wants to know. */
export class ArrivalLog {
  readonly #arrivedAtMs: Float64Array;
  #count = 0;

  constructor(capacity: number) {
    this.#arrivedAtMs = new Float64Array(capacity);
  }

  /** All arrivals ever, also those no longer remembered. */
  get count(): number {
    return this.#count;
  }

  record(nowMs: number): void {
    this.#arrivedAtMs[this.#count % this.#arrivedAtMs.length] = nowMs;
    this.#count++;
  }

  /** Oldest first, as milliseconds since 1970 to the microsecond. */
  recent(): number[] {
    const capacity = this.#arrivedAtMs.length;
    const remembered = Math.min(this.#count, capacity);
    return Array.from({ length: remembered }, (_, i) => {
      const arrivedAtMs = this.#arrivedAtMs[(this.#count - remembered + i) % capacity]!;
      return Math.round(arrivedAtMs * 1000) / 1000;
    });
  }
}
