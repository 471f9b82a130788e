import { encodeHeader, HEADER_BYTES, type HeaderFields, SEGMENT } from "../../core/log/journal-header.ts";
import { latestTimeAfter } from "../../core/log/log-time.ts";
import { RECORD_BYTES, type RecordBatch } from "../../core/log/record.ts";
import type { Expected } from "../../core/log/recovery-plan.ts";
import { type DiskFile, writeFully } from "../system/disk.ts";
import { FencedError, type RecordLog } from "../turn/record-log.ts";
import type { JournalDirectory } from "./journal-directory.ts";

/** Room that must be there again before a journal that could not write is taken for working. */
const PROBE_BYTES = 65_536;

export type JournalOptions = Expected & {
  /** A segment that has grown to this is followed by another. */
  segmentBytes: number;
  /** Payments that this carrier has room for. */
  capacity: number;
  /** Whether what is in a finished segment must survive a loss of power at once. */
  syncsSegments: boolean;
  /** The wall clock. */
  nowMs: () => number;
  /**
   * Nothing written can be relied on any more: the process has to end, and whoever starts next finds out what is there.
   */
  onBroken: (error: Error) => void;
};

/** Where a journal goes on: what was found of it. */
export type JournalStart = {
  /** Number of the segment to begin, and of its first record. */
  nextNumber: number;
  lsn: number;
  /** The number of the carrier before. */
  epoch: number;
  /** The latest time or watermark that was given out. */
  latestMs: number;
};

/**
 * An append-only file of records after another. Writes go to the page cache: they survive the process, not the machine.
 *
 * A sync that fails is never tried again: the kernel may have dropped the pages that it could not write and then takes
 * them for written (Rebello et al., Can Applications Recover from fsync Failures?, 2020). The journal is broken then,
 * and says so for ever.
 */
export class Journal implements RecordLog {
  readonly #directory: JournalDirectory;
  readonly #options: JournalOptions;
  readonly #epoch: number;
  #failure: Error | undefined;
  #isClosed = false;
  #file: DiskFile;
  #number: number;
  #bytes = HEADER_BYTES;
  #lsn: number;
  #latestMs: number;

  /** Begins a segment. Throws when the file cannot be created. */
  constructor(directory: JournalDirectory, start: JournalStart, options: JournalOptions) {
    this.#directory = directory;
    this.#options = options;
    this.#epoch = start.epoch + 1;
    this.#number = start.nextNumber;
    this.#lsn = start.lsn;
    this.#latestMs = start.latestMs;
    this.#file = this.#create(start.nextNumber);
  }

  /** Number of this carrier. */
  get epoch(): number {
    return this.#epoch;
  }

  get lsn(): number {
    return this.#lsn;
  }

  /** Number of the segment being written. */
  get number(): number {
    return this.#number;
  }

  get segmentBytes(): number {
    return this.#bytes;
  }

  get isSegmentFull(): boolean {
    return this.#bytes >= this.#options.segmentBytes;
  }

  /** Whether a sync has failed, or half a batch stands at the end. */
  get isBroken(): boolean {
    return this.#failure !== undefined;
  }

  /** Hot: one system call, no copy. */
  append(batch: RecordBatch): Error | undefined {
    if (this.#isClosed) return new FencedError("the journal is another's to write by now");
    this.#expectWhole();
    const bytes = batch.count * RECORD_BYTES;
    batch.seal(this.#lsn);
    try {
      for (let written = 0; written < bytes; ) {
        written += this.#file.write(batch.bytes, written, bytes - written, this.#bytes + written);
      }
    } catch (error) {
      this.#cutBack();
      return error as Error;
    }
    this.#bytes += bytes;
    this.#lsn += batch.count;
    this.#latestMs = latestTimeAfter(batch, this.#latestMs);
    return undefined;
  }

  /** Goes on in a new segment. Returns the reason when that cannot be; then the old one stays in use. */
  rotate(): Error | undefined {
    this.#expectWhole();
    if (this.#options.syncsSegments) this.#orBreak("a finished segment must be durable", () => this.#file.syncData());
    try {
      const finished = this.#file;
      this.#file = this.#create(this.#number + 1);
      finished.close();
    } catch (error) {
      this.#expectWhole();
      return error as Error;
    }
    this.#number++;
    this.#bytes = HEADER_BYTES;
    return undefined;
  }

  probe(): boolean {
    if (this.#isClosed) return false;
    this.#expectWhole();
    try {
      // A disk that is nearly full takes a part of it, without an error.
      return this.#file.write(new Uint8Array(PROBE_BYTES), 0, PROBE_BYTES, this.#bytes) === PROBE_BYTES;
    } catch {
      return false;
    } finally {
      this.#cutBack();
    }
  }

  sync(onDurable: (error: Error | null) => void): void {
    this.#expectWhole();
    this.#file.syncDataThen((error) => {
      if (error) this.break("what was written must become durable", error);
      onDurable(error);
    });
  }

  /** The descriptor's number may soon be another file's: nothing is written to it any more. */
  close(): void {
    this.#isClosed = true;
    this.#file.close();
  }

  /** Header of a file of this journal that begins now. */
  header(kind: HeaderFields["kind"], number: number): Uint8Array {
    const { partition, partitionCount, processors, capacity, syncsSegments, nowMs } = this.#options;
    return encodeHeader({
      kind,
      partition,
      partitionCount,
      epoch: this.#epoch,
      number,
      firstLsn: this.#lsn,
      createdAtMs: nowMs(),
      boundMs: this.#latestMs,
      followsDurable: syncsSegments,
      processors,
      capacity,
    });
  }

  /** Nothing more is written or told to be durable. */
  break(rule: string, error: unknown): void {
    if (this.#failure) return;
    this.#failure = new Error(`${rule}: ${(error as Error).message}`, { cause: error });
    this.#options.onBroken(this.#failure);
  }

  #expectWhole(): void {
    if (this.#failure) throw this.#failure;
  }

  #orBreak(rule: string, act: () => void): void {
    try {
      act();
    } catch (error) {
      this.break(rule, error);
      this.#expectWhole();
    }
  }

  /** Half a batch must not stay: its payments are about to be refused. */
  #cutBack(): void {
    this.#orBreak("half a batch must not stay", () => this.#file.truncate(this.#bytes));
  }

  /** The segment has its name only once its header is whole, so one that cannot be made leaves no trace in the log. */
  #create(number: number): DiskFile {
    const { disk } = this.#directory;
    const path = this.#directory.segmentPath(number);
    const partial = this.#directory.partialPath(path);
    if (disk.exists(path)) throw new Error(`a segment is never written over: path=${path}`);
    if (disk.exists(partial)) disk.remove(partial);
    const file = disk.create(partial);
    try {
      writeFully(file, this.header(SEGMENT, number), HEADER_BYTES, 0);
      if (this.#options.syncsSegments) file.syncData();
      disk.rename(partial, path);
    } catch (error) {
      file.close();
      if (disk.exists(partial)) disk.remove(partial);
      throw error;
    }
    if (this.#options.syncsSegments) this.#orBreak("a segment's name must be durable", () => this.#directory.sync());
    return file;
  }
}
