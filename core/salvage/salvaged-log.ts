import type { Ledger } from "../ledger/ledger.ts";
import { BATCH_RECORDS, RecordBatch } from "../log/record.ts";
import * as Kind from "../log/record-kind.ts";
import * as Outcome from "../values/outcome.ts";
import * as State from "../values/state.ts";

/** A ledger and the records that lead to it, written by whoever makes the log. */
export class SalvagedLog {
  readonly ledger: Ledger;
  /** Records applied and not yet written. */
  readonly out = new RecordBatch(BATCH_RECORDS);
  readonly #write: (batch: RecordBatch) => void;

  /** The ledger is empty; nothing will be found in it by its id. `write` takes the batch at once. */
  constructor(ledger: Ledger, write: (batch: RecordBatch) => void) {
    this.ledger = ledger;
    this.#write = write;
    ledger.beginReplay();
  }

  flush(): void {
    if (this.out.count > 0) this.#write(this.out);
    this.out.clear();
  }

  /** To be called after each step, of a few records at most. */
  flushIfDue(): void {
    if (this.out.isHalfFull) this.flush();
  }

  /** Whether the record is about an attempt at the processor that the payment is known to be at. */
  isSame(batch: RecordBatch, record: number, ours: number): boolean {
    const { rows } = this.ledger;
    const slot = this.ledger.slotOf(ours);
    return rows.state[slot] !== State.PENDING && rows.processor[slot] === batch.processor(record);
  }

  /** Whether the record ends the very attempt that the payment is known to be in: it began when that was sent. */
  isFirstAnswer(batch: RecordBatch, record: number, ours: number): boolean {
    const { rows } = this.ledger;
    const slot = this.ledger.slotOf(ours);
    const beganAtMs = batch.atMs(record) - batch.elapsedMs(record);
    return rows.state[slot] === State.SENDING && rows.requestedAtMs(slot) === beganAtMs;
  }

  /**
   * The payment was sent to the record's processor, when the attempt began that the record ends, as far as anybody
   * knows.
   */
  bind(batch: RecordBatch, record: number, ours: number): void {
    const { rows } = this.ledger;
    const slot = this.ledger.slotOf(ours);
    const beganAtMs = Math.max(rows.acceptedAtMs[slot]!, batch.atMs(record) - batch.elapsedMs(record));
    this.ledger.record(this.out, Kind.SENT, slot, beganAtMs, batch.processor(record), Outcome.LOST, 0);
  }

  /** Appends and applies a record, about the payment with the sequence `ours`. Throws when it does not fit. */
  copy(batch: RecordBatch, record: number, ours: number): void {
    this.ledger.apply(this.out, this.out.appendCopy(batch, record, ours));
  }

  /** False, and nothing has happened, when the record does not fit. */
  tryCopy(batch: RecordBatch, record: number, ours: number): boolean {
    const copy = this.out.appendCopy(batch, record, ours);
    try {
      this.ledger.apply(this.out, copy);
      return true;
    } catch {
      this.out.refill(copy);
      return false;
    }
  }
}
