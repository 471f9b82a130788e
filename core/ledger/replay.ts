import type { JournalHeader } from "../log/journal-header.ts";
import { latestTime } from "../log/log-time.ts";
import type { RecordBatch } from "../log/record.ts";
import * as Kind from "../log/record-kind.ts";
import type { Slot } from "../values/number-types.ts";
import { CheckpointSlices } from "./checkpoint-slices.ts";
import type { Ledger } from "./ledger.ts";
import { NOT_FOUND_SLOT } from "./uuid-index.ts";

/**
 * Builds a ledger from the records of a journal, in order: first a checkpoint, if there is one, then the segments after
 * it. Feed methods return what is wrong, or undefined. Nothing is ever guessed.
 */
export class Replay {
  readonly #ledger: Ledger;
  readonly #slices = new CheckpointSlices();
  #rowsDue = 0;
  #isCheckpointWhole = false;
  #isInSegments = false;
  #lsn = 0;
  #latestMs = 0;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Number of the next record. */
  get lsn(): number {
    return this.#lsn;
  }

  /** The latest time or watermark that was given out. */
  get latestMs(): number {
    return this.#latestMs;
  }

  get isCheckpointWhole(): boolean {
    return this.#isCheckpointWhole;
  }

  /**
   * What the log must reach at least: it was safe before the checkpoint was. Numbers given out a second time would be
   * taken for those of records that are in the checkpoint.
   */
  get checkpointLsn(): number {
    return this.#slices.lastLsn;
  }

  /**
   * Begins a segment; behind a checkpoint the first one says where the numbers begin. The times in a checkpoint's rows
   * count only where no header says which was the latest: rows of payments that were accepted in a wrong time would
   * bring it back.
   */
  startSegment({ firstLsn, version, boundMs }: Pick<JournalHeader, "firstLsn" | "version" | "boundMs">): void {
    const isFirst = this.#slices.count > 0 && !this.#isInSegments;
    if (isFirst) this.#lsn = firstLsn;
    if (isFirst && version > 1) this.#latestMs = boundMs;
    else this.#latestMs = Math.max(this.#latestMs, boundMs);
    this.#isInSegments = true;
  }

  /** Takes the next records of the checkpoint, of which the first has the number `first`. */
  feedCheckpoint(batch: RecordBatch, first: number): string | undefined {
    for (let record = 0; record < batch.count; record++) {
      if (!batch.isSound(record, first + record))
        return `a checkpoint's records must be sound: record=${first + record}`;
      if (this.#isCheckpointWhole) return `nothing follows the last slice: record=${first + record}`;
      if (this.#rowsDue > 0) {
        this.#rowsDue--;
        this.#latestMs = Math.max(this.#latestMs, batch.sequence(record));
        const slot = this.#ledger.restore(batch, record);
        if (slot === NOT_FOUND_SLOT) return `the checkpoint must fit CAPACITY: capacity=${this.#ledger.rows.capacity}`;
        this.#noteTimes(slot);
      } else if (batch.kind(record) === Kind.SLICE) {
        this.#openSlice(batch.sequence(record), batch.atMs(record), batch.cents(record));
      } else {
        return `rows stand in slices: record=${first + record}`;
      }
    }
    return undefined;
  }

  /**
   * Takes the next records of a segment. Returns how many were sound, less than all only at the first one that is not.
   */
  feedSegment(batch: RecordBatch): { soundCount: number; problem?: string } {
    for (let record = 0; record < batch.count; record++) {
      if (!batch.isSound(record, this.#lsn)) return { soundCount: record };
      const problem = this.#apply(batch, record);
      if (problem !== undefined) return { soundCount: record, problem };
      this.#latestMs = latestTime(batch, record, this.#latestMs);
      this.#lsn++;
    }
    return { soundCount: batch.count };
  }

  #apply(batch: RecordBatch, record: number): string | undefined {
    const kind = batch.kind(record);
    // These speak of time only.
    if (kind === Kind.WATERMARK || kind === Kind.CLOCK) return undefined;
    if (this.#slices.cover(kind, batch.sequence(record), this.#lsn)) return undefined;
    if (kind === Kind.ACCEPTED && this.#ledger.isFull) {
      return `the journal's payments must fit CAPACITY: capacity=${this.#ledger.rows.capacity}`;
    }
    try {
      this.#ledger.apply(batch, record);
    } catch (error) {
      return (error as Error).message;
    }
    return undefined;
  }

  #openSlice(fromSequence: number, lsn: number, rowCount: number): void {
    if (this.#slices.count === 0) this.#ledger.startAt(fromSequence);
    this.#slices.open(fromSequence, lsn);
    this.#rowsDue = rowCount;
    this.#isCheckpointWhole = rowCount === 0;
  }

  #noteTimes(slot: Slot): void {
    const { rows } = this.#ledger;
    this.#latestMs = Math.max(this.#latestMs, rows.requestedAtMs(slot), rows.processedAtMs(slot));
  }
}
