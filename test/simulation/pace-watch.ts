import type { Process } from "./process.ts";
import { expectThat } from "./violation.ts";

const WINDOW_MS = 5;
/** From a turn's end to when its requests leave: connections are made. */
const LEAVES_WITHIN_MS = 3;
/** What may leave beyond what comes in: at once, and per millisecond. */
const CREDIT_MAX = 16;
const DRAIN_PER_MS = 5;
/** What came in within a turn, or before, may all leave at its end. */
const TURN_MS = 30;

/** Sees to it that what has piled up at an instance leaves evenly. */
export class PaceWatch {
  readonly #process: Process;
  readonly #partitionCount: number;
  readonly #sentAtMs: number[] = [];
  readonly #acceptedAtMs: number[] = [];

  /** Each partition has a pace of its own. */
  constructor(process: Process, partitionCount: number) {
    this.#process = process;
    this.#partitionCount = partitionCount;
  }

  accepted(): void {
    this.#acceptedAtMs.push(this.#process.monotonicMs());
  }

  sent(): void {
    const { world, wentOnAtMs } = this.#process;
    // Requests that wait for a sync, or for a stopped process, leave together.
    if (world.settings.syncs) return;
    const nowMs = this.#process.monotonicMs();
    this.#sentAtMs.push(nowMs);
    if (nowMs - wentOnAtMs < TURN_MS) return;
    const sentCount = countSince(this.#sentAtMs, nowMs - WINDOW_MS);
    const acceptedCount = countSince(this.#acceptedAtMs, nowMs - WINDOW_MS - TURN_MS);
    const paceMax = CREDIT_MAX + DRAIN_PER_MS * (WINDOW_MS + LEAVES_WITHIN_MS);
    const sentMax = paceMax * this.#partitionCount + acceptedCount;
    expectThat(sentCount <= sentMax, "what has piled up leaves evenly", () => `sent=${sentCount} max=${sentMax}`);
  }
}

/** Of times in order; what is before is dropped. */
function countSince(timesMs: number[], sinceMs: number): number {
  while (timesMs.length > 0 && timesMs[0]! < sinceMs) timesMs.shift();
  return timesMs.length;
}
