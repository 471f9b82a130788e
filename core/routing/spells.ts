/**
 * How soon something that has lasted a while ends, learned from how long it lasted before: exponential spells with a
 * gamma prior (the conjugate of their rate). The spell under way counts in the time without its end, so a rate falls
 * the longer it lasts: what has been down for long is expected to stay down for longer.
 *
 *   rate = (weight + ends seen) / (weight × mean expected + time seen)
 */
export class Spells {
  readonly #priorMs: number;
  readonly #weight: number;
  #endedMs = 0;
  #endCount = 0;
  #sinceMs = Number.NaN;

  /** `expectedMs`: the mean before anything is seen, worth `weight` spells. */
  constructor(expectedMs: number, weight: number) {
    this.#priorMs = expectedMs * weight;
    this.#weight = weight;
  }

  get isUnderWay(): boolean {
    return !Number.isNaN(this.#sinceMs);
  }

  begin(nowMs: number): void {
    if (!this.isUnderWay) this.#sinceMs = nowMs;
  }

  end(nowMs: number): void {
    if (!this.isUnderWay) return;
    this.#endedMs += nowMs - this.#sinceMs;
    this.#endCount++;
    this.#sinceMs = Number.NaN;
  }

  /** Expected ends per millisecond, of a spell that is under way or begins now. */
  endsPerMs(nowMs: number): number {
    const underWayMs = this.isUnderWay ? nowMs - this.#sinceMs : 0;
    return (this.#weight + this.#endCount) / (this.#priorMs + this.#endedMs + underWayMs);
  }
}
