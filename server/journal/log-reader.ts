import type { Ledger } from "../../core/ledger/ledger.ts";
import { Replay } from "../../core/ledger/replay.ts";
import type { JournalHeader } from "../../core/log/journal-header.ts";
import { ProcessorNumbers } from "../../core/log/processor-numbers.ts";
import { RECORD_BYTES, RecordBatch } from "../../core/log/record.ts";
import type { Expected, JournalFile } from "../../core/log/recovery-plan.ts";
import { type DiskFile, readFully, readThere } from "../system/disk.ts";
import type { JournalDirectory } from "./journal-directory.ts";
import { ReadTail } from "./read-tail.ts";
import { refusal } from "./recovery-error.ts";
import { tornBytes } from "./torn-end.ts";

/** Records read at once unless told otherwise: 192 KiB, about a millisecond. */
const CHUNK_RECORDS = 4096;

/**
 * Reads a journal into a ledger that is empty before: a checkpoint if there is one, then segment after segment, each as
 * far as it is there. It knows its place, so it can go on when there is more. Changes no file. Throws RecoveryError
 * where a file is not as it must be.
 */
export class LogReader {
  readonly directory: JournalDirectory;
  readonly expected: Expected;
  readonly ledger: Ledger;
  readonly numbers: ProcessorNumbers;
  readonly #replay: Replay;
  readonly #batch: RecordBatch;
  readonly #tail = new ReadTail();
  #segment: JournalFile | undefined;
  #file: DiskFile | undefined;
  /** Up to where the segment is read: behind a whole record. */
  #soundBytes = 0;
  #recordCount = 0;

  /** The ledger has the numbers of the expected processors, whatever numbers they have in the files. */
  constructor(directory: JournalDirectory, ledger: Ledger, expected: Expected, chunkRecords = CHUNK_RECORDS) {
    if (ledger.processorCount !== expected.processors.length)
      throw new Error(`a ledger counts for the processors there are: processorCount=${ledger.processorCount}`);
    this.directory = directory;
    this.expected = expected;
    this.ledger = ledger;
    this.numbers = new ProcessorNumbers(expected.processors);
    this.#replay = new Replay(ledger);
    this.#batch = new RecordBatch(chunkRecords);
    ledger.beginReplay();
  }

  /** Number of the next record. */
  get lsn(): number {
    return this.#replay.lsn;
  }

  /** What the log must reach at least. */
  get checkpointLsn(): number {
    return this.#replay.checkpointLsn;
  }

  /** The latest time or watermark that was given out. */
  get latestMs(): number {
    return this.#replay.latestMs;
  }

  /** Records read so far, those of the checkpoint included. */
  get recordCount(): number {
    return this.#recordCount;
  }

  /** The segment it is in; undefined before the first. */
  get segment(): JournalFile | undefined {
    return this.#segment;
  }

  *readCheckpoint(file: JournalFile): Generator<void, void, void> {
    const { headerBytes, processors } = headerOf(file);
    const batch = this.#batch;
    batch.processorNumbers = this.numbers.of(processors);
    const opened = this.directory.disk.open(this.directory.filePath(file.name), "read");
    try {
      const total = Math.floor((file.bytes - headerBytes) / RECORD_BYTES);
      for (let first = 0; first < total; first += batch.count) {
        const count = Math.min(batch.capacity, total - first);
        readFully(opened, batch.bytes, count * RECORD_BYTES, headerBytes + first * RECORD_BYTES);
        batch.refill(count);
        const problem = this.#replay.feedCheckpoint(batch, first);
        if (problem !== undefined) throw this.#refusal(`${problem} file=${file.name}`);
        this.#recordCount += count;
        yield;
      }
    } finally {
      opened.close();
    }
    if (!this.#replay.isCheckpointWhole) throw this.#refusal(`a checkpoint must be whole: file=${file.name}`);
  }

  /** Goes to the beginning of a segment, which follows what was read. */
  beginSegment(segment: JournalFile): void {
    const { firstLsn, headerBytes, processors } = headerOf(segment);
    this.#openFile(segment);
    this.#replay.startSegment(headerOf(segment));
    if (firstLsn !== this.lsn) {
      const lsns = `firstLsn=${firstLsn} expected=${this.lsn}`;
      throw this.#refusal(`segments follow each other: file=${segment.name} ${lsns}`);
    }
    this.#batch.processorNumbers = this.numbers.of(processors);
    this.#soundBytes = headerBytes;
    this.#tail.clear();
  }

  /**
   * Looks at the segment it is in again by its name, which another file may have by now. False where that does not have
   * what was read.
   */
  reopenSegment(segment: JournalFile): boolean {
    this.#openFile(segment);
    return this.isUnchanged();
  }

  /** Whether all that was read of the segment is still there. */
  isUnchanged(): boolean {
    return this.#tail.isIn(this.#file!, this.#soundBytes);
  }

  /**
   * Reads the segment's sound records that are there at the first step. No later ones: of a batch that is taken back
   * meanwhile, `isUnchanged` remembers what was read only while that is at the end.
   */
  *readOn(): Generator<void, void, void> {
    const file = this.#file!;
    const endBytes = file.bytes;
    const batch = this.#batch;
    for (;;) {
      const there = Math.floor((endBytes - this.#soundBytes) / RECORD_BYTES);
      const wanted = Math.min(batch.capacity, Math.max(0, there)) * RECORD_BYTES;
      batch.refill(Math.floor(readThere(file, batch.bytes, wanted, this.#soundBytes) / RECORD_BYTES));
      if (batch.count === 0) return;
      const { soundCount, problem } = this.#replay.feedSegment(batch);
      this.#tail.note(batch, soundCount);
      this.#soundBytes += soundCount * RECORD_BYTES;
      this.#recordCount += soundCount;
      if (problem !== undefined)
        throw this.#refusal(`${problem} file=${this.#segment!.name} offset=${this.#soundBytes}`);
      if (soundCount < batch.count) return;
      yield;
    }
  }

  /** How many bytes behind them were never whole; anything else there that is unsound is refused. */
  *tornBytes(): Generator<void, number, void> {
    const torn = yield* tornBytes(this.#file!, this.#soundBytes, this.#batch);
    if (torn !== "damaged") return torn;
    const where = `file=${this.#segment!.name} offset=${this.#soundBytes}`;
    throw this.#refusal(`a record is damaged that may have been acknowledged: ${where}`);
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  #openFile(segment: JournalFile): void {
    const file = this.directory.disk.open(this.directory.filePath(segment.name), "read");
    this.close();
    this.#file = file;
    this.#segment = segment;
  }

  #refusal(problem: string): Error {
    return refusal(this.directory, problem);
  }
}

/** Of a file that a plan says is to be read. */
export function headerOf(file: JournalFile): JournalHeader {
  return file.header as JournalHeader;
}
