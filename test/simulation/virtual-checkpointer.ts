import { CheckpointCut } from "../../core/checkpoint.ts";
import { CHECKPOINT } from "../../core/journal-header.ts";
import type { Ledger } from "../../core/ledger.ts";
import { RECORD_BYTES, RecordBatch } from "../../core/record.ts";
import { DiskFull, type VirtualDisk, type VirtualFile } from "./virtual-disk.ts";
import { segmentName, type VirtualJournal } from "./virtual-journal.ts";

const SLICE_PAUSE_MS = 4;
const SEGMENTS_MAX = 64;

export type VirtualCheckpointerOptions = {
  segmentBytes: number;
  sliceRows: number;
  /** How long the next step on disk takes. */
  stepMs: () => number;
  after: (delayMs: number, run: () => void) => void;
};

function checkpointName(number: number): string {
  return `checkpoint-${String(number).padStart(10, "0")}`;
}

/**
 * What server/journal/checkpointer.ts does, step by step, on a virtual disk: each `yield` is an `await` there, the milliseconds
 * until it goes on.
 */
export class VirtualCheckpointer {
  readonly #disk: VirtualDisk;
  readonly #journal: VirtualJournal;
  readonly #ledger: Ledger;
  readonly #flush: () => boolean;
  readonly #options: VirtualCheckpointerOptions;
  #finishedBytes: number;
  #finishedCount: number;
  #isRunning = false;
  #writtenCount = 0;

  constructor(
    disk: VirtualDisk,
    journal: VirtualJournal,
    ledger: Ledger,
    flush: () => boolean,
    finished: { bytes: number; count: number },
    options: VirtualCheckpointerOptions,
  ) {
    this.#disk = disk;
    this.#journal = journal;
    this.#ledger = ledger;
    this.#flush = flush;
    this.#options = options;
    this.#finishedBytes = finished.bytes;
    this.#finishedCount = finished.count;
  }

  /** Checkpoints written. */
  get writtenCount(): number {
    return this.#writtenCount;
  }

  maintain(): void {
    if (!this.#journal.isSegmentFull) return;
    const bytes = this.#journal.segmentBytes;
    if (this.#journal.rotate()) return;
    this.#finishedBytes += bytes;
    this.#finishedCount++;
    this.startIfDue();
  }

  startIfDue(): void {
    const checkpointBytes = this.#ledger.size * RECORD_BYTES;
    const isDue =
      this.#finishedBytes >= Math.max(this.#options.segmentBytes, checkpointBytes) ||
      this.#finishedCount >= SEGMENTS_MAX;
    if (!isDue || this.#isRunning) return;
    this.#isRunning = true;
    this.#goOn(this.#run());
  }

  /** Writes the engine's records now. */
  flush(): boolean {
    return this.#flush();
  }

  /** Takes the new checkpoint into use, then removes what it covers. */
  *publish(partial: string, number: number): Generator<number, void> {
    this.#disk.rename(partial, checkpointName(number));
    yield this.#options.stepMs();
    this.#disk.syncNames();
    yield* this.removeBefore(number);
  }

  *removeBefore(number: number): Generator<number, void> {
    for (const name of this.#disk.names()) {
      if (name >= segmentName(number) || (name.startsWith("checkpoint") && name >= checkpointName(number))) continue;
      this.#disk.remove(name);
      yield this.#options.stepMs();
    }
  }

  #goOn(steps: Generator<number, void>): void {
    const { done, value } = steps.next();
    if (done) this.#isRunning = false;
    else this.#options.after(value, () => this.#goOn(steps));
  }

  *#run(): Generator<number, void> {
    const { number } = this.#journal;
    const coveredBytes = this.#finishedBytes;
    const coveredCount = this.#finishedCount;
    const partial = `${checkpointName(number)}.partial`;
    try {
      const file = this.#disk.create(partial);
      yield this.#options.stepMs();
      if (!(yield* this.#write(file, number))) {
        this.#disk.remove(partial);
        return;
      }
      yield* this.#syncJournal();
      yield* this.publish(partial, number);
      this.#finishedBytes -= coveredBytes;
      this.#finishedCount -= coveredCount;
      this.#writtenCount++;
    } catch (error) {
      if (!(error instanceof DiskFull)) throw error;
      if (this.#disk.has(partial)) this.#disk.remove(partial);
    }
  }

  *#write(file: VirtualFile, number: number): Generator<number, boolean> {
    const { sliceRows, stepMs } = this.#options;
    const header = this.#journal.header(CHECKPOINT, number);
    this.#append(file, header, header.length);
    yield stepMs();
    const batch = new RecordBatch(sliceRows + 1);
    const cut = new CheckpointCut(this.#ledger);
    for (let first = 0; !cut.isDone; first += batch.count) {
      if (cut.isStale || !this.flush()) return false;
      batch.clear();
      cut.cut(batch, this.#journal.lsn, sliceRows);
      batch.seal(first);
      this.#append(file, batch.bytes, batch.count * RECORD_BYTES);
      yield SLICE_PAUSE_MS + stepMs();
    }
    this.#disk.sync(file);
    yield stepMs();
    return true;
  }

  *#syncJournal(): Generator<number, void> {
    let isDurable = false;
    this.#journal.sync(() => {
      isDurable = true;
    });
    while (!isDurable) yield 1;
  }

  #append(file: VirtualFile, bytes: Uint8Array, count: number): void {
    for (let written = 0; written < count; )
      written += this.#disk.write(file, bytes, written, count - written, file.length);
  }
}
