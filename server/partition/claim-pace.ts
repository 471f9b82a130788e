/** A claim that another was faster with is tried again after a random time of these, doubling. */
const AGAIN_MS_MIN = 20;
const AGAIN_MS_MAX = 500;
/** After an adoption that failed, or a partition that does not fit in memory. */
const REFUSED_MS = 5000;
/** What an instance has left it leaves alone for so long: its heir comes first. */
const LEFT_MS = 200;
/** What an instance has that says nothing any more may be free all the same: that is tried now and then. */
const SILENT_AGAIN_MS = 500;
/** Each further candidate waits so much longer before it claims what the one before it has left alone. */
const RANK_WAIT_MS = 150;

/** When an instance may claim each partition: at once, and less often the more it was in vain. */
export class ClaimPace {
  readonly #random: () => number;
  readonly #lapseMs: number;
  /** Since when nobody has a partition, as far as is known here. */
  readonly #freeSinceMs: Float64Array;
  readonly #notBeforeMs: Float64Array;
  /** Claims in a row that another was faster with. */
  readonly #lostCounts: Uint32Array;

  /** `random`: from 0 to below 1. `lapseMs`: see Store. */
  constructor(partitionCount: number, random: () => number, lapseMs: number) {
    this.#random = random;
    this.#lapseMs = lapseMs;
    this.#freeSinceMs = new Float64Array(partitionCount).fill(Number.POSITIVE_INFINITY);
    this.#notBeforeMs = new Float64Array(partitionCount);
    this.#lostCounts = new Uint32Array(partitionCount);
  }

  /** Another instance has the partition. */
  taken(partition: number): void {
    this.#freeSinceMs[partition] = Number.POSITIVE_INFINITY;
  }

  /** Nobody that is up has it. */
  free(partition: number, nowMs: number): void {
    this.#freeSinceMs[partition] = Math.min(this.#freeSinceMs[partition]!, nowMs);
  }

  /**
   * `rank`: how many are to claim it before this instance. The first one may have to wait until a dead carrier's right
   * has lapsed: nobody is to wait beside it, and be faster.
   */
  isDue(partition: number, rank: number, nowMs: number): boolean {
    const rankWaitMs = rank === 0 ? 0 : rank * RANK_WAIT_MS + this.#lapseMs;
    const sinceMs = this.#freeSinceMs[partition]! + rankWaitMs;
    return nowMs >= sinceMs && nowMs >= this.#notBeforeMs[partition]!;
  }

  /** How long the next claim has to wait. */
  waitMs(partition: number, nowMs: number): number {
    return Math.max(0, this.#notBeforeMs[partition]! - nowMs);
  }

  /** One that says nothing any more had it when it was last heard. */
  triedAtSilent(partition: number, nowMs: number): void {
    this.#notBeforeMs[partition] = nowMs + SILENT_AGAIN_MS;
  }

  /** Another has the right. */
  lost(partition: number, nowMs: number): void {
    const baseMs = Math.min(AGAIN_MS_MIN * 2 ** this.#lostCounts[partition]!++, AGAIN_MS_MAX);
    const againAtMs = nowMs + baseMs * (1 + 3 * this.#random());
    this.#notBeforeMs[partition] = Math.max(this.#notBeforeMs[partition]!, againAtMs);
  }

  refused(partition: number, nowMs: number): void {
    this.#notBeforeMs[partition] = nowMs + REFUSED_MS;
  }

  carried(partition: number): void {
    this.taken(partition);
    this.#lostCounts[partition] = 0;
  }

  left(partition: number, nowMs: number): void {
    this.#notBeforeMs[partition] = nowMs + LEFT_MS;
  }
}
