import { latestTimeAfter } from "../../core/log/log-time.ts";
import { RECORD_BYTES, type RecordBatch } from "../../core/log/record.ts";
import { FencedError, type LateAnswer, type RecordLog, UNDER_WAY } from "../turn/record-log.ts";
import type { Append, Tenure } from "./database.ts";

/** Who writes the batches of all logs. */
export interface Appending {
  /** Nothing can be written for longer than is waited for. */
  readonly isDown: boolean;
  /** The log has something to be written. */
  wake(log: LeaseLog): void;
  /** Nothing of this log is written any more. */
  forget(log: LeaseLog): void;
}

/** Where a log goes on. */
export type LogStart = { epoch: number; lsn: number; latestMs: number };

export type LeaseLogOptions = LogStart & {
  partition: number;
  /** Whether the lease is valid, so that nobody else can have the partition. */
  isLeaseValid: () => boolean;
  /** What was acknowledged is not in the database any more: nobody may go on with it. */
  onHalt: (reason: string) => void;
};

/** Batches that went into one statement. */
type Sent = { batches: RecordBatch[]; recordCount: number };

/**
 * The log of a partition in the database. Batches are handed to the appender, which writes those of all partitions of
 * the instance together, and are answered in their order.
 *
 *   queued ──► sent ──┬─► written
 *     ▲               ├─► unknown ──► the epoch is raised, which tells: written, or not, and then it is sent again
 *     └───────────────│───────────────────────────────────────────────────┘
 *                     └─► refused, with all that are queued behind it
 */
export class LeaseLog implements RecordLog {
  readonly partition: number;
  /** Begun with the epoch of its claim. */
  readonly tenure: Tenure;
  readonly #appender: Appending;
  readonly #options: LeaseLogOptions;
  #queued: RecordBatch[] = [];
  #sent: Sent | undefined;
  #epoch: number;
  /** Number of the next record to be handed over. */
  #lsn: number;
  #writtenLsn: number;
  #latestMs: number;
  #failure: Error | undefined;
  #onAnswer: (answer: LateAnswer) => void = () => {};

  constructor(appender: Appending, options: LeaseLogOptions) {
    this.partition = options.partition;
    this.tenure = { partition: options.partition, since: options.epoch };
    this.#appender = appender;
    this.#options = options;
    this.#epoch = options.epoch;
    this.#lsn = options.lsn;
    this.#writtenLsn = options.lsn;
    this.#latestMs = options.latestMs;
  }

  get lsn(): number {
    return this.#lsn;
  }

  /** Number of the first record that the database has not acknowledged. */
  get writtenLsn(): number {
    return this.#writtenLsn;
  }

  /** Number of this carrier. It rises where the fate of a statement had to be found out. */
  get epoch(): number {
    return this.#epoch;
  }

  /** The latest time or watermark that was given out, as far as records were handed over. */
  get latestMs(): number {
    return this.#latestMs;
  }

  /** Whether what this instance knows is all that there is: nobody else can have written. Hot. */
  get isCurrent(): boolean {
    return this.#failure === undefined && this.#options.isLeaseValid();
  }

  /** Hot: seals the batch; it is copied when its statement is made. */
  append(batch: RecordBatch): Error | typeof UNDER_WAY {
    if (this.#failure) return this.#failure;
    if (this.#appender.isDown && this.isIdle) return new Error("the store cannot be reached");
    batch.seal(this.#lsn);
    this.#lsn += batch.count;
    this.#latestMs = latestTimeAfter(batch, this.#latestMs);
    this.#queued.push(batch);
    this.#appender.wake(this);
    return UNDER_WAY;
  }

  listen(onAnswer: (answer: LateAnswer) => void): void {
    this.#onAnswer = onAnswer;
  }

  probe(): boolean {
    return this.#failure === undefined && !this.#appender.isDown;
  }

  /** What is written is durable. */
  sync(onDurable: (error: Error | null) => void): void {
    onDurable(null);
  }

  /** Whatever becomes of what was sent is told to nobody: this instance may carry the partition anew by then. */
  close(): void {
    this.#failure ??= new FencedError("the log is another's to write by now");
    this.#onAnswer = () => {};
    this.#appender.forget(this);
  }

  /** What was sent is not answered yet. */
  get isSent(): boolean {
    return this.#sent !== undefined;
  }

  /** Nothing is queued or sent. */
  get isIdle(): boolean {
    return this.#sent === undefined && this.#queued.length === 0;
  }

  /** What is to be written next; undefined when there is nothing. It counts as sent from here on. */
  send(): Append | undefined {
    if (this.#failure || this.#queued.length === 0 || this.#sent !== undefined) return undefined;
    const batches = this.#queued;
    this.#queued = [];
    const pieces = batches.map((batch) => batch.bytes.subarray(0, batch.count * RECORD_BYTES));
    const records = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
    const recordCount = records.length / RECORD_BYTES;
    this.#sent = { batches, recordCount };
    return { partition: this.partition, epoch: this.#epoch, lsn: this.#writtenLsn, recordCount, records };
  }

  /** What was sent is in the log. */
  written(): void {
    const { batches, recordCount } = this.#sent!;
    this.#sent = undefined;
    this.#writtenLsn += recordCount;
    if (this.#queued.length > 0) this.#appender.wake(this);
    for (let batch = 0; batch < batches.length; batch++) this.#onAnswer("written");
  }

  /** Nobody knows whether what was sent is in the log. */
  unknown(): void {
    this.#onAnswer("unknown");
  }

  /** Nothing of what was sent is in the log, and what is queued behind it never will be. */
  refused(error: Error): void {
    this.#queued = [];
    this.#sent = undefined;
    this.#lsn = this.#writtenLsn;
    if (error instanceof FencedError) this.#failure ??= error;
    this.#onAnswer(error);
  }

  /**
   * The partition is still this life's, with the next epoch, and its log ends at `head`: that tells what became of what
   * was sent. Anything but its beginning or end means that the database has lost what it acknowledged.
   */
  raised(epoch: number, head: number): void {
    this.#epoch = epoch;
    const { batches, recordCount } = this.#sent!;
    if (this.#failure) this.refused(this.#failure);
    else if (head === this.#writtenLsn + recordCount) this.written();
    else if (head === this.#writtenLsn) this.#sendAgain(batches);
    else this.#lost(head);
  }

  #sendAgain(batches: readonly RecordBatch[]): void {
    this.#queued = [...batches, ...this.#queued];
    this.#sent = undefined;
    this.#appender.wake(this);
  }

  #lost(head: number): void {
    const lsns = `head=${head} acknowledged=${this.#writtenLsn}`;
    const reason =
      `the store must have what it acknowledged: partition=${this.partition + 1} ${lsns}; ` +
      "if a standby without the last commits was promoted, stop all instances and run: npm run store -- restore";
    this.#options.onHalt(reason);
    this.refused(new FencedError(reason));
  }
}
