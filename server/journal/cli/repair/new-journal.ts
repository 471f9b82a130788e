import { closeSync, existsSync, fsyncSync, openSync, readdirSync, writeSync } from "node:fs";
import { CheckpointCut } from "../../../../core/checkpoint.ts";
import { CHECKPOINT, encodeHeader } from "../../../../core/journal-header.ts";
import type { Ledger } from "../../../../core/ledger.ts";
import { RECORD_BYTES, RecordBatch } from "../../../../core/record.ts";
import type { Expected } from "../../../../core/recovery-plan.ts";
import { Journal } from "../../journal.ts";
import { JournalDirectory } from "../../journal-directory.ts";

const SLICE_ROWS = 4096;
const FIRST_SEGMENT = 1;

/**
 * A journal that is made at once: a checkpoint where there is one to begin with, and the segments after it, from record
 * 0 on.
 */
export class NewJournal {
  readonly directory: JournalDirectory;
  readonly #owner: Expected;
  readonly #segmentBytes: number;
  #journal: Journal | undefined;

  /** Throws when there is something at `path` already. */
  constructor(path: string, owner: Expected, segmentBytes: number) {
    if (existsSync(path) && readdirSync(path).length > 0)
      throw new Error(`the new journal needs a directory of its own, empty or not there: --out=${path}`);
    this.directory = new JournalDirectory(path);
    this.#owner = owner;
    this.#segmentBytes = segmentBytes;
  }

  /** Begins with what the ledger holds. */
  begin(ledger: Ledger): void {
    if (ledger.head > 0) this.#writeCheckpoint(ledger);
    this.#journal = new Journal(this.directory, FIRST_SEGMENT, 0, {
      ...this.#owner,
      segmentBytes: this.#segmentBytes,
      syncsSegments: false,
      nowMs: Date.now,
    });
  }

  /** Appends the batch. Throws when it cannot be written. */
  append(batch: RecordBatch): void {
    const error = this.#journal!.append(batch) ?? (this.#journal!.isSegmentFull ? this.#journal!.rotate() : undefined);
    if (error) throw error;
  }

  /** Durable once it returns. */
  close(): void {
    this.#journal?.close();
    this.directory.syncFiles();
  }

  #writeCheckpoint(ledger: Ledger): void {
    const header = {
      kind: CHECKPOINT,
      ...this.#owner,
      number: FIRST_SEGMENT,
      firstLsn: 0,
      createdAtMs: Date.now(),
    } as const;
    const descriptor = openSync(this.directory.checkpointPath(FIRST_SEGMENT), "wx");
    try {
      writeFully(descriptor, encodeHeader(header));
      const batch = new RecordBatch(SLICE_ROWS + 1);
      const cut = new CheckpointCut(ledger);
      for (let first = 0; !cut.isDone; first += batch.count) {
        batch.clear();
        cut.cut(batch, 0, SLICE_ROWS);
        batch.seal(first);
        writeFully(descriptor, batch.bytes.subarray(0, batch.count * RECORD_BYTES));
      }
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }
}

function writeFully(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
}
