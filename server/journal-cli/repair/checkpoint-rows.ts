import { HEADER_BYTES, HEADER_BYTES_OF_VERSIONS } from "../../../core/log/journal-header.ts";
import { RECORD_BYTES, RecordBatch } from "../../../core/log/record.ts";
import * as Kind from "../../../core/log/record-kind.ts";
import type { JournalFile } from "../../../core/log/recovery-plan.ts";
import type { Salvage } from "../../../core/salvage/salvage.ts";
import type { JournalDirectory } from "../../journal/journal-directory.ts";
import { headerOf } from "../file-survey.ts";
import { readRecords } from "../record-reader.ts";

type Stretch = { rows: RecordBatch; count: number; isWhole: boolean };

const STRETCH_ROWS_MAX = 65_536;

/**
 * Reads what is sound of a checkpoint into a salvage. A row that is damaged is a payment that is lost, known by its
 * place alone. Where the head of a slice is damaged its rows are kept if the next slice begins right after them, as
 * true from the slice before on; otherwise nobody knows which payments they are, and they are lost.
 */
export class CheckpointRows {
  readonly #salvage: Salvage;
  readonly #onDamage: (record: number, what: string) => void;
  #rowsDue = 0;
  #isWhole = false;
  /** What stands where a slice's head should, until the next one. */
  #stretch: Stretch | undefined;

  constructor(salvage: Salvage, onDamage: (record: number, what: string) => void) {
    this.#salvage = salvage;
    this.#onDamage = onDamage;
  }

  /** Whether it is whole to the last slice. `processorNumbers`: see RecordBatch. */
  read(path: string, file: JournalFile, processorNumbers: Uint8Array | undefined): boolean {
    readRecords(path, headerBytesOf(path, file), (batch, first) => {
      batch.processorNumbers = processorNumbers;
      for (let record = 0; record < batch.count && !this.#isWhole; record++) this.#take(batch, record, first + record);
      return !this.#isWhole;
    });
    if (!this.#isWhole) {
      this.#onDamage(Math.floor(file.bytes / RECORD_BYTES), "the last slices are lost");
      this.#salvage.losesRows();
    }
    return this.#isWhole;
  }

  #take(batch: RecordBatch, record: number, number: number): void {
    const isSound = batch.isSound(record, number);
    const isHead = isSound && batch.kind(record) === Kind.SLICE;
    if (this.#stretch !== undefined && !isHead) {
      this.#collect(batch, record, isSound);
    } else if (this.#rowsDue > 0) {
      this.#rowsDue--;
      if (isSound) {
        this.#salvage.row(batch, record, true);
      } else {
        this.#onDamage(number, `a payment is lost: sequence=${this.#salvage.nextRow}`);
        this.#salvage.lostRow();
      }
    } else if (isHead) {
      this.#openSlice(batch, record, number);
    } else {
      this.#onDamage(number, "the head of a slice is damaged");
      this.#stretch = { rows: new RecordBatch(STRETCH_ROWS_MAX), count: 0, isWhole: true };
    }
  }

  #collect(batch: RecordBatch, record: number, isSound: boolean): void {
    const stretch = this.#stretch!;
    stretch.count++;
    stretch.isWhole &&= isSound && stretch.rows.count < STRETCH_ROWS_MAX;
    if (stretch.isWhole) stretch.rows.appendCopy(batch, record, batch.sequence(record));
  }

  #openSlice(batch: RecordBatch, record: number, number: number): void {
    const fromSequence = batch.sequence(record);
    this.#endStretch(fromSequence, number);
    this.#salvage.openSlice(fromSequence, batch.atMs(record));
    this.#rowsDue = batch.cents(record);
    this.#isWhole = this.#rowsDue === 0;
  }

  #endStretch(nextSequence: number, number: number): void {
    const stretch = this.#stretch;
    this.#stretch = undefined;
    if (stretch === undefined) return;
    const firstSequence = nextSequence - stretch.count;
    const isKnown = stretch.isWhole && (!this.#salvage.hasSlices || firstSequence === this.#salvage.nextRow);
    if (!isKnown) {
      this.#onDamage(number, `payments are lost: toSequence=${nextSequence}`);
      this.#salvage.losesRows();
      return;
    }
    this.#salvage.openSlice(firstSequence, this.#salvage.lastSliceLsn);
    for (let row = 0; row < stretch.rows.count; row++) this.#salvage.row(stretch.rows, row, false);
  }
}

/** As the header says, or where a sound record shows itself. */
function headerBytesOf(path: string, file: JournalFile): number {
  const known = headerOf(file)?.headerBytes;
  if (known !== undefined) return known;
  const isAt = (headerBytes: number): boolean => {
    let isSound = false;
    readRecords(path, headerBytes, (batch, first) => {
      for (let record = 0; record < batch.count; record++) isSound ||= batch.isSound(record, first + record);
      return !isSound;
    });
    return isSound;
  };
  return HEADER_BYTES_OF_VERSIONS.find(isAt) ?? HEADER_BYTES;
}

/** Whether every record of a checkpoint is sound, to the empty slice at its end. */
export function isWholeCheckpoint(directory: JournalDirectory, file: JournalFile): boolean {
  const header = headerOf(file);
  if (header === undefined) return false;
  let isSound = true;
  let isClosed = false;
  readRecords(directory.filePath(file.name), header.headerBytes, (batch, first) => {
    for (let record = 0; record < batch.count; record++) isSound &&= batch.isSound(record, first + record);
    const last = batch.count - 1;
    isClosed = batch.kind(last) === Kind.SLICE && batch.cents(last) === 0;
    return isSound;
  });
  return isSound && isClosed;
}
