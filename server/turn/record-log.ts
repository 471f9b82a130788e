import type { RecordBatch } from "../../core/log/record.ts";

/** The log has taken a batch and answers later. */
export const UNDER_WAY = "under way";

/**
 * What became of a batch that was under way: in the log; or refused, with the reason; or nobody knows, because the
 * answer was lost: then the log finds out, and answers once more.
 */
export type LateAnswer = "written" | "unknown" | Error;

/** Another has taken the log over: nothing of ours will be written any more. */
export class FencedError extends Error {
  override readonly name = "FencedError";
}

/**
 * What the engine's records are written to. A file answers at once; a database behind it may answer later, and several
 * batches may be under way to it.
 */
export interface RecordLog {
  /** Number of the next record. */
  readonly lsn: number;
  /**
   * Takes the batch as the next records: returns undefined when they are written, the reason when nothing of them is,
   * UNDER_WAY when that will be told to the listener. Until then the batch is not changed. While any is under way, the
   * answer is UNDER_WAY.
   */
  append(batch: RecordBatch): Error | undefined | typeof UNDER_WAY;
  /**
   * Tells of batches under way, in the order of their appending. A log that refuses one has dropped all after it,
   * without a word.
   */
  listen?(onAnswer: (answer: LateAnswer) => void): void;
  /**
   * False while another may have the log: then what is known here may be out of date, and nothing of it is told. What
   * is appended proves itself. Undefined: always current. Hot.
   */
  readonly isCurrent?: boolean;
  /** Whether writing is likely to work (again). */
  probe(): boolean;
  /** Calls back when all that was written so far survives a loss of power. */
  sync(onDurable: (error: Error | null) => void): void;
  close(): void;
}
