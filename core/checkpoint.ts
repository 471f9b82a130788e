import type { Ledger } from "./ledger.ts";
import type { RecordBatch } from "./record.ts";

/**
 * A checkpoint is the ledger in 48 bytes a payment, so that the segments before it can go. It is fuzzy (Mohan et al.,
 * ARIES, 1992): taken slice by slice between the events of the running engine, each slice remembering the LSN as of
 * which it is true.
 *
 *   header │ SLICE(from sequence, as of LSN, n) │ n rows │ SLICE(…) │ n rows │ … │ SLICE(head, LSN, 0)
 *
 * On recovery a record whose LSN is before that of its payment's slice is in the slice already, and is passed over. The
 * closing empty slice says that the checkpoint is whole. Rows and slices are records with their own LSN-like numbers,
 * from 0.
 */
export class CheckpointCut {
  readonly #ledger: Ledger;
  readonly #endSequence: number;
  #nextSequence: number;
  #isDone = false;

  /** A checkpoint of the payments kept now; those accepted later are in the log. */
  constructor(ledger: Ledger) {
    this.#ledger = ledger;
    this.#nextSequence = ledger.tail;
    this.#endSequence = ledger.head;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  /** Whether the ledger was purged meanwhile: then this checkpoint is of no use. */
  get isStale(): boolean {
    return this.#ledger.tail > this.#nextSequence;
  }

  /**
   * Appends one slice, of at most `rowCountMax` payments, true as of `lsn`: the number of the next record the log will
   * get.
   */
  cut(batch: RecordBatch, lsn: number, rowCountMax: number): void {
    const count = Math.min(rowCountMax, this.#endSequence - this.#nextSequence);
    batch.appendSlice(this.#nextSequence, lsn, count);
    for (let i = 0; i < count; i++) batch.appendRow(this.#ledger.rows, this.#ledger.slotOf(this.#nextSequence + i));
    this.#nextSequence += count;
    this.#isDone = count === 0;
  }
}
