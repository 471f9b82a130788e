import { BATCH_RECORDS, RECORD_BYTES, type RecordBatch } from "../../core/log/record.ts";
import { type DiskFile, readThere } from "../system/disk.ts";

const RECORD_WORDS = RECORD_BYTES / 4;

/**
 * The seals of the records that were read last in a segment. Whoever writes it may take back a batch that it could not
 * write whole, and write others in its place: one batch at most, and only at the file's end. So a reader beside it that
 * finds these records as they were knows that all it has read is still so.
 */
export class ReadTail {
  /** Of the segment's record n at n mod BATCH_RECORDS. */
  readonly #seals = new Int32Array(BATCH_RECORDS);
  #count = 0;

  /** A segment begins. */
  clear(): void {
    this.#count = 0;
  }

  /** The first `count` records of the batch were read. */
  note(batch: RecordBatch, count: number): void {
    for (let record = Math.max(0, count - BATCH_RECORDS); record < count; record++)
      this.#seals[(this.#count + record) % BATCH_RECORDS] = batch.sealOf(record);
    this.#count += count;
  }

  /** Whether they are still there, the last of them before byte `end`. */
  isIn(file: DiskFile, end: number): boolean {
    const count = Math.min(this.#count, BATCH_RECORDS);
    const words = new Int32Array(count * RECORD_WORDS);
    const bytes = new Uint8Array(words.buffer);
    if (readThere(file, bytes, bytes.length, end - bytes.length) < bytes.length) return false;
    const first = this.#count - count;
    for (let record = 0; record < count; record++)
      if (words[record * RECORD_WORDS] !== this.#seals[(first + record) % BATCH_RECORDS]) return false;
    return true;
  }
}
