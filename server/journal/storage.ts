import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import type { Logger } from "pino";
import type { Engine } from "../../core/engine.ts";
import type { GroupCommit } from "../group-commit.ts";
import { Checkpointer } from "./checkpointer.ts";
import { DirectoryLock } from "./directory-lock.ts";
import { Journal } from "./journal.ts";
import { JournalDirectory } from "./journal-directory.ts";
import { type Recovered, recoverInSteps, tidy } from "./recover.ts";

/** Signals and the rest of the process are heard this often during a replay. */
const REPLAY_TURN_MS = 20;

export type StorageOptions = {
  dataDir: string;
  instance: number;
  instanceCount: number;
  segmentBytes: number;
  syncs: boolean;
};

/** An instance's place on disk: its directory, the lock on it, the journal being written and the upkeep. */
export class Storage {
  readonly journal: Journal;
  /** The latest time in the journal that was found. */
  readonly latestMs: number;
  readonly #directory: JournalDirectory;
  readonly #lock: DirectoryLock;
  readonly #finished: { bytes: number; count: number };
  readonly #options: StorageOptions;
  #checkpointer: Checkpointer | undefined;

  private constructor(
    directory: JournalDirectory,
    lock: DirectoryLock,
    recovered: Recovered,
    finished: { bytes: number; count: number },
    options: StorageOptions,
  ) {
    this.#directory = directory;
    this.#lock = lock;
    this.#finished = finished;
    this.#options = options;
    this.latestMs = recovered.latestMs;
    const { instance, instanceCount, segmentBytes, syncs } = options;
    const journalOptions = { instance, instanceCount, segmentBytes, syncsSegments: syncs, nowMs: Date.now };
    this.journal = new Journal(directory, recovered.nextNumber, recovered.lsn, journalOptions);
  }

  /**
   * Takes the directory, replays what is in it into the engine's empty ledger, and begins a new segment. Rejects, having changed
   * nothing, when the directory is in use, acknowledged payments in it are in danger, or `signal` is aborted meanwhile.
   */
  static async open(engine: Engine, logger: Logger, options: StorageOptions, signal?: AbortSignal): Promise<Storage> {
    const directory = new JournalDirectory(join(options.dataDir, `instance-${options.instance + 1}`));
    const lock = await DirectoryLock.take(directory.path);
    try {
      const beganAtMs = performance.now();
      const recovered = await replay(directory, engine, options, signal);
      tidy(directory, recovered);
      // The end of the last life may be in the page cache only; what is replayed is acknowledged from now on.
      if (options.syncs) directory.syncFiles();
      const finished = directory.files().filter((file) => file.number < recovered.nextNumber);
      const bytes = finished.reduce((sum, file) => sum + file.bytes, 0);
      const ms = Math.round(performance.now() - beganAtMs);
      logger.info(
        { payments: engine.ledger.size, records: recovered.lsn, torn: recovered.torn, ms },
        "journal replayed",
      );
      return new Storage(directory, lock, recovered, { bytes, count: finished.length }, options);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** Begins the upkeep: segments and checkpoints follow the writes of `commit`. */
  maintain(engine: Engine, commit: GroupCommit, logger: Logger): void {
    const flush = () => commit.commit();
    const options = { ...this.#options, nowMs: Date.now };
    const checkpointer = new Checkpointer(
      this.#directory,
      this.journal,
      engine.ledger,
      flush,
      logger,
      this.#finished,
      options,
    );
    this.#checkpointer = checkpointer;
    commit.onWritten = () => checkpointer.maintain();
    checkpointer.startIfDue();
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
  options: StorageOptions,
  signal: AbortSignal | undefined,
): Promise<Recovered> {
  const steps = recoverInSteps(directory, engine.ledger, options);
  let turnedAtMs = performance.now();
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    if (performance.now() - turnedAtMs < REPLAY_TURN_MS) continue;
    await turn();
    signal?.throwIfAborted();
    turnedAtMs = performance.now();
  }
}
