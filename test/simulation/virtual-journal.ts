import { encodeHeader, HEADER_BYTES, type HeaderFields, SEGMENT } from "../../core/journal-header.ts";
import { latestTimeAfter } from "../../core/log-time.ts";
import { RECORD_BYTES, type RecordBatch } from "../../core/record.ts";
import type { Expected } from "../../core/recovery-plan.ts";
import type { JournalStart, RecordLog } from "../../server/journal/journal.ts";
import { DiskFull, type VirtualDisk, type VirtualFile } from "./virtual-disk.ts";

export type VirtualJournalOptions = Expected & {
  segmentBytes: number;
  syncsSegments: boolean;
  nowMs: () => number;
  /** Calls back when a sync that begins now has ended. */
  afterSync: (run: () => void) => void;
};

const PROBE_BYTES = 512;

export function segmentName(number: number): string {
  return `segment-${String(number).padStart(10, "0")}`;
}

/** What server/journal/journal.ts does, step by step, on a virtual disk. */
export class VirtualJournal implements RecordLog {
  readonly #disk: VirtualDisk;
  readonly #options: VirtualJournalOptions;
  #file: VirtualFile;
  #number: number;
  #bytes = HEADER_BYTES;
  #lsn: number;
  #latestMs: number;
  readonly #epoch: number;

  constructor(disk: VirtualDisk, start: JournalStart, options: VirtualJournalOptions) {
    this.#disk = disk;
    this.#number = start.nextNumber;
    this.#lsn = start.lsn;
    this.#latestMs = start.latestMs;
    this.#epoch = start.epoch + 1;
    this.#options = options;
    this.#file = this.#create(start.nextNumber);
  }

  get lsn(): number {
    return this.#lsn;
  }

  get number(): number {
    return this.#number;
  }

  get segmentBytes(): number {
    return this.#bytes;
  }

  get isSegmentFull(): boolean {
    return this.#bytes >= this.#options.segmentBytes;
  }

  append(batch: RecordBatch): Error | undefined {
    const bytes = batch.count * RECORD_BYTES;
    batch.seal(this.#lsn);
    try {
      this.#write(batch.bytes, bytes);
    } catch (error) {
      if (!(error instanceof DiskFull)) throw error;
      this.cutBack();
      return error;
    }
    this.#bytes += bytes;
    this.#lsn += batch.count;
    this.#latestMs = latestTimeAfter(batch, this.#latestMs);
    return undefined;
  }

  rotate(): Error | undefined {
    try {
      if (this.#options.syncsSegments) this.#disk.sync(this.#file);
      this.#file = this.#create(this.#number + 1);
      this.#number++;
      this.#bytes = HEADER_BYTES;
      return undefined;
    } catch (error) {
      if (!(error instanceof DiskFull)) throw error;
      return error;
    }
  }

  probe(): boolean {
    try {
      return this.#disk.write(this.#file, new Uint8Array(PROBE_BYTES), 0, PROBE_BYTES, this.#bytes) === PROBE_BYTES;
    } catch (error) {
      if (!(error instanceof DiskFull)) throw error;
      return false;
    } finally {
      this.cutBack();
    }
  }

  sync(onDurable: (error: Error | null) => void): void {
    const file = this.#file;
    const { length } = file;
    this.#options.afterSync(() => {
      this.#disk.sync(file, length);
      onDurable(null);
    });
  }

  close(): void {}

  /** Takes off what stands behind the last whole batch. */
  cutBack(): void {
    this.#disk.truncate(this.#file, this.#bytes);
  }

  #write(bytes: Uint8Array, count: number): void {
    for (let written = 0; written < count; ) {
      written += this.#disk.write(this.#file, bytes, written, count - written, this.#bytes + written);
    }
  }

  header(kind: HeaderFields["kind"], number: number): Uint8Array {
    const { partition, partitionCount, processors, syncsSegments, nowMs } = this.#options;
    return encodeHeader({
      kind,
      partition,
      partitionCount,
      processors,
      epoch: this.#epoch,
      number,
      firstLsn: this.#lsn,
      createdAtMs: nowMs(),
      boundMs: this.#latestMs,
      followsDurable: syncsSegments,
    });
  }

  #create(number: number): VirtualFile {
    const name = segmentName(number);
    if (this.#disk.has(name)) throw new Error(`a new segment is new: name=${name}`);
    const file = this.#disk.create(name);
    try {
      if (this.#disk.write(file, this.header(SEGMENT, number), 0, HEADER_BYTES, 0) < HEADER_BYTES) throw new DiskFull();
      if (this.#options.syncsSegments) {
        this.#disk.sync(file);
        this.#disk.syncNames();
      }
      return file;
    } catch (error) {
      if (error instanceof DiskFull) this.#disk.remove(name);
      throw error;
    }
  }
}
