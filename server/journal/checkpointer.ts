import type { Logger } from "pino";
import { CheckpointCut } from "../../core/ledger/checkpoint.ts";
import type { Ledger } from "../../core/ledger/ledger.ts";
import { CHECKPOINT } from "../../core/log/journal-header.ts";
import { RECORD_BYTES, RecordBatch } from "../../core/log/record.ts";
import type { JournalMeters } from "../meters/meters.ts";
import { Backoff } from "../system/backoff.ts";
import { type Disk, syncDataLater } from "../system/disk.ts";
import type { Time, Timer } from "../system/time.ts";
import type { Journal } from "./journal.ts";
import type { JournalDirectory } from "./journal-directory.ts";

/** Payments per slice unless told otherwise: some hundred microseconds of the event loop. */
const SLICE_ROWS = 1024;
/** Between slices, so that a checkpoint takes a small share of the loop and the disk. */
const SLICE_PAUSE_MS = 4;
/** After a checkpoint that was abandoned, because the ledger was purged or the journal could not be written. */
const AGAIN_MS = 1000;
/** Segments, however small, after which a checkpoint is due. */
const SEGMENTS_MAX = 64;

export type CheckpointerParts = {
  ledger: Ledger;
  /** Writes the engine's records now and says whether that worked. */
  flush: () => boolean;
  /** The segments there are. */
  finished: { bytes: number; count: number };
  segmentBytes: number;
  /** Payments per slice. */
  sliceRows?: number | undefined;
  meters: JournalMeters;
  disk: Disk;
  time: Time;
  logger: Logger;
};

/**
 * Keeps the journal's directory bounded: begins a new segment when one is full, and writes a checkpoint once the
 * finished segments are larger than the checkpoint would be, so that the disk holds at most about twice the ledger and
 * a segment.
 *
 *   slices ──► sync ──► sync of the log it builds on ──► name ──► sync of the name ──► segments it covers are removed
 */
export class Checkpointer {
  readonly #directory: JournalDirectory;
  readonly #journal: Journal;
  readonly #parts: CheckpointerParts;
  readonly #segmentBackoff = new Backoff();
  readonly #checkpointBackoff = new Backoff();
  #finishedBytes: number;
  #finishedCount: number;
  #running: Promise<void> | undefined;
  #retry: Timer | undefined;
  #isClosed = false;

  constructor(directory: JournalDirectory, journal: Journal, parts: CheckpointerParts) {
    this.#directory = directory;
    this.#journal = journal;
    this.#parts = parts;
    this.#finishedBytes = parts.finished.bytes;
    this.#finishedCount = parts.finished.count;
  }

