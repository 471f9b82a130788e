/** How far the wall clock may run ahead of this one or behind it; it is only told in whole milliseconds. */
const DRIFT_MS_MAX = 2;

/** Wall time for spans, in milliseconds since the epoch, finer than the wall clock tells it. */
export class SpanClock {
  #offsetMs = performance.timeOrigin;

  /** Hot. */
  nowMs(): number {
    return this.#offsetMs + performance.now();
  }

  /** Follows a wall clock that was set. To be called now and then. */
  adjust(): void {
    const aheadMs = Date.now() - this.nowMs();
    if (Math.abs(aheadMs) > DRIFT_MS_MAX) this.#offsetMs += aheadMs;
  }
}
