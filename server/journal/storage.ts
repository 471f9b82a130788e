import { join } from "node:path";
import type { Logger } from "pino";
import type { Engine } from "../../core/engine.ts";
import type { JournalMeters } from "../meters/meters.ts";
import type { Disk, DiskLock } from "../system/disk.ts";
import type { Time } from "../system/time.ts";
import { Checkpointer } from "./checkpointer.ts";
import { expectClockAgrees } from "./clock-check.ts";
import { Journal } from "./journal.ts";
import { JournalDirectory } from "./journal-directory.ts";
import { type Recovered, recoverInSteps, tidy } from "./recover.ts";
import { makeDurable } from "./rewrite.ts";

/** Signals and the rest of the process are heard this often during a replay. */
const REPLAY_TURN_MS = 20;

export type StorageOptions = {
  dataDir: string;
  /** Today an instance's number from 0, and how many there are. */
  partition: number;
  partitionCount: number;
  /** Names in the order of their numbers. */
  processors: readonly string[];
  segmentBytes: number;
  syncs: boolean;
  /** Payments in a checkpoint's slice, and records read at once in a replay, where they are not the usual numbers. */
  sliceRows?: number | undefined;
  chunkRecords?: number | undefined;
  /** See JournalOptions. */
  onBroken: (error: Error) => void;
};

/** What a storage works with. */
export type Surroundings = { disk: Disk; time: Time; logger: Logger };

/** An instance's place on disk: its directory, the lock on it, the journal being written and the upkeep. */
export class Storage {
  readonly journal: Journal;
  /** The latest time or watermark in the journal that was found. */
  readonly latestMs: number;
  readonly #directory: JournalDirectory;
  readonly #surroundings: Surroundings;
  readonly #lock: DiskLock;
  readonly #finished: { bytes: number; count: number };
  readonly #options: StorageOptions;
  #checkpointer: Checkpointer | undefined;

  private constructor(
    directory: JournalDirectory,
    surroundings: Surroundings,
    lock: DiskLock,
    recovered: Recovered,
    options: StorageOptions,
  ) {
    this.#directory = directory;
    this.#surroundings = surroundings;
    this.#lock = lock;
    this.#options = options;
    this.latestMs = recovered.latestMs;
    const finished = directory.files().filter((file) => file.number < recovered.nextNumber);
    this.#finished = { bytes: finished.reduce((sum, file) => sum + file.bytes, 0), count: finished.length };
    const { time } = surroundings;
    const journalOptions = { ...options, syncsSegments: options.syncs, nowMs: () => time.wallMs() };
    this.journal = new Journal(directory, recovered, journalOptions);
  }

  /**
   * Takes the directory, replays what is in it into the engine's empty ledger, and begins a new segment. Rejects,
   * having changed nothing, when the directory is in use, acknowledged payments in it are in danger, or `signal` is
   * aborted meanwhile.
   */
  static async open(
    engine: Engine,
    surroundings: Surroundings,
    options: StorageOptions,
    signal?: AbortSignal,
  ): Promise<Storage> {
    const { disk, time, logger } = surroundings;
    const directory = new JournalDirectory(disk, join(options.dataDir, `instance-${options.partition + 1}`));
    directory.make(options.syncs);
    const lock = await disk.lock(directory.path);
    try {
      const beganAtMs = time.monotonicMs();
      const recovered = await replay(directory, engine, surroundings, options, signal);
      expectClockAgrees(directory, recovered, time.wallMs());
      if (options.syncs) makeDurable(directory, recovered);
      tidy(directory, recovered);
      const ms = Math.round(time.monotonicMs() - beganAtMs);
      logger.info(
        { payments: engine.ledger.size, records: recovered.lsn, torn: recovered.torn, ms },
        "journal replayed",
      );
      return new Storage(directory, surroundings, lock, recovered, options);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** The directory. */
  get path(): string {
    return this.#directory.path;
  }

  /**
   * Begins the upkeep: segments and checkpoints follow the writes, see `maintain`. `flush` writes the engine's records
   * now and says whether that worked.
   */
  beginUpkeep(engine: Engine, flush: () => boolean, meters: JournalMeters): void {
    this.#checkpointer = new Checkpointer(this.#directory, this.journal, {
      ledger: engine.ledger,
      flush,
      finished: this.#finished,
      segmentBytes: this.#options.segmentBytes,
      sliceRows: this.#options.sliceRows,
      meters,
      ...this.#surroundings,
    });
    this.#checkpointer.startIfDue();
  }

  /** To be called after writes. Hot. */
  maintain(): void {
    this.#checkpointer?.maintain();
  }

  async close(): Promise<void> {
    await this.#checkpointer?.close();
    this.journal.close();
    await this.#lock.release();
  }
}

async function replay(
  directory: JournalDirectory,
  engine: Engine,
  { time }: Surroundings,
  options: StorageOptions,
  signal: AbortSignal | undefined,
): Promise<Recovered> {
  const steps = recoverInSteps(directory, engine.ledger, options, options.chunkRecords);
  let turnedAtMs = time.monotonicMs();
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    if (time.monotonicMs() - turnedAtMs < REPLAY_TURN_MS) continue;
    await new Promise<void>((resolve) => time.atEndOfTurn(resolve));
    signal?.throwIfAborted();
    turnedAtMs = time.monotonicMs();
  }
}
