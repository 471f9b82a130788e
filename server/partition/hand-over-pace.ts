/** After a hand-over that came to nothing, doubling. */
const AGAIN_MS_MIN = 5000;
const AGAIN_MS_MAX = 600_000;
/** What comes back to who gave it away within this was not wanted. */
const GIVEN_BACK_MS = 30_000;

/** When an instance may hand a partition back to the one that it prefers: less often the more that was in vain. */
export class HandOverPace {
  readonly #givenAtMs: Float64Array;
  #notBeforeMs = 0;
  #inVainCount = 0;

  constructor(partitionCount: number) {
    this.#givenAtMs = new Float64Array(partitionCount).fill(Number.NEGATIVE_INFINITY);
  }

  isDue(nowMs: number): boolean {
    return nowMs >= this.#notBeforeMs;
  }

  /** The heir did not take it. */
  inVain(nowMs: number): void {
    this.#notBeforeMs = nowMs + Math.min(AGAIN_MS_MIN * 2 ** this.#inVainCount++, AGAIN_MS_MAX);
  }

  given(partition: number, nowMs: number): void {
    this.#givenAtMs[partition] = nowMs;
  }

  /** This instance carries the partition again, or for the first time. */
  carried(partition: number, nowMs: number): void {
    if (nowMs - this.#givenAtMs[partition]! < GIVEN_BACK_MS) this.inVain(nowMs);
    else this.#inVainCount = 0;
  }
}
