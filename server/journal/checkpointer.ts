import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { CheckpointCut } from "../../core/checkpoint.ts";
import { CHECKPOINT, encodeHeader } from "../../core/journal-header.ts";
import type { Ledger } from "../../core/ledger.ts";
import { RECORD_BYTES, RecordBatch } from "../../core/record.ts";
import type { Journal } from "./journal.ts";
import type { JournalDirectory } from "./journal-directory.ts";

/** Payments per slice: some hundred microseconds of the event loop. */
const SLICE_ROWS = 1024;
/** Between slices, so that a checkpoint takes a small share of the loop and the disk. */
const SLICE_PAUSE_MS = 4;
/** Segments, however small, after which a checkpoint is due. */
const SEGMENTS_MAX = 64;

export type CheckpointerOptions = {
  instance: number;
  instanceCount: number;
  segmentBytes: number;
  nowMs: () => number;
};

/**
 * Keeps the journal's directory bounded: begins a new segment when one is full, and writes a checkpoint once the finished segments
 * are larger than the checkpoint would be, so that the disk holds at most about twice the ledger and a segment.
 */
export class Checkpointer {
  readonly #directory: JournalDirectory;
  readonly #journal: Journal;
  readonly #ledger: Ledger;
  readonly #flush: () => boolean;
  readonly #logger: Logger;
  readonly #options: CheckpointerOptions;
  #finishedBytes: number;
  #finishedCount: number;
  #running: Promise<void> | undefined;
  #isClosed = false;

  /** `flush` writes the engine's records now and says whether that worked; `finished` describes the segments there are. */
  constructor(
    directory: JournalDirectory,
    journal: Journal,
    ledger: Ledger,
    flush: () => boolean,
    logger: Logger,
    finished: { bytes: number; count: number },
    options: CheckpointerOptions,
  ) {
    this.#directory = directory;
    this.#journal = journal;
    this.#ledger = ledger;
    this.#flush = flush;
    this.#logger = logger;
    this.#options = options;
    this.#finishedBytes = finished.bytes;
    this.#finishedCount = finished.count;
  }

  /** To be called after writes. Hot: mostly a comparison. */
  maintain(): void {
    if (!this.#journal.isSegmentFull || this.#isClosed) return;
    const bytes = this.#journal.segmentBytes;
    const error = this.#journal.rotate();
    if (error) {
      this.#logger.error({ err: error }, "a new segment cannot be begun: going on in the old one");
      return;
    }
    this.#finishedBytes += bytes;
    this.#finishedCount++;
    this.startIfDue();
  }

  startIfDue(): void {
    const checkpointBytes = this.#ledger.size * RECORD_BYTES;
    const isDue =
      this.#finishedBytes >= Math.max(this.#options.segmentBytes, checkpointBytes) ||
      this.#finishedCount >= SEGMENTS_MAX;
    if (!isDue || this.#running || this.#isClosed) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** Abandons a checkpoint under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#running;
  }

  /** Covers every segment before the one being written. */
  async #run(): Promise<void> {
    const { number } = this.#journal;
    const coveredBytes = this.#finishedBytes;
    const coveredCount = this.#finishedCount;
    const partial = this.#directory.partialPath(number);
    try {
      const handle = await open(partial, "w");
      const isWhole = await this.#write(handle, number).finally(() => handle.close());
      if (!isWhole) {
        await rm(partial);
        return;
      }
      await this.#syncJournal();
      await rename(partial, this.#directory.checkpointPath(number));
      await this.#removeBefore(number);
      this.#finishedBytes -= coveredBytes;
      this.#finishedCount -= coveredCount;
      this.#logger.info({ segment: number, payments: this.#ledger.size }, "checkpoint written");
    } catch (error) {
      this.#logger.error({ err: error }, "a checkpoint cannot be written: the journal grows until one can");
      await rm(partial, { force: true });
    }
  }

  async #write(handle: FileHandle, number: number): Promise<boolean> {
    const { instance, instanceCount, nowMs } = this.#options;
    const header = {
      kind: CHECKPOINT,
      instance,
      instanceCount,
      number,
      firstLsn: this.#journal.lsn,
      createdAtMs: nowMs(),
    } as const;
    await handle.writeFile(encodeHeader(header));
    const batch = new RecordBatch(SLICE_ROWS + 1);
    const cut = new CheckpointCut(this.#ledger);
    for (let first = 0; !cut.isDone; first += batch.count) {
      // A slice must not know more than the log: the rows may be ahead of it by the records of this turn.
      if (this.#isClosed || cut.isStale || !this.#flush()) return false;
      batch.clear();
      cut.cut(batch, this.#journal.lsn, SLICE_ROWS);
      batch.seal(first);
      await handle.writeFile(batch.bytes.subarray(0, batch.count * RECORD_BYTES));
      await sleep(SLICE_PAUSE_MS);
    }
    await handle.datasync();
    return true;
  }

  /** The checkpoint must not survive a loss of power that takes records it builds on. */
  #syncJournal(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#journal.sync((error) => (error ? reject(error) : resolve()));
    });
  }

  async #removeBefore(number: number): Promise<void> {
    const handle = await open(this.#directory.path, "r");
    await handle.sync().finally(() => handle.close());
    for (const file of this.#directory.files()) {
      if (file.number < number) await rm(this.#directory.filePath(file.name));
    }
  }
}
