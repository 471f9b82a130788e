/** Share of real time by which the clock may run fast or slow to meet the wall clock again. */
const SLEW_RATE = 0.05;
const ADJUST_INTERVAL_MS = 1000;

/**
 * Milliseconds since the epoch that never go back and never jump. It starts at the wall clock, runs on the monotonic clock,
 * and when somebody sets the wall clock it follows at 5 % (slewing, as adjtime(3) does): durations stay right within 5 %,
 * and no timestamp is given out twice or before an earlier one.
 */
export class SlewedClock {
  readonly #wallMs: () => number;
  readonly #monotonicMs: () => number;
  #baseMs: number;
  #baseMonotonicMs: number;
  #rate = 1;

  /** `notBeforeMs`: the latest time given out by an earlier life of this instance. */
  constructor(notBeforeMs = 0, wallMs: () => number = Date.now, monotonicMs: () => number = () => performance.now()) {
    this.#wallMs = wallMs;
    this.#monotonicMs = monotonicMs;
    this.#baseMs = Math.max(wallMs(), notBeforeMs);
    this.#baseMonotonicMs = monotonicMs();
  }

  /** Whole milliseconds since the epoch. Hot: one clock reading. */
  nowMs(): number {
    return Math.floor(this.#exactMs());
  }

  /** To be called every ADJUST_INTERVAL_MS. */
  adjust(): void {
    const nowMs = this.#exactMs();
    this.#baseMonotonicMs = this.#monotonicMs();
    this.#baseMs = nowMs;
    // What is left is made good by the next adjustment, as far as the rate allows.
    const wanted = (this.#wallMs() - nowMs) / ADJUST_INTERVAL_MS;
    this.#rate = 1 + Math.min(Math.max(wanted, -SLEW_RATE), SLEW_RATE);
  }

  #exactMs(): number {
    return this.#baseMs + (this.#monotonicMs() - this.#baseMonotonicMs) * this.#rate;
  }
}
