import type { Logger } from "pino";
import type { Ledger } from "../../core/ledger/ledger.ts";
import type { PartitionSize, Store } from "../store/store.ts";
import type { Disk } from "../system/disk.ts";
import type { Time } from "../system/time.ts";
import { importedMarkPath } from "./imported-mark.ts";
import { JournalClaim, sizeOf } from "./journal-claim.ts";
import { JournalFollowing } from "./journal-following.ts";
import { LogReader } from "./log-reader.ts";
import { partitionCountOf } from "./partition-count.ts";
import { lockPartition, presentDirectory } from "./partition-directory.ts";

/** What journals are kept with. */
export type Surroundings = { disk: Disk; time: Time; logger: Logger };

export type JournalStoreOptions = {
  dataDir: string;
  /** Undefined: as many as the journals there were made for. */
  partitionCount: number | undefined;
  instanceCount: number;
  /** Payments of a partition. */
  capacity: number;
  /** Names in the order of their numbers. */
  processors: readonly string[];
  segmentBytes: number;
  /** Whether what is written has to survive a loss of power. */
  syncs: boolean;
  /** Payments in a checkpoint's slice, and records read at once in a replay, where they are not the usual numbers. */
  sliceRows?: number | undefined;
  chunkRecords?: number | undefined;
};

/**
 * Journals in a directory that all instances share, or that one has alone:
 *
 *   <DATA_DIR>/partition-1/     the journal of partition 0, and the lock of its carrier
 *   <DATA_DIR>/partition-2/     …
 *   <DATA_DIR>/instance-2/      in its place where an earlier release made it (partition-directory.ts)
 */
export class JournalStore implements Store {
  readonly partitionCount: number;
  readonly canMove = true;
  readonly lapseMs = 0;
  readonly holdsRights = true;
  readonly #surroundings: Surroundings;
  readonly #options: JournalStoreOptions;

  private constructor(surroundings: Surroundings, options: JournalStoreOptions, partitionCount: number) {
    this.#surroundings = surroundings;
    this.#options = options;
    this.partitionCount = partitionCount;
  }

  /**
   * Rejects where the journals were imported into a store, or the number of partitions is not that of the journals
   * there, or less than that of the instances.
   */
  static async open(surroundings: Surroundings, options: JournalStoreOptions): Promise<JournalStore> {
    const { dataDir, partitionCount: asked, instanceCount } = options;
    expectNotImported(surroundings.disk, dataDir);
    const partitionCount = partitionCountOf(surroundings.disk, dataDir, asked, instanceCount);
    return new JournalStore(surroundings, options, partitionCount);
  }

  async claim(partition: number): Promise<JournalClaim | undefined> {
    this.#expectPartition(partition);
    const { dataDir, syncs } = this.#options;
    const locked = await lockPartition(this.#surroundings.disk, dataDir, partition, syncs);
    if (!locked) return undefined;
    try {
      return new JournalClaim(locked, this.#surroundings, { ...this.#options, ...this.#expected(partition) });
    } catch (error) {
      await locked.lock.release();
      throw error;
    }
  }

  async sizeOf(partition: number): Promise<PartitionSize> {
    this.#expectPartition(partition);
    const { dataDir, capacity } = this.#options;
    return sizeOf(presentDirectory(this.#surroundings.disk, dataDir, partition), capacity);
  }

  follow(partition: number, ledger: Ledger): JournalFollowing {
    this.#expectPartition(partition);
    const { dataDir, chunkRecords } = this.#options;
    const directory = presentDirectory(this.#surroundings.disk, dataDir, partition);
    const reader = new LogReader(directory, ledger, this.#expected(partition), chunkRecords);
    return new JournalFollowing(reader, this.#surroundings.time);
  }

  #expected(partition: number) {
    return { partition, partitionCount: this.partitionCount, processors: this.#options.processors };
  }

  #expectPartition(partition: number): void {
    if (!Number.isInteger(partition) || partition < 0 || partition >= this.partitionCount)
      throw new RangeError(`a partition is 0 to ${this.partitionCount - 1}: partition=${partition}`);
  }
}

/** Payments that were moved are another's to charge. */
function expectNotImported(disk: Disk, dataDir: string): void {
  const path = importedMarkPath(dataDir);
  if (!disk.exists(path)) return;
  throw new Error(
    `journals that were imported into a store, or are being imported, are not to be used any more: file=${path}`,
  );
}
