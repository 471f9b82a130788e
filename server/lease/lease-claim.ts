import { type Ledger, MAX_CAPACITY } from "../../core/ledger/ledger.ts";
import { problemOfProcessors } from "../store/processors-kept.ts";
import type { Claim, ClaimOptions, PartitionSize } from "../store/store.ts";
import { inSlices } from "../system/in-slices.ts";
import { FencedError } from "../turn/record-log.ts";
import { ChunkReader, LostPlaceError } from "./chunk-reader.ts";
import type { Claimed, Outline, Tenure } from "./database.ts";
import { LeaseFollowing } from "./lease-following.ts";
import { LeaseLog } from "./lease-log.ts";
import { LeaseStorage } from "./lease-storage.ts";
import type { LeaseStoreParts } from "./lease-store-parts.ts";

const RECORDS_PER_PAYMENT = 3;
/** Payments put into the index at once. */
const INDEXED_PER_STEP = 16_384;
const HALT_AGAIN_MS = 250;
/** How far the log's time may be ahead of this machine's: more is no clock that runs a little fast. */
const AHEAD_MS_MAX = 86_400_000;

/** A partition with an epoch of its own, before its log is read. */
export class LeaseClaim implements Claim {
  readonly partition: number;
  readonly capacity: number;
  readonly paymentsExpected: number;
  readonly #claimed: Claimed;
  readonly #life: string;
  readonly #parts: LeaseStoreParts;

  /** `life`: the member's that has claimed it. */
  constructor(partition: number, claimed: Claimed, life: string, parts: LeaseStoreParts) {
    this.partition = partition;
    this.#claimed = claimed;
    this.#life = life;
    this.#parts = parts;
    const { capacity, paymentsExpected } = sizeOf(claimed, parts.capacity);
    this.capacity = capacity;
    this.paymentsExpected = paymentsExpected;
  }

  async open(ledger: Ledger, options: ClaimOptions): Promise<LeaseStorage> {
    const { time, logger } = this.#parts;
    const beganAtMs = time.monotonicMs();
    const reader = await this.#readerOf(ledger, options.following);
    const followedTo = options.following && reader.lsn;
    await this.#read(reader, options.signal);
    await inSlices(this.#finish(reader), time, options.signal);
    if (!this.#isOurs) throw new FencedError(`the lease has lapsed meanwhile: partition=${this.partition + 1}`);
    const ms = Math.round(time.monotonicMs() - beganAtMs);
    const { epoch, head: records } = this.#claimed;
    const fields = { partition: this.partition + 1, epoch, payments: ledger.size, records, followed: followedTo, ms };
    logger.info(fields, "log replayed");
    return new LeaseStorage(this.#logOf(reader), this.#claimed, this.#parts);
  }

  release(): Promise<void> {
    return this.#parts.tenures.release(this.#tenure);
  }

  get #tenure(): Tenure {
    return { partition: this.partition, since: this.#claimed.epoch };
  }

  get #isOurs(): boolean {
    return this.#parts.membership.life === this.#life;
  }

  async #readerOf(ledger: Ledger, following: ClaimOptions["following"]): Promise<ChunkReader> {
    const { database, processors, time, fetchBytes } = this.#parts;
    if (following === undefined) return new ChunkReader(database, this.partition, ledger, processors, time, fetchBytes);
    if (!(following instanceof LeaseFollowing)) throw new Error("a log goes on from a following of its own store");
    const reader = await following.handOver();
    if (reader.ledger !== ledger || reader.partition !== this.partition)
      throw new Error(`a following is of this ledger and partition: partition=${reader.partition + 1}`);
    return reader;
  }

  /** Up to the head that the claim was told: what is behind it was there when the claim was durable. */
  async #read(reader: ChunkReader, signal: AbortSignal | undefined): Promise<void> {
    const { head, checkpoint } = this.#claimed;
    if (!reader.hasBegun) await reader.begin(checkpoint, signal);
    await reader.readOn(signal);
    if (reader.lsn === head) return;
    const lsns = `partition=${this.partition + 1} lsn=${reader.lsn} head=${head}`;
    if (reader.lsn > head) throw new LostPlaceError(`what was read along must still be there: ${lsns}`);
    throw new Error(`a log must reach its head: ${lsns}`);
  }

  *#finish({ ledger, lsn, checkpointLsn, numbers, latestMs }: ChunkReader): Generator<void, void, void> {
    while (!ledger.finishReplay(INDEXED_PER_STEP)) yield;
    const problem = (yield* problemOfProcessors(ledger, numbers)) ?? this.#problemOfTimes(latestMs);
    if (problem !== undefined) throw new Error(`${problem} partition=${this.partition + 1}`);
    if (lsn < checkpointLsn) throw new Error(`the log must reach what the checkpoint knows: lsn=${lsn}`);
  }

  #problemOfTimes(latestMs: number): string | undefined {
    const aheadMs = latestMs - this.#parts.time.wallMs();
    if (aheadMs <= AHEAD_MS_MAX) return undefined;
    return `the log's latest time may be at most 24 h ahead of this machine's clock: aheadMs=${aheadMs}`;
  }

  #logOf({ lsn, latestMs }: ChunkReader): LeaseLog {
    const { appender, membership } = this.#parts;
    const { epoch } = this.#claimed;
    return new LeaseLog(appender, {
      partition: this.partition,
      epoch,
      lsn,
      latestMs,
      isLeaseValid: () => membership.isValid && this.#isOurs,
      onHalt: (reason) => void this.#halt(reason),
    });
  }

  /** Nobody else may get the partition before that is sure: this instance keeps its lease meanwhile. */
  async #halt(reason: string): Promise<void> {
    const { database, time, logger } = this.#parts;
    logger.fatal({ partition: this.partition + 1 }, reason);
    while (this.#isOurs) {
      try {
        await database.halt(this.#tenure, reason);
        return;
      } catch (error) {
        logger.error(
          { err: error, partition: this.partition + 1 },
          "a partition could not be halted: it is tried again",
        );
        await time.pause(HALT_AGAIN_MS);
      }
    }
  }
}

/** `asked` payments are there room for at least. */
export function sizeOf({ head, capacity: told, checkpoint }: Outline, asked: number): PartitionSize {
  const capacity = Math.min(MAX_CAPACITY, Math.max(asked, told));
  const recordsAfter = head - (checkpoint?.lsn ?? 0);
  const expected = (checkpoint?.rows ?? 0) + Math.ceil(recordsAfter / RECORDS_PER_PAYMENT);
  return { capacity, paymentsExpected: Math.min(capacity, expected) };
}
