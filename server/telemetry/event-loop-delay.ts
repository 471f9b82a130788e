import type { DurationHistogram } from "../meters/duration-histogram.ts";
import { type Time, type Timer, untilTickMs } from "../system/time.ts";

const INTERVAL_MS = 20;

/**
 * How late a timer fires that should fire every 20 ms: what everything else that is due waits for as well. Timers count
 * whole milliseconds, so a delay is known to about one.
 */
export class EventLoopDelay {
  readonly #delays: DurationHistogram;
  readonly #time: Time;
  #timer: Timer;
  #dueAtMs = 0;

  constructor(delays: DurationHistogram, time: Time) {
    this.#delays = delays;
    this.#time = time;
    this.#timer = this.#next();
  }

  stop(): void {
    this.#timer.cancel();
  }

  #next(): Timer {
    const delayMs = untilTickMs(this.#time, INTERVAL_MS);
    this.#dueAtMs = this.#time.monotonicMs() + delayMs;
    return this.#time.after(delayMs, () => {
      this.#delays.record(Math.max(0, this.#time.monotonicMs() - this.#dueAtMs));
      this.#timer = this.#next();
    });
  }
}
