import type { RecordBatch } from "../log/record.ts";
import * as Kind from "../log/record-kind.ts";
import type { Sequence } from "../values/number-types.ts";
import * as Outcome from "../values/outcome.ts";
import { NO_PROCESSOR } from "../values/processor.ts";
import * as State from "../values/state.ts";
import type { SalvagedLog } from "./salvaged-log.ts";

/** A payment that is not settled and of which records may be lost. */
export type Uncertain = {
  sequence: Sequence;
  /** The processor that charged it, by a record that no longer says when. */
  chargedAt: number | undefined;
};

/** Before any gap. */
const NEVER = -1;

/**
 * Of which payments the state is certain, though records are lost.
 *
 * After a gap a payment that was not settled may have been anywhere meanwhile. Some records say all there is to know
 * again:
 *
 *   SENDING, SENT   it is at that processor since then, and nowhere else
 *   REFUSED         it is pending, and nothing is out
 *   FAILED          it has ended
 *
 * DOUBTED and PROCESSED do not, where the attempt they end may have been another than the last one known: the payment
 * is then in doubt at their processor.
 */
export class SalvagedPayments {
  readonly #log: SalvagedLog;
  /** Of each payment that is not settled: number of the gap since which its state is certain. */
  readonly #certainSince = new Map<number, number>();
  readonly #chargedAt = new Map<number, number>();
  #gapCount = 0;

  constructor(log: SalvagedLog) {
    this.#log = log;
  }

  /** Records are lost here. */
  gap(): void {
    this.#gapCount++;
  }

  /** A payment that is not settled. */
  begin(ours: number, isCertain: boolean): void {
    this.#certainSince.set(ours, isCertain ? this.#gapCount : NEVER);
  }

  /** It is settled, or gone. */
  end(ours: number): void {
    this.#certainSince.delete(ours);
    this.#chargedAt.delete(ours);
  }

  /** Whether it is here and not settled. */
  has(ours: number): boolean {
    return this.#certainSince.has(ours);
  }

  /** By sequence. */
  suspects(): Uncertain[] {
    return [...this.#certainSince]
      .filter(([, since]) => since < this.#gapCount)
      .map(([sequence]) => ({ sequence, chargedAt: this.#chargedAt.get(sequence) }))
      .sort((a, b) => a.sequence - b.sequence);
  }

  /** Takes the next sound record about a payment that is not settled. Throws for one that is of no known kind. */
  follow(batch: RecordBatch, record: number, ours: number): void {
    const kind = batch.kind(record);
    if (kind === Kind.SENDING || kind === Kind.SENT) this.#sent(batch, record, ours);
    else if (kind === Kind.REFUSED) this.#refused(batch, record, ours);
    else if (kind === Kind.DOUBTED) this.#doubted(batch, record, ours);
    else if (kind === Kind.PROCESSED) this.#processed(batch, record, ours);
    else if (kind === Kind.FAILED) this.#ended(batch, record, ours);
    else throw new Error(`a record is of a known kind: kind=${kind}`);
  }

  #sent(batch: RecordBatch, record: number, ours: number): void {
    const slot = this.#log.ledger.slotOf(ours);
    const isPending = this.#log.ledger.rows.state[slot] === State.PENDING;
    if (isPending || batch.kind(record) === Kind.SENT) this.#log.copy(batch, record, ours);
    else
      this.#log.ledger.record(
        this.#log.out,
        Kind.SENT,
        slot,
        batch.atMs(record),
        batch.processor(record),
        Outcome.LOST,
        0,
      );
    this.#certainSince.set(ours, this.#gapCount);
  }

  #refused(batch: RecordBatch, record: number, ours: number): void {
    const isPending = this.#log.ledger.rows.state[this.#log.ledger.slotOf(ours)] === State.PENDING;
    const isBound = batch.processor(record) !== NO_PROCESSOR;
    if (!isPending && !isBound) {
      this.#log.copy(batch, record, ours);
    } else if (!isPending && !(this.#log.isSame(batch, record, ours) && this.#log.tryCopy(batch, record, ours))) {
      this.#log.bind(batch, record, ours);
      this.#log.copy(batch, record, ours);
    }
    this.#certainSince.set(ours, this.#gapCount);
  }

  #doubted(batch: RecordBatch, record: number, ours: number): void {
    if (!this.#log.isSame(batch, record, ours)) {
      this.#log.bind(batch, record, ours);
      this.#certainSince.set(ours, NEVER);
    } else if (this.#log.isFirstAnswer(batch, record, ours)) {
      this.#certainSince.set(ours, this.#gapCount);
    }
    this.#log.copy(batch, record, ours);
  }

  #processed(batch: RecordBatch, record: number, ours: number): void {
    const isSame = this.#log.isSame(batch, record, ours);
    const isCertain = this.#certainSince.get(ours) === this.#gapCount;
    if (isSame && (isCertain || this.#log.isFirstAnswer(batch, record, ours))) {
      this.#ended(batch, record, ours);
      return;
    }
    if (!isSame) this.#log.bind(batch, record, ours);
    this.#certainSince.set(ours, NEVER);
    this.#chargedAt.set(ours, batch.processor(record));
  }

  #ended(batch: RecordBatch, record: number, ours: number): void {
    this.#log.copy(batch, record, ours);
    this.end(ours);
  }
}
