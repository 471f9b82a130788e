import type { Engine } from "../../core/engine.ts";
import { HEADER_BYTES } from "../../core/log/journal-header.ts";
import type { JournalMeters } from "../meters/meters.ts";
import type { Storage, Writing } from "../store/store.ts";
import type { DiskLock } from "../system/disk.ts";
import { Checkpointer } from "./checkpointer.ts";
import { Journal, type JournalOptions } from "./journal.ts";
import type { JournalDirectory } from "./journal-directory.ts";
import type { Surroundings } from "./journal-store.ts";
import type { LockedDirectory } from "./partition-directory.ts";
import type { Recovered } from "./recover.ts";
import { RestoredMarkFile } from "./restored-mark-file.ts";

export type JournalStorageOptions = Omit<JournalOptions, "syncsSegments" | "nowMs"> & {
  syncs: boolean;
  sliceRows?: number | undefined;
};

/** A partition's place on disk: its directory, the lock on it, the journal being written and the upkeep. */
export class JournalStorage implements Storage {
  readonly log: Journal;
  readonly latestMs: number;
  readonly restoredMark: RestoredMarkFile;
  readonly #directory: JournalDirectory;
  readonly #surroundings: Surroundings;
  readonly #lock: DiskLock;
  readonly #finished: { bytes: number; count: number };
  readonly #options: JournalStorageOptions;
  #checkpointer: Checkpointer | undefined;

  /** Begins a segment after what was recovered. Throws when it cannot be created. */
  constructor(
    { directory, lock }: LockedDirectory,
    surroundings: Surroundings,
    recovered: Recovered,
    options: JournalStorageOptions,
  ) {
    this.#directory = directory;
    this.#surroundings = surroundings;
    this.#lock = lock;
    this.#options = options;
    this.latestMs = recovered.latestMs;
    this.restoredMark = new RestoredMarkFile(directory.path);
    const finished = directory.files().filter((file) => file.number < recovered.nextNumber);
    this.#finished = { bytes: finished.reduce((sum, file) => sum + file.bytes, 0), count: finished.length };
    const { time } = surroundings;
    const journalOptions = { ...options, syncsSegments: options.syncs, nowMs: () => time.wallMs() };
    this.log = new Journal(directory, recovered, journalOptions);
  }

  /** The directory. */
  get path(): string {
    return this.#directory.path;
  }

  get epoch(): number {
    return this.log.epoch;
  }

  beginUpkeep(engine: Engine, writing: Writing, meters: JournalMeters): void {
    this.#checkpointer = new Checkpointer(this.#directory, this.log, {
      ledger: engine.ledger,
      flush: () => writing.flush(),
      finished: this.#finished,
      segmentBytes: this.#options.segmentBytes,
      sliceRows: this.#options.sliceRows,
      meters,
      ...this.#surroundings,
    });
    this.#checkpointer.startIfDue();
  }

  maintain(): void {
    this.#checkpointer?.maintain();
  }

  async endUpkeep(): Promise<void> {
    await this.#checkpointer?.close();
  }

  async close(): Promise<void> {
    await this.endUpkeep();
    try {
      if (this.#options.syncs) await this.#leaveDurable();
    } finally {
      this.log.close();
      await this.#lock.release();
    }
  }

  /**
   * All is durable, and a new segment says so: whoever comes next need not write anew what stands before it. Where that
   * cannot be begun, it has to.
   */
  async #leaveDurable(): Promise<void> {
    const { log } = this;
    if (log.isBroken || log.segmentBytes === HEADER_BYTES) return;
    // Without holding up the others of this process: what is left for the rotation to sync is nothing.
    await new Promise<void>((resolve, reject) => log.sync((error) => (error ? reject(error) : resolve())));
    const error = log.rotate();
    if (error) this.#surroundings.logger.warn({ err: error }, "no segment could be begun after the last one");
  }
}
