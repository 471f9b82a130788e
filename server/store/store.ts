import type { Engine } from "../../core/engine.ts";
import type { Ledger } from "../../core/ledger/ledger.ts";
import type { JournalMeters } from "../meters/meters.ts";
import type { RecordLog } from "../turn/record-log.ts";
import type { RestoredMark } from "./restored-mark.ts";

/** Says who may carry a partition, and keeps its log. */
export interface Store {
  /** Called with each partition that another may have by now, though it was not given back. There is one listener. */
  onLost?(listener: (partition: number) => void): void;
  /** Fixed when the data were first made. */
  readonly partitionCount: number;
  /** Whether another instance can carry on what this one leaves: not without a journal. */
  readonly canMove: boolean;
  /**
   * How long after its carrier's death a partition may not be had yet: as long as its lease lasts. 0: the right ends
   * with the process.
   */
  readonly lapseMs: number;
  /**
   * Whether what was claimed is certainly still this instance's. While it is not, nobody is told that this instance has
   * it: others may claim it.
   */
  readonly holdsRights: boolean;
  /**
   * The right to carry a partition (from 0), until it is released or the process ends; undefined: another has it. Of
   * several that ask at once it may be that none gets it: then ask again. Rejects where nobody could have it: a disk
   * that fails, a directory that cannot be made. Where a carrier may have died it waits for `lapseMs` and a little
   * more; `signal` ends that wait, with undefined unless the right has just been given.
   */
  claim(partition: number, signal?: AbortSignal): Promise<Claim | undefined>;
  /** What a claim would say of its size, for whoever does without the right. Rejects where that cannot be read. */
  sizeOf(partition: number): Promise<PartitionSize>;
  /** Reads along what another carries, into an empty ledger; undefined where the store cannot. */
  follow(partition: number, ledger: Ledger): Following | undefined;
  /**
   * Whether these are the epochs of all partitions now, in their order; false where nobody can be asked. Undefined
   * where the right to carry cannot be lost unnoticed.
   */
  areCurrent?(epochs: readonly number[]): Promise<boolean>;
  /** How it stands with the members and the database; undefined where there are none. */
  readonly standing?: StoreStanding;
  /** Once everything has been given back. */
  close?(): Promise<void>;
}

/** Of a store that several hosts share. */
export type StoreStanding = {
  /** Whether this instance's lease is valid: otherwise others may claim what it carries, and it answers no reads. */
  isLeaseValid: boolean;
  /** Instances with a lease, this one included. */
  memberCount: number;
  /** Whether commits wait for a standby. */
  isStandbyAskedFor: boolean;
  /** Standbys that commits wait for and that keep up; undefined where the database does not let us see them. */
  syncStandbyCount: number | undefined;
};

const PARTITIONS_USUAL = 2;

/** How many partitions there are where nothing is kept yet and no number was asked for: each instance prefers one. */
export function usualPartitionCount(instanceCount: number): number {
  return Math.max(PARTITIONS_USUAL, instanceCount);
}

export type PartitionSize = {
  /** Payments the partition has room for: what its files say, or the setting if that is more or nothing is there. */
  readonly capacity: number;
  /** About how many payments a replay finds: as few as most payments leave records. */
  readonly paymentsExpected: number;
};

/** The right to carry a partition. */
export interface Claim extends PartitionSize {
  readonly partition: number;
  /**
   * Fills the ledger, goes on from where `following` (of this very ledger) is, and begins to write. Rejects, with
   * nothing changed, where acknowledged payments are in danger or `signal` is aborted. The claim is then still held,
   * but ledger and `following` are of no use any more. With a `following` it also rejects where that cannot go on: an
   * empty ledger and none will do.
   */
  open(ledger: Ledger, options: ClaimOptions): Promise<Storage>;
  /** Gives the right back; for a claim that was not opened. */
  release(): Promise<void>;
}

export type ClaimOptions = {
  /** Of this claim's store and partition. */
  following?: Following | undefined;
  signal?: AbortSignal | undefined;
  /** Nothing written can be relied on any more: the process has to end. */
  onBroken: (error: Error) => void;
};

/** An open claim: the log of a carried partition and its upkeep. */
export interface Storage {
  /** Undefined where nothing is kept beyond this process. */
  readonly log: RecordLog | undefined;
  /** Number of this carrier, from 1; the next one has a higher one. It may rise while the carrier stays the same. */
  readonly epoch: number;
  /** The latest time or watermark, by the wall clock, that the log knew of when it was opened; 0 when of none. */
  readonly latestMs: number;
  /** Whether records after its end may be lost; undefined where nothing is kept that could be restored. */
  readonly restoredMark?: RestoredMark | undefined;
  /** Begins the upkeep: it follows the writes, see `maintain`. */
  beginUpkeep(engine: Engine, writing: Writing, meters: JournalMeters): void;
  /** To be called after writes. Hot. */
  maintain(): void;
  /** Begins no more upkeep, and ends what is under way; writing goes on. Makes `close` quick. */
  endUpkeep(): Promise<void>;
  /** Closes the log and gives the right back. With fsync everything is durable before that. */
  close(): Promise<void>;
}

/** What a log's upkeep needs of who writes to it. */
export type Writing = {
  /** Nothing has failed, and nobody has to find out what became of something. */
  readonly isWritable: boolean;
  /** Hands the engine's records to the log now; false while it does not take them all. */
  flush(): boolean;
  /** Resolves with whether the log has all that it was handed so far. */
  durable(): Promise<boolean>;
};

/** A ledger that reads along what another carries. */
export interface Following {
  /**
   * Reads what has been written since, in slices of some milliseconds; resolves with how many records that were.
   * Rejects where it cannot go on: then another one, with an empty ledger, begins anew. Given up by `signal`, it may be
   * called again.
   */
  catchUp(signal?: AbortSignal): Promise<number>;
  close(): void;
}
