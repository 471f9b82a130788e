/**
 * How many attempts may be in flight to one processor: TCP's slow start and congestion avoidance (RFC 5681), counted in
 * requests. It grows only while it is what holds payments back, and halves when the processor says 429.
 */
const INITIAL = 16;

export class InFlightLimit {
  readonly #max: number;
  #limit: number;
  #threshold: number;
  #cutAtMs = Number.NEGATIVE_INFINITY;

  /** `max` in requests, at least 1. */
  constructor(max: number) {
    this.#max = max;
    this.#limit = Math.min(INITIAL, max);
    this.#threshold = max;
  }

  get current(): number {
    return Math.floor(this.#limit);
  }

  /** An attempt succeeded while `inFlightCount` (itself included) were out. */
  succeeded(inFlightCount: number): void {
    if (inFlightCount < this.current) return;
    this.#limit = Math.min(this.#max, this.#limit + (this.#limit < this.#threshold ? 1 : 1 / this.#limit));
  }

  /**
   * An attempt begun at `beganAtMs` was refused with 429. One cut a round: what was begun before the last cut says
   * nothing new.
   */
  overloaded(beganAtMs: number, nowMs: number): void {
    if (beganAtMs <= this.#cutAtMs) return;
    this.#cutAtMs = nowMs;
    this.#threshold = Math.max(1, this.#limit / 2);
    this.#limit = this.#threshold;
  }

  /** After an outage nothing is known of the processor: start slowly. */
  restart(): void {
    this.#limit = Math.min(INITIAL, this.#max);
    this.#threshold = this.#max;
  }
}
