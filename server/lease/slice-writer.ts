import type { Logger } from "pino";
import { CheckpointCut } from "../../core/ledger/checkpoint.ts";
import type { Ledger } from "../../core/ledger/ledger.ts";
import { RECORD_BYTES, RecordBatch } from "../../core/log/record.ts";
import type { JournalMeters } from "../meters/meters.ts";
import type { Writing } from "../store/store.ts";
import { Backoff } from "../system/backoff.ts";
import type { Time, Timer } from "../system/time.ts";
import type { CheckpointHead, CheckpointSize, Database } from "./database.ts";
import type { LeaseLog } from "./lease-log.ts";

/** Payments per slice, unless others are asked for: some hundred microseconds of the event loop. */
const SLICE_ROWS = 1024;
/** Between slices, so that a checkpoint takes a small share of the loop and the database. */
const SLICE_PAUSE_MS = 4;
/** While there is a batch that the log does not take yet. */
const HELD_PAUSE_MS = 5;
/** A partition with little traffic has one now and then all the same: nothing before it has to be kept. */
const IDLE_MS = 600_000;
/** Between looks at that. */
const LOOK_MS = 60_000;
/** After a checkpoint that was abandoned, because the ledger was purged or the log could not be written. */
const AGAIN_MS = 1000;

export type SliceWriterParts = {
  database: Database;
  ledger: Ledger;
  writing: Writing;
  /** Log behind the last checkpoint after which another is due, unless the checkpoint would be larger. */
  checkpointBytes: number;
  checkpoint: CheckpointHead | undefined;
  /** Payments per slice. */
  sliceRows?: number | undefined;
  meters: JournalMeters;
  time: Time;
  logger: Logger;
};

/**
 * Keeps what has to be replayed bounded: writes a checkpoint into the database once the log behind the last one is
 * larger than it would be.
 *
 *   begin ──► a slice is cut ──► the log has all that it knows ──► it is put ──► … ──► finish: the log begins here
 */
export class SliceWriter {
  readonly #log: LeaseLog;
  readonly #parts: SliceWriterParts;
  readonly #backoff = new Backoff();
  readonly #sliceRows: number;
  readonly #batch: RecordBatch;
  #fromLsn: number;
  #running: Promise<void> | undefined;
  #retry: Timer | undefined;
  #look: Timer;
  #finishedAtMs: number;
  #isClosed = false;

  constructor(log: LeaseLog, parts: SliceWriterParts) {
    this.#log = log;
    this.#parts = parts;
    this.#sliceRows = parts.sliceRows ?? SLICE_ROWS;
    this.#batch = new RecordBatch(this.#sliceRows + 1);
    this.#fromLsn = parts.checkpoint?.lsn ?? 0;
    this.#finishedAtMs = parts.time.monotonicMs();
    this.#look = parts.time.after(LOOK_MS, this.#lookAgain);
  }

  /** To be called after writes. Hot: a comparison. */
  maintain(): void {
    const { ledger, checkpointBytes } = this.#parts;
    const logBytes = (this.#log.lsn - this.#fromLsn) * RECORD_BYTES;
    if (logBytes >= checkpointBytes && logBytes >= ledger.size * RECORD_BYTES) this.#begin();
  }

  readonly #lookAgain = (): void => {
    const { time } = this.#parts;
    this.#look = time.after(LOOK_MS, this.#lookAgain);
    const isIdle = time.monotonicMs() - this.#finishedAtMs >= IDLE_MS;
    if (isIdle && this.#log.writtenLsn > this.#fromLsn) this.#begin();
  };

  #begin(): void {
    if (this.#running || this.#isClosed || !this.#backoff.mayTry(this.#parts.time.monotonicMs())) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** Abandons a checkpoint under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#look.cancel();
    this.#retry?.cancel();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { database, logger, meters, time } = this.#parts;
    const { partition } = this.#log;
    try {
      // What was handed over and not acknowledged may yet be taken back, and its numbers be used again.
      const { writtenLsn: lsn, latestMs } = this.#log;
      const { epoch } = this.#log;
      const number = await database.beginCheckpoint(partition, epoch, { lsn, latestMs });
      const size = number === undefined ? undefined : await this.#write(number);
      const isDone = size !== undefined && (await database.finishCheckpoint(partition, epoch, number!, size));
      if (!isDone) return this.#tryAgain(AGAIN_MS);
      this.#fromLsn = lsn;
      this.#finishedAtMs = time.monotonicMs();
      this.#backoff.worked();
      logger.info({ partition: partition + 1, lsn, payments: size.rows }, "checkpoint written");
    } catch (error) {
      meters.checkpointFailedCount++;
      if (!this.#backoff.isFailing)
        logger.error({ err: error, partition: partition + 1 }, "a checkpoint cannot be written: the log grows");
      this.#tryAgain(this.#backoff.failed(time.monotonicMs()));
    }
  }

  /** Undefined when it is of no use. */
  async #write(number: number): Promise<CheckpointSize | undefined> {
    const { database, ledger, time, writing } = this.#parts;
    const batch = this.#batch;
    const cut = new CheckpointCut(ledger);
    let rows = 0;
    let first = 0;
    let slices = 0;
    for (; !cut.isDone; slices++) {
      // The rows may be ahead of the log only by what it has been given: it is waited for.
      while (!this.#isClosed && writing.isWritable && !writing.flush()) await time.pause(HELD_PAUSE_MS);
      if (this.#isClosed || cut.isStale || !writing.isWritable) return undefined;
      batch.clear();
      cut.cut(batch, this.#log.lsn, this.#sliceRows);
      batch.seal(first);
      const records = batch.bytes.slice(0, batch.count * RECORD_BYTES);
      rows += batch.count - 1;
      first += batch.count;
      if (!(await writing.durable())) return undefined;
      await database.putSlice(this.#log.partition, number, slices, records);
      await time.pause(SLICE_PAUSE_MS);
    }
    return { slices, rows };
  }

  #tryAgain(delayMs: number): void {
    if (!this.#isClosed) this.#retry = this.#parts.time.after(delayMs, () => this.maintain());
  }
}
