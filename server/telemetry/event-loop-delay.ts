import type { DurationHistogram } from "../meters/duration-histogram.ts";

const INTERVAL_MS = 20;

/**
 * How late a timer fires that should fire every 20 ms: what everything else that is due waits for as well. Timers count
 * whole milliseconds, so a delay is known to about one.
 */
export class EventLoopDelay {
  readonly #timer: NodeJS.Timeout;
  #firedAtMs = performance.now();

  constructor(delays: DurationHistogram) {
    this.#timer = setInterval(() => {
      const nowMs = performance.now();
      delays.record(nowMs - this.#firedAtMs - INTERVAL_MS);
      this.#firedAtMs = nowMs;
    }, INTERVAL_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
