import type { RecordBatch } from "../../core/log/record.ts";

/** What the engine's records are written to. A database or a stream can stand behind it as well. */
export interface RecordLog {
  /** Number of the next record. */
  readonly lsn: number;
  /** Writes the batch whole, or changes nothing and returns the reason. */
  append(batch: RecordBatch): Error | undefined;
  /** Whether writing is likely to work (again). */
  probe(): boolean;
  /** Calls back when all that was appended so far survives a loss of power. */
  sync(onDurable: (error: Error | null) => void): void;
  close(): void;
}
