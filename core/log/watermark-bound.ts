import * as Outcome from "../values/outcome.ts";
import { NO_PROCESSOR } from "../values/processor.ts";
import type { RecordBatches } from "./record-batches.ts";
import * as Kind from "./record-kind.ts";

/** The bound is raised in steps, so that at most ten records a second are written for it, however many ask. */
export const WATERMARK_STEP_MS = 100;

/** A bound that was raised in the batch of this number. */
type Raised = { batchNumber: number; boundMs: number };

/**
 * The log's word that no later watermark was given out. A start goes on from there, so nothing that is sent later has a
 * requestedAt before a watermark that somebody was told, even where the wall clock was set back in between.
 */
export class WatermarkBound {
  /** As the log has it, or will once the batches are written. */
  #boundMs = 0;
  /** As the log has it without what is in the batches. */
  #writtenMs = 0;
  /** In batches that may not be written yet, oldest first. */
  readonly #raised: Raised[] = [];

  get boundMs(): number {
    return this.#boundMs;
  }

  /** The log says so already. */
  startAt(boundMs: number): void {
    this.#boundMs = boundMs;
    this.#writtenMs = boundMs;
  }

  /**
   * The watermark to give out in place of `untilMs`, once the current batch is written: a record is appended where the
   * bound must be raised, but while nothing can be written the watermark stays at the bound.
   */
  cover(untilMs: number, batches: RecordBatches, isWritable: boolean): number {
    if (untilMs > this.#boundMs && isWritable) {
      this.#noteWritten(batches);
      this.#boundMs = Math.ceil(untilMs / WATERMARK_STEP_MS) * WATERMARK_STEP_MS;
      batches.current.append(Kind.WATERMARK, 0, this.#boundMs, NO_PROCESSOR, Outcome.NONE, 0);
      this.#raised.push({ batchNumber: batches.currentNumber, boundMs: this.#boundMs });
    }
    return Math.min(untilMs, this.#boundMs);
  }

  /** What is in the batches could not be written; its records of the bound are about to be dropped. */
  revert(batches: RecordBatches): void {
    this.#noteWritten(batches);
    this.#raised.length = 0;
    this.#boundMs = this.#writtenMs;
  }

  #noteWritten({ writtenCount }: RecordBatches): void {
    while (this.#raised.length > 0 && this.#raised[0]!.batchNumber < writtenCount) {
      this.#writtenMs = this.#raised.shift()!.boundMs;
    }
  }
}