  /** To be called after writes. Hot: mostly a comparison. */
  maintain(): void {
    if (!this.#journal.isSegmentFull || this.#isClosed) return;
    const { time, logger, meters } = this.#parts;
    if (!this.#segmentBackoff.mayTry(time.monotonicMs())) return;
    const bytes = this.#journal.segmentBytes;
    const error = this.#journal.rotate();
    if (error) {
      meters.segmentFailedCount++;
      if (!this.#segmentBackoff.isFailing)
        logger.error({ err: error }, "a new segment cannot be begun: going on in the old one");
      this.#segmentBackoff.failed(time.monotonicMs());
      return;
    }
    if (this.#segmentBackoff.isFailing) logger.warn("a new segment could be begun again");
    this.#segmentBackoff.worked();
    this.#finishedBytes += bytes;
    this.#finishedCount++;
    this.startIfDue();
  }

  startIfDue(): void {
    const checkpointBytes = this.#parts.ledger.size * RECORD_BYTES;
    const isDue =
      this.#finishedBytes >= Math.max(this.#parts.segmentBytes, checkpointBytes) || this.#finishedCount >= SEGMENTS_MAX;
    if (!isDue || this.#running || this.#isClosed) return;
    if (!this.#checkpointBackoff.mayTry(this.#parts.time.monotonicMs())) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** Abandons a checkpoint under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#retry?.cancel();
    await this.#running;
  }

  /** Covers every segment before the one being written. */
  async #run(): Promise<void> {
    const { number } = this.#journal;
    const coveredBytes = this.#finishedBytes;
    const coveredCount = this.#finishedCount;
    const path = this.#directory.checkpointPath(number);
    const partial = this.#directory.partialPath(path);
    try {
      if (!(await this.#write(partial, number))) return this.#tryAgain(AGAIN_MS);
      await this.#syncSegmentsFrom(number);
      await this.#publish(partial, path);
      await this.#removeBefore(number);
    } catch (error) {
      return await this.#failed(error as Error, partial);
    }
    this.#finishedBytes -= coveredBytes;
    this.#finishedCount -= coveredCount;
    const { logger, ledger } = this.#parts;
    if (this.#checkpointBackoff.isFailing) logger.warn("a checkpoint could be written again");
    this.#checkpointBackoff.worked();
    logger.info({ segment: number, payments: ledger.size }, "checkpoint written");
  }

  /**
   * False when the checkpoint is of no use: the ledger was purged, the journal cannot be written, or it is time to
   * close.
   */
  async #write(partial: string, number: number): Promise<boolean> {
    const { disk, ledger, flush, time, sliceRows = SLICE_ROWS } = this.#parts;
    if (disk.exists(partial)) disk.remove(partial);
    const file = disk.create(partial);
    try {
      const header = this.#journal.header(CHECKPOINT, number);
      await file.writeLater(header, 0);
      const batch = new RecordBatch(sliceRows + 1);
      const cut = new CheckpointCut(ledger);
      let position = header.length;
      for (let first = 0; !cut.isDone; first += batch.count) {
        // A slice must not know more than the log: the rows may be ahead of it by the records of this turn.
        if (this.#isClosed || cut.isStale || !flush()) return this.#abandon(partial);
        batch.clear();
        cut.cut(batch, this.#journal.lsn, sliceRows);
        batch.seal(first);
        const bytes = batch.bytes.subarray(0, batch.count * RECORD_BYTES);
        await file.writeLater(bytes, position);
        position += bytes.length;
        await time.pause(SLICE_PAUSE_MS);
      }
      await syncDataLater(file);
      return true;
    } finally {
      file.close();
    }
  }

  #abandon(partial: string): false {
    this.#parts.disk.remove(partial);
    return false;
  }

  /**
   * The checkpoint must not survive a loss of power that takes records it builds on, and it may build on all that are
   * there now.
   */
  async #syncSegmentsFrom(number: number): Promise<void> {
    for (let finished = number; finished < this.#journal.number; finished++) {
      const file = this.#parts.disk.open(this.#directory.segmentPath(finished), "write");
      const synced = syncDataLater(file).finally(() => file.close());
      await this.#orBreak("a finished segment must be durable", synced);
    }
    await new Promise<void>((resolve, reject) => {
      this.#journal.sync((error) => (error ? reject(error) : resolve()));
    });
  }

  /**
   * Without its name's sync nobody knows whether the checkpoint is there after a loss of power, and what it covers no
   * longer is.
   */
  async #publish(partial: string, path: string): Promise<void> {
    const { disk } = this.#parts;
    await disk.renameLater(partial, path);
    await this.#orBreak("a checkpoint's name must be durable", disk.syncDirectoryLater(this.#directory.path));
  }

  async #orBreak(rule: string, synced: Promise<void>): Promise<void> {
    try {
      await synced;
    } catch (error) {
      this.#journal.break(rule, error);
      throw error;
    }
  }

  async #removeBefore(number: number): Promise<void> {
    for (const file of this.#directory.files()) {
      if (file.number < number) await this.#parts.disk.removeLater(this.#directory.filePath(file.name));
    }
  }

  async #failed(error: Error, partial: string): Promise<void> {
    const { disk, logger, meters, time } = this.#parts;
    if (this.#journal.isBroken) return;
    meters.checkpointFailedCount++;
    if (!this.#checkpointBackoff.isFailing)
      logger.error({ err: error }, "a checkpoint cannot be written: the journal grows until one can");
    const delayMs = this.#checkpointBackoff.failed(time.monotonicMs());
    // The next try removes what is left of this one, if this does not.
    await disk.removeLater(partial).catch(() => {});
    this.#tryAgain(delayMs);
  }

  #tryAgain(delayMs: number): void {
    if (!this.#isClosed) this.#retry = this.#parts.time.after(delayMs, () => this.startIfDue());
  }
}
