import { closeSync, fdatasync, fdatasyncSync, ftruncateSync, openSync, unlinkSync, writeSync } from "node:fs";
import { encodeHeader, HEADER_BYTES, SEGMENT } from "../../core/journal-header.ts";
import { RECORD_BYTES, type RecordBatch } from "../../core/record.ts";
import type { JournalDirectory } from "./journal-directory.ts";

/** Room that must be there again before a journal that could not write is taken for working. */
const PROBE_BYTES = 65_536;

/** What the engine's records are written to. A database or a stream can stand behind it as well. */
export interface RecordLog {
  /** Number of the next record. */
  readonly lsn: number;
  /** Writes the batch whole, or changes nothing and returns the reason. */
  append(batch: RecordBatch): Error | undefined;
  /** Whether writing is likely to work (again). */
  probe(): boolean;
  /** Calls back when all that was appended so far survives a loss of power. */
  sync(onDurable: (error: Error | null) => void): void;
  close(): void;
}

export type JournalOptions = {
  instance: number;
  instanceCount: number;
  /** A segment that has grown to this is followed by another. */
  segmentBytes: number;
  /** Whether what is in a finished segment must survive a loss of power at once. */
  syncsSegments: boolean;
  nowMs: () => number;
};

/** An append-only file of records after another. Writes go to the page cache: they survive the process, not the machine. */
export class Journal implements RecordLog {
  readonly #directory: JournalDirectory;
  readonly #options: JournalOptions;
  /** Syncs under way by descriptor: closing it before they have begun would make them fail, or sync another file. */
  readonly #syncCounts = new Map<number, number>();
  #isClosed = false;
  #descriptor: number;
  #number: number;
  #bytes = HEADER_BYTES;
  #lsn: number;

  /** Begins segment `number`, whose first record is `lsn`. Throws when the file cannot be created. */
  constructor(directory: JournalDirectory, number: number, lsn: number, options: JournalOptions) {
    this.#directory = directory;
    this.#options = options;
    this.#number = number;
    this.#lsn = lsn;
    this.#descriptor = this.#create(number);
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

  /** Hot: one system call, no copy. */
  append(batch: RecordBatch): Error | undefined {
    const bytes = batch.count * RECORD_BYTES;
    batch.seal(this.#lsn);
    try {
      for (let written = 0; written < bytes; ) {
        written += writeSync(this.#descriptor, batch.bytes, written, bytes - written, this.#bytes + written);
      }
    } catch (error) {
      this.#cutBack();
      return error as Error;
    }
    this.#bytes += bytes;
    this.#lsn += batch.count;
    return undefined;
  }

  /** Goes on in a new segment. Returns the reason when that cannot be; then the old one stays in use. */
  rotate(): Error | undefined {
    try {
      if (this.#options.syncsSegments) fdatasyncSync(this.#descriptor);
      const descriptor = this.#create(this.#number + 1);
      const finished = this.#descriptor;
      this.#descriptor = descriptor;
      this.#closeUnlessSyncing(finished);
      this.#number++;
      this.#bytes = HEADER_BYTES;
      return undefined;
    } catch (error) {
      return error as Error;
    }
  }

  probe(): boolean {
    try {
      // A disk that is nearly full takes a part of it, without an error.
      return writeSync(this.#descriptor, new Uint8Array(PROBE_BYTES), 0, PROBE_BYTES, this.#bytes) === PROBE_BYTES;
    } catch {
      return false;
    } finally {
      this.#cutBack();
    }
  }

  sync(onDurable: (error: Error | null) => void): void {
    const descriptor = this.#descriptor;
    this.#syncCounts.set(descriptor, (this.#syncCounts.get(descriptor) ?? 0) + 1);
    fdatasync(descriptor, (error) => {
      this.#syncEnded(descriptor);
      onDurable(error);
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#closeUnlessSyncing(this.#descriptor);
  }

  #closeUnlessSyncing(descriptor: number): void {
    if (!this.#syncCounts.has(descriptor)) closeSync(descriptor);
  }

  #syncEnded(descriptor: number): void {
    const count = this.#syncCounts.get(descriptor)! - 1;
    if (count > 0) this.#syncCounts.set(descriptor, count);
    else this.#syncCounts.delete(descriptor);
    if (descriptor !== this.#descriptor || this.#isClosed) this.#closeUnlessSyncing(descriptor);
  }

  /**
   * Half a batch must not stay: its payments are about to be refused. If even this fails the error is passed on and the process
   * ends, without an answer to anybody, and recovers.
   */
  #cutBack(): void {
    ftruncateSync(this.#descriptor, this.#bytes);
  }

  #create(number: number): number {
    const { instance, instanceCount, nowMs, syncsSegments } = this.#options;
    const path = this.#directory.segmentPath(number);
    const descriptor = openSync(path, "wx");
    const header = {
      kind: SEGMENT,
      instance,
      instanceCount,
      number,
      firstLsn: this.#lsn,
      createdAtMs: nowMs(),
    } as const;
    try {
      if (writeSync(descriptor, encodeHeader(header), 0, HEADER_BYTES, 0) < HEADER_BYTES)
        throw new Error("no room for a header");
      if (syncsSegments) {
        fdatasyncSync(descriptor);
        this.#directory.sync();
      }
      return descriptor;
    } catch (error) {
      closeSync(descriptor);
      unlinkSync(path);
      throw error;
    }
  }
}
