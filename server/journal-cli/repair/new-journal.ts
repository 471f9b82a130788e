import { CheckpointCut } from "../../../core/ledger/checkpoint.ts";
import type { Ledger } from "../../../core/ledger/ledger.ts";
import { CHECKPOINT, encodeHeader, HEADER_BYTES } from "../../../core/log/journal-header.ts";
import { RECORD_BYTES, RecordBatch } from "../../../core/log/record.ts";
import type { Expected } from "../../../core/log/recovery-plan.ts";
import { Journal } from "../../journal/journal.ts";
import { JournalDirectory } from "../../journal/journal-directory.ts";
import { writeFully } from "../../system/disk.ts";
import { RealDisk } from "../../system/real-disk.ts";

const SLICE_ROWS = 4096;
const FIRST_SEGMENT = 1;
/** Whose journal it is, and for how many payments that had room; 0: not said. */
export type Identity = Expected & { capacity: number };

/** As an instance's own. */
const SEGMENT_BYTES = 67_108_864;

/**
 * A journal that is made at once: a checkpoint where there is one to begin with, and the segments after it, from record
 * 0 on.
 */
export class NewJournal {
  readonly directory: JournalDirectory;
  readonly #identity: Identity;
  readonly #epoch: number;
  #journal: Journal | undefined;

  /**
   * `epoch`: the latest of the journal that it takes the place of. Throws when there is something at `path` already.
   */
  constructor(path: string, identity: Identity, epoch: number) {
    const disk = new RealDisk();
    if (disk.exists(path) && disk.list(path).length > 0)
      throw new Error(`the new journal needs a directory of its own, empty or not there: --out=${path}`);
    this.directory = new JournalDirectory(disk, path);
    this.directory.make(true);
    this.#identity = identity;
    this.#epoch = epoch;
  }

  /** Begins with what the ledger holds. `latestMs`: the latest time before it. */
  begin(ledger: Ledger, latestMs: number): void {
    if (ledger.head > 0) this.#writeCheckpoint(ledger, latestMs);
    const start = { nextNumber: FIRST_SEGMENT, lsn: 0, epoch: this.#epoch, latestMs };
    this.#journal = new Journal(this.directory, start, {
      ...this.#identity,
      segmentBytes: SEGMENT_BYTES,
      syncsSegments: true,
      nowMs: Date.now,
      onBroken: (error) => {
        throw error;
      },
    });
  }

  /** Appends the batch. Throws when it cannot be written. */
  append(batch: RecordBatch): void {
    const journal = this.#journal!;
    const error = journal.append(batch) ?? (journal.isSegmentFull ? journal.rotate() : undefined);
    if (error) throw error;
  }

  /** Everything is durable once it resolves. */
  async close(): Promise<void> {
    const journal = this.#journal!;
    await new Promise<void>((resolve, reject) => journal.sync((error) => (error ? reject(error) : resolve())));
    journal.close();
    this.directory.sync();
  }

  #writeCheckpoint(ledger: Ledger, latestMs: number): void {
    const header = encodeHeader({
      ...this.#identity,
      kind: CHECKPOINT,
      epoch: this.#epoch,
      number: FIRST_SEGMENT,
      firstLsn: 0,
      createdAtMs: Date.now(),
      boundMs: latestMs,
      followsDurable: true,
    });
    const file = this.directory.disk.create(this.directory.checkpointPath(FIRST_SEGMENT));
    try {
      writeFully(file, header, HEADER_BYTES, 0);
      const batch = new RecordBatch(SLICE_ROWS + 1);
      const cut = new CheckpointCut(ledger);
      for (let first = 0; !cut.isDone; first += batch.count) {
        batch.clear();
        cut.cut(batch, 0, SLICE_ROWS);
        batch.seal(first);
        writeFully(file, batch.bytes, batch.count * RECORD_BYTES, HEADER_BYTES + first * RECORD_BYTES);
      }
      file.syncData();
    } finally {
      file.close();
    }
  }
}
