import { type Ledger, MAX_CAPACITY } from "../../core/ledger/ledger.ts";
import { CHECKPOINT } from "../../core/log/journal-header.ts";
import { RECORD_BYTES } from "../../core/log/record.ts";
import type { Expected, JournalFile } from "../../core/log/recovery-plan.ts";
import type { Claim, ClaimOptions, PartitionSize } from "../store/store.ts";
import { inSlices } from "../system/in-slices.ts";
import { expectClockAgrees } from "./clock-check.ts";
import type { JournalDirectory } from "./journal-directory.ts";
import { JournalFollowing } from "./journal-following.ts";
import { JournalStorage } from "./journal-storage.ts";
import type { JournalStoreOptions, Surroundings } from "./journal-store.ts";
import { LogReader } from "./log-reader.ts";
import { newestHeader } from "./partition-count.ts";
import type { LockedDirectory } from "./partition-directory.ts";
import { type Recovered, recoverInSteps } from "./recover.ts";
import { LostFollowingError } from "./recovery-error.ts";
import { makeDurable } from "./rewrite.ts";
import { tidy } from "./tidy.ts";

const RECORDS_PER_PAYMENT = 3;

/** Of one partition. */
export type JournalClaimOptions = Expected & Omit<JournalStoreOptions, "partitionCount">;

/** The lock on a partition's directory. */
export class JournalClaim implements Claim {
  readonly partition: number;
  readonly capacity: number;
  readonly paymentsExpected: number;
  readonly #locked: LockedDirectory;
  readonly #surroundings: Surroundings;
  readonly #options: JournalClaimOptions;

  constructor(locked: LockedDirectory, surroundings: Surroundings, options: JournalClaimOptions) {
    const { directory } = locked;
    this.partition = options.partition;
    const { capacity, paymentsExpected } = sizeOf(directory, options.capacity);
    this.capacity = capacity;
    this.paymentsExpected = paymentsExpected;
    this.#locked = locked;
    this.#surroundings = surroundings;
    this.#options = options;
  }

  /** The partition's directory. */
  get path(): string {
    return this.#locked.directory.path;
  }

  async open(ledger: Ledger, { following, signal, onBroken }: ClaimOptions): Promise<JournalStorage> {
    const { time, logger } = this.#surroundings;
    const { directory } = this.#locked;
    const beganAtMs = time.monotonicMs();
    const reader = await this.#reader(ledger, following, signal);
    const followedTo = reader.lsn;
    const recovered = await this.#recover(reader, signal);
    expectClockAgrees(directory, recovered, time.wallMs());
    signal?.throwIfAborted();
    if (this.#options.syncs) await makeDurable(directory, recovered, signal);
    await tidy(directory, recovered);
    const ms = Math.round(time.monotonicMs() - beganAtMs);
    const { lsn: records, torn } = recovered;
    const followed = following === undefined ? undefined : followedTo;
    const fields = { partition: this.partition + 1, payments: ledger.size, records, followed, torn, ms };
    logger.info(fields, "journal replayed");
    const options = { ...this.#options, capacity: this.capacity, onBroken };
    return new JournalStorage(this.#locked, this.#surroundings, recovered, options);
  }

  release(): Promise<void> {
    return this.#locked.lock.release();
  }

  async #reader(ledger: Ledger, following: ClaimOptions["following"], signal?: AbortSignal): Promise<LogReader> {
    const { directory } = this.#locked;
    if (following === undefined) return new LogReader(directory, ledger, this.#options, this.#options.chunkRecords);
    if (!(following instanceof JournalFollowing)) throw new Error("a journal goes on from a journal's following");
    const { reader } = following;
    if (reader.ledger !== ledger || reader.expected.partition !== this.partition)
      throw new Error(`a following is of this ledger and partition: partition=${reader.expected.partition}`);
    if (reader.directory.path !== directory.path)
      throw new LostFollowingError(reader.directory, `moved to=${directory.path}`);
    return following.handOver(signal);
  }

  async #recover(reader: LogReader, signal: AbortSignal | undefined): Promise<Recovered> {
    try {
      return await inSlices(recoverInSteps(reader), this.#surroundings.time, signal);
    } finally {
      // A replay that is given up leaves it open.
      reader.close();
    }
  }
}

/** `asked` payments are there room for at least. */
export function sizeOf(directory: JournalDirectory, asked: number): PartitionSize {
  const told = newestHeader(directory)?.capacity ?? 0;
  const capacity = Math.min(MAX_CAPACITY, Math.max(asked, told));
  return { capacity, paymentsExpected: Math.min(capacity, paymentsExpectedIn(directory.files())) };
}

/** Of the newest checkpoint, and as most payments leave it, accepted, sent and charged, of the segments behind it. */
function paymentsExpectedIn(files: readonly JournalFile[]): number {
  const checkpoints = files.filter(({ kind }) => kind === CHECKPOINT).sort((a, b) => b.number - a.number);
  const [newest] = checkpoints;
  const segments = files.filter(({ kind, number }) => kind !== CHECKPOINT && number >= (newest?.number ?? 0));
  const records = segments.reduce((sum, file) => sum + recordsIn(file), 0);
  return (newest ? recordsIn(newest) : 0) + Math.ceil(records / RECORDS_PER_PAYMENT);
}

function recordsIn({ bytes, header }: JournalFile): number {
  const headerBytes = typeof header === "object" && "headerBytes" in header ? header.headerBytes : bytes;
  return Math.floor((bytes - headerBytes) / RECORD_BYTES);
}
