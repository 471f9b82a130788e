/**
 * What a store by lease asks of its database. Each call is one transaction. A call that fails rejects with one of two
 * errors, because they leave different things behind:
 *
 *   NotDoneError    certainly nothing was done, and nothing of it will be
 *   UnknownError    it was done, or not, or it will be in a moment: the answer was lost, or the database said that a
 *                   standby may not have it. Whoever has to know asks with `raise`
 *
 * Every call settles within some seconds: a connection that says nothing for so long is given up, and another server is
 * asked from then on. No call is answered by a server that was followed by another one which has answered.
 * What a call has resolved with survives what the database was set up to survive.
 */
export interface Database {
  /** Rejects with NotDoneError where there is none, or one of another version. */
  layout(): Promise<Layout>;

  /**
   * Takes the place of an instance: "joined", or who has it. A member that is gone makes room for the next life of its
   * number. A life that has the place already has joined: its answer may have been lost.
   */
  join(member: NewMember): Promise<"joined" | Member>;
  /** Renews the lease of a life, and tells how things are; "expelled" where that life is not (any more) a member. */
  renew(life: string, renewal: string): Promise<Census | "expelled">;
  /** The life is gone from here on, if its lease was not renewed since this renewal. True when it is gone. */
  expel(life: string, renewal: string): Promise<boolean>;
  /** The life is gone; it carries nothing any more. */
  leave(life: string): Promise<void>;

  /**
   * Gives a partition to a life that is a member, with the next epoch, unless another member has it: "taken". Waits for
   * what is under way to its log. Rejects with HaltedError where it was halted, with NotDoneError where the life is no
   * member.
   */
  claim(partition: number, claimant: Claimant): Promise<Claimed | "taken">;
  /**
   * Gives those of the partitions that are still in these tenures their next epochs: whatever was under way under
   * earlier ones is done or will never be. Resolves with where their logs end, of those that are.
   */
  raise(tenures: readonly Tenure[]): Promise<Raised[]>;
  /**
   * In this tenure, the partition's log has lost records that were acknowledged: nobody may claim it until an operator
   * has looked at it (`npm run store -- restore`). `reason`: what is told.
   */
  halt(tenure: Tenure, reason: string): Promise<void>;
  /**
   * In this tenure, all is known that can be of what the partition has lost: it is not restored any more. May be
   * repeated.
   */
  endRestored(tenure: Tenure): Promise<void>;
  /** Nobody has the partition from here on, if it was in this tenure. */
  release(tenure: Tenure): Promise<void>;

  /**
   * Appends to the logs of several partitions at once. Resolves with the numbers of the partitions that were appended
   * to; the others are not where their carrier thinks, or another's.
   */
  append(appends: readonly Append[]): Promise<readonly number[]>;

  /** The epochs of all partitions, in their order. */
  epochs(): Promise<readonly number[]>;
  /**
   * The log's chunks in their order, from the one that has the record `lsn` on, or from the first that there is. At
   * least one where there is one, then as many as fit into `bytesMax`, but 4096 at most.
   */
  chunks(partition: number, lsn: number, bytesMax: number): Promise<Chunk[]>;
  /** The processors' names by which each epoch's records and slices go, in the order of their numbers. */
  names(partition: number): Promise<ReadonlyMap<number, readonly string[]>>;
  /** What a claim would find. */
  outline(partition: number): Promise<Outline>;

  /** Begins a checkpoint, to be finished with its number; undefined where the epoch is over. */
  beginCheckpoint(partition: number, epoch: number, checkpoint: CheckpointHead): Promise<number | undefined>;
  /**
   * Adds records to a checkpoint that is being written, in order: `index` from 0. The same again changes nothing.
   * NotDoneError where it is not being written any more.
   */
  putSlice(partition: number, checkpoint: number, index: number, records: Uint8Array): Promise<void>;
  /**
   * From here on the log begins with this checkpoint; earlier ones are dropped. False where the epoch is over, or is
   * another than that in which it was begun, or not all of its slices are there. The same again is true again.
   */
  finishCheckpoint(partition: number, epoch: number, checkpoint: number, size: CheckpointSize): Promise<boolean>;
  /** Slices of a checkpoint, from the one with this index on, at least one if there, as many as fit into `bytesMax`. */
  slices(partition: number, checkpoint: number, index: number, bytesMax: number): Promise<Uint8Array[]>;

  /** Drops what the checkpoints cover. To be called now and then, by any member. */
  tidy(): Promise<void>;
  close(): Promise<void>;
}

/** Certainly nothing was done. */
export class NotDoneError extends Error {
  override readonly name: string = "NotDoneError";
}

/** The partition is halted; the message is the reason. */
export class HaltedError extends NotDoneError {
  override readonly name = "HaltedError";
}

/** Nobody knows whether it was done. */
export class UnknownError extends Error {
  override readonly name = "UnknownError";
}

export type Layout = {
  /** Fixed when the store was made. */
  partitionCount: number;
  /** The database's clock, in milliseconds since the epoch. */
  nowMs: number;
};

export type NewMember = {
  /** The instance's number, from 0. */
  number: number;
  /** Random, of this process and this membership. */
  life: string;
  /** Of its link, as formatAddress writes it. */
  address: string;
  renewal: string;
};

/** An instance that has a lease, or had one that nobody has ended yet. */
export type Member = {
  number: number;
  life: string;
  address: string;
  /**
   * Random, another one with each renewal. Whoever sees the same one for the length of a lease by its own monotonic
   * clock knows that the lease has lapsed: no two clocks are compared.
   */
  renewal: string;
};

/** A life's time with a partition, known by the epoch of its claim. Its epoch may rise meanwhile. */
export type Tenure = { partition: number; since: number };

/** A life that is not among the members is gone. */
export type Owner = { life: string; since: number };

export type Census = {
  members: readonly Member[];
  /** By partition; undefined: nobody has it. */
  owners: readonly (Owner | undefined)[];
  /**
   * Streaming standbys that commits wait for, undefined where the role may not see them; and whether commits wait for
   * any.
   */
  standbys: { isAskedFor: boolean; syncCount: number | undefined };
};

export type Claimant = {
  life: string;
  /** Names of its processors, in the order of the numbers that its records will have. */
  processors: readonly string[];
  /** Payments that it wants room for. What was once possible stays so. */
  capacity: number;
};

export type Outline = {
  /** Number of the next record. */
  head: number;
  capacity: number;
  checkpoint: Checkpoint | undefined;
};

export type Claimed = Outline & { epoch: number; restored: RestoredSince | undefined };

/**
 * Records of the partition after `lostFromMs` may be lost. `sinceMs`, by the database's clock: of the first claim with
 * them, which may be this one.
 */
export type RestoredSince = { lostFromMs: number; sinceMs: number };

export type Raised = { partition: number; epoch: number; head: number };

export type Append = {
  partition: number;
  /** Of the carrier, and of the first of the records: nothing is appended unless both are as the database has them. */
  epoch: number;
  lsn: number;
  recordCount: number;
  records: Uint8Array;
};

export type Chunk = { lsn: number; epoch: number; recordCount: number; records: Uint8Array };

export type CheckpointHead = {
  /** Number of the first record that has to be replayed on top of it. */
  lsn: number;
  /** The latest time or watermark that the log knew of. */
  latestMs: number;
};

export type CheckpointSize = {
  slices: number;
  /** Payments in it. */
  rows: number;
};

export type Checkpoint = CheckpointHead & {
  number: number;
  /** By whose processors its rows go. */
  epoch: number;
  /** Payments in it. */
  rows: number;
};
