import type { Clocks } from "../system/time.ts";

/** Share of real time by which the clock may run fast or slow to meet the wall clock again. */
const SLEW_RATE = 0.05;
const ADJUST_INTERVAL_MS = 1000;
/** A wall clock that is off by more, compared with the last time, was set. */
const STEP_MS_MIN = 1000;
/** Two clocks cannot be compared when the process was stopped between reading one and the other. */
const READING_MS_MAX = 100;

/**
 * Milliseconds since the epoch that never go back and never jump. It starts at the wall clock, runs on the monotonic
 * clock, and when somebody sets the wall clock it follows at 5 % (slewing, as adjtime(3) does): durations stay right
 * within 5 %, and no timestamp is given out twice or before an earlier one.
 */
export class SlewedClock {
  readonly #time: Clocks;
  readonly #onStep: (stepMs: number) => void;
  #baseMs: number;
  #baseMonotonicMs: number;
  #rate = 1;
  /** The wall clock minus the monotonic one, when they were last compared. */
  #offsetMs: number;

  /**
   * `notBeforeMs`: the latest time given out by an earlier life of this instance. `onStep` is called when the wall
   * clock was set by more than a second, with how far it went ahead.
   */
  constructor(time: Clocks, notBeforeMs = 0, onStep: (stepMs: number) => void = () => {}) {
    this.#time = time;
    this.#onStep = onStep;
    const wallMs = time.wallMs();
    this.#baseMs = Math.max(wallMs, notBeforeMs);
    this.#baseMonotonicMs = time.monotonicMs();
    this.#offsetMs = wallMs - this.#baseMonotonicMs;
  }

  /** From now on at least this late: somebody may have been told of it in an earlier life, or by another carrier. */
  advanceTo(notBeforeMs: number): void {
    const monotonicMs = this.#time.monotonicMs();
    this.#baseMs = Math.max(this.#exactMs(monotonicMs), notBeforeMs);
    this.#baseMonotonicMs = monotonicMs;
  }

  /** Whole milliseconds since the epoch. Hot: one clock reading. */
  nowMs(): number {
    return Math.floor(this.#exactMs(this.#time.monotonicMs()));
  }

  /** To be called every ADJUST_INTERVAL_MS. */
  adjust(): void {
    const monotonicMs = this.#time.monotonicMs();
    const wallMs = this.#time.wallMs();
    if (this.#time.monotonicMs() - monotonicMs > READING_MS_MAX) return;
    const nowMs = this.#exactMs(monotonicMs);
    this.#baseMonotonicMs = monotonicMs;
    this.#baseMs = nowMs;
    // What is left is made good by the next adjustment, as far as the rate allows.
    const wanted = (wallMs - nowMs) / ADJUST_INTERVAL_MS;
    this.#rate = 1 + Math.min(Math.max(wanted, -SLEW_RATE), SLEW_RATE);
    this.#noteStep(wallMs - monotonicMs);
  }

  #noteStep(offsetMs: number): void {
    const stepMs = offsetMs - this.#offsetMs;
    this.#offsetMs = offsetMs;
    if (Math.abs(stepMs) > STEP_MS_MIN) this.#onStep(Math.round(stepMs));
  }

  #exactMs(monotonicMs: number): number {
    return this.#baseMs + (monotonicMs - this.#baseMonotonicMs) * this.#rate;
  }
}
