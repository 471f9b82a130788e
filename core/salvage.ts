import { CheckpointSlices } from "./checkpoint-slices.ts";
import { latestTime } from "./log-time.ts";
import { IN_DOUBT, LOST, PENDING } from "./payment.ts";
import {
  ACCEPTED,
  CLOCK,
  DOUBTED,
  EVICTED,
  FAILED_AT,
  PROCESSED_AT,
  PURGED,
  REFUSED,
  type RecordBatch,
  SENDING_TO,
  SENT,
  WATERMARK,
} from "./record.ts";
import type { SalvagedLog } from "./salvaged-log.ts";
import { SequenceMap, type SequenceRange } from "./sequence-map.ts";

/** A payment that is not settled and of which records may be lost. */
export type Suspect = {
  /** In the new log. */
  sequence: number;
  /** In the damaged one. */
  original: number;
  /** The processor that charged it, by a record that no longer says when. */
  chargedAt: number | undefined;
};

/** The last that is known of a payment whose acceptance is lost. */
export type Trace = { kind: number; processor: number; atMs: number };

/** Before any gap. */
const NEVER = -1;

/**
 * Makes a sound log of what is left of a damaged one. Sound records come in order, `gap` stands for those that are lost
 * between them; what comes out is a ledger and a log that leads to it.
 *
 * After a gap a payment that was not settled may have been anywhere meanwhile. Some records say all there is to know
 * again:
 *
 *   SENDING, SENT   it is at that processor since then, and nowhere else
 *   REFUSED         it is pending, and nothing is out
 *   FAILED          it has ended
 *
 * DOUBTED and PROCESSED do not, where the attempt they end may have been another than the last one known: the payment
 * is then in doubt at their processor. Whatever is not certain in the end is a suspect; nothing is guessed.
 */
export class Salvage {
  readonly #log: SalvagedLog;
  readonly #onBase: (latestMs: number) => void;
  readonly #slices = new CheckpointSlices();
  readonly #sequences = new SequenceMap();
  /** Of each payment that is not settled: number of the gap since which its state is certain. */
  readonly #certainSince = new Map<number, number>();
  readonly #chargedAt = new Map<number, number>();
  readonly #traces = new Map<number, Trace>();
  #gapCount = 0;
  #hasBase = false;
  /** Payments may be lost before the first one known, and after the last one. */
  #isBeginLost = false;
  #isEndLost = false;
  /** As the log has it, and as the rows of the checkpoint have it: see Replay. */
  #latestMs = 0;
  #rowLatestMs = 0;
  #lostFromMs: number | undefined;
  /** Sound records about payments that had ended, passed over. */
  contradictionCount = 0;

  /**
   * `onBase` is called when the ledger is what the checkpoint says, before the first record, with the latest time so
   * far.
   */
  constructor(log: SalvagedLog, onBase: (latestMs: number) => void) {
    this.#log = log;
    this.#onBase = onBase;
  }

  /**
   * Sequences of the damaged log whose payments are lost, or may be: those before the first one known may have been
   * dropped long ago, and after the last one there may be none; that range has no end.
   */
  get lost(): SequenceRange[] {
    const { lost, first, next } = this.#sequences;
    return [
      ...(this.#isBeginLost && first > 0 ? [{ fromSequence: 0, toSequence: first }] : []),
      ...lost,
      ...(this.#isEndLost ? [{ fromSequence: next, toSequence: Number.POSITIVE_INFINITY }] : []),
    ];
  }

  get traces(): ReadonlyMap<number, Trace> {
    return this.#traces;
  }

  /** The latest time before anything that is lost; undefined when nothing is. */
  get lostFromMs(): number | undefined {
    return this.#lostFromMs;
  }

  openSlice(fromSequence: number, lsn: number): void {
    if (this.#slices.count === 0) this.#startAt(fromSequence);
    this.#sequences.skipTo(fromSequence);
    this.#slices.open(fromSequence, lsn);
    this.#isEndLost = false;
  }

  /** Sequence of the next row. */
  get nextRow(): number {
    return this.#sequences.next;
  }

  get lastSliceLsn(): number {
    return this.#slices.lastLsn;
  }

  get hasSlices(): boolean {
    return this.#slices.count > 0;
  }

  /** A row of the checkpoint. `isCertain`: it is known as of which record it is true. */
  row(batch: RecordBatch, record: number, isCertain: boolean): void {
    this.#expectRoom();
    const ours = this.#log.ledger.head;
    this.#sequences.keep(ours);
    const slot = this.#log.ledger.restore(batch, record);
    const { rows } = this.#log.ledger;
    this.#rowLatestMs = Math.max(this.#rowLatestMs, rows.requestedAtMs(slot), rows.processedAtMs(slot));
    if (rows.state[slot]! <= IN_DOUBT) this.#certainSince.set(ours, isCertain ? this.#gapCount : NEVER);
  }

  /** A row that cannot be read: its payment may be of any age. */
  lostRow(): void {
    this.#sequences.skipTo(this.#sequences.next + 1);
    this.#lostFromMs = 0;
  }

  /** Rows are lost, nobody knows how many: of payments of any age. */
  losesRows(): void {
    this.#lostFromMs = 0;
    this.#losesPayments();
  }

  /** What follows is in segments. */
  closeCheckpoint(): void {
    if (this.hasSlices) this.#slices.open(this.#sequences.next, this.#slices.lastLsn);
    this.#base();
  }

  /** Nothing follows. */
  end(): void {
    this.#base();
    this.#log.flush();
  }

  /** The header of a file says that no later time was given out before it. */
  bound(ms: number): void {
    this.#latestMs = Math.max(this.#latestMs, ms);
  }

  /** Records are lost here. */
  gap(): void {
    this.#gapCount++;
    this.#lostFromMs ??= this.#latestMs;
    this.#losesPayments();
  }

  /** The next sound record of a segment. Throws for one that is of no known kind. */
  take(batch: RecordBatch, record: number, lsn: number): void {
    const kind = batch.kind(record);
    const sequence = batch.sequence(record);
    this.#latestMs = latestTime(batch, record, this.#latestMs);
    if (this.#slices.cover(kind, sequence, lsn)) return;
    if (kind === WATERMARK || kind === CLOCK) this.#timed(batch, record);
    else if (kind === ACCEPTED) this.#accepted(batch, record, sequence);
    else if (kind === PURGED || kind === EVICTED) this.#dropped(batch, record, sequence);
    else this.#about(batch, record, sequence);
    this.#log.flushIfDue();
  }

  /** What cannot be vouched for, by sequence. */
  suspects(): Suspect[] {
    return [...this.#certainSince]
      .filter(([sequence, since]) => since < this.#gapCount || this.#chargedAt.has(sequence))
      .map(([sequence]) => ({
        sequence,
        original: this.#sequences.original(sequence),
        chargedAt: this.#chargedAt.get(sequence),
      }))
      .sort((a, b) => a.sequence - b.sequence);
  }

  /** Of time only: no business of the ledger's. */
  #timed(batch: RecordBatch, record: number): void {
    if (this.#sequences.isEmpty && !this.#hasBase) return;
    this.#base();
    this.#log.out.appendCopy(batch, record, batch.sequence(record));
  }

  #accepted(batch: RecordBatch, record: number, sequence: number): void {
    if (sequence < this.#sequences.next) {
      this.contradictionCount++;
      return;
    }
    if (this.#sequences.isEmpty && !this.#hasBase) this.#startAt(sequence);
    this.#base();
    this.#expectRoom();
    this.#sequences.skipTo(sequence);
    const ours = this.#log.ledger.head;
    this.#sequences.keep(ours);
    this.#log.copy(batch, record, ours);
    this.#certainSince.set(ours, this.#gapCount);
    this.#isEndLost = false;
  }

  #dropped(batch: RecordBatch, record: number, sequence: number): void {
    if (this.#sequences.isEmpty && !this.#hasBase) this.#startAt(sequence);
    this.#base();
    this.#sequences.skipTo(sequence);
    if (batch.kind(record) === PURGED) this.#isEndLost = false;
    const end = this.#sequences.boundary(sequence);
    for (let ours = this.#log.ledger.tail; ours < end; ours++) {
      this.#certainSince.delete(ours);
      this.#chargedAt.delete(ours);
    }
    for (const traced of this.#traces.keys()) if (traced < sequence) this.#traces.delete(traced);
    this.#sequences.forgetBefore(sequence);
    if (this.#log.tryCopy(batch, record, end)) return;
    // The end of some that were dropped for having ended is lost: they are dropped all the same.
    this.#log.ledger.apply(
      this.#log.out,
      this.#log.out.append(PURGED, end, batch.atMs(record), batch.processor(record), 0, 0),
    );
  }

  #about(batch: RecordBatch, record: number, sequence: number): void {
    const ours = this.#sequences.ours(sequence);
    if (ours === undefined) {
      // Before the first payment that is known nobody can say which there were.
      if (this.#sequences.isEmpty && this.#sequences.next === 0) this.#sequences.startAt(sequence);
      this.#sequences.skipTo(sequence + 1);
      const { kind, processor, atMs } = recordOf(batch, record);
      this.#traces.set(sequence, { kind, processor, atMs });
      return;
    }
    if (!this.#log.ledger.isKept(ours) || !this.#certainSince.has(ours)) {
      this.contradictionCount++;
      return;
    }
    this.#follow(batch, record, ours);
  }

  #follow(batch: RecordBatch, record: number, ours: number): void {
    const kind = batch.kind(record);
    if (kind === SENDING_TO || kind === SENT) this.#sent(batch, record, ours);
    else if (kind === REFUSED) this.#refused(batch, record, ours);
    else if (kind === DOUBTED) this.#doubted(batch, record, ours);
    else if (kind === PROCESSED_AT) this.#processed(batch, record, ours);
    else if (kind === FAILED_AT) this.#ended(batch, record, ours);
    else throw new Error(`a record is of a known kind: kind=${kind}`);
  }

  #sent(batch: RecordBatch, record: number, ours: number): void {
    const slot = this.#log.ledger.slotOf(ours);
    const isPending = this.#log.ledger.rows.state[slot] === PENDING;
    const { kind, processor, atMs } = recordOf(batch, record);
    if (isPending || kind === SENT) this.#log.copy(batch, record, ours);
    else this.#log.ledger.record(this.#log.out, SENT, slot, atMs, processor, LOST, 0);
    this.#certainSince.set(ours, this.#gapCount);
  }

  #refused(batch: RecordBatch, record: number, ours: number): void {
    const isPending = this.#log.ledger.rows.state[this.#log.ledger.slotOf(ours)] === PENDING;
    if (!isPending && !(this.#log.isSame(batch, record, ours) && this.#log.tryCopy(batch, record, ours))) {
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
    this.#certainSince.delete(ours);
    this.#chargedAt.delete(ours);
  }

  #losesPayments(): void {
    this.#isEndLost = true;
    if (!this.#hasBase && !this.hasSlices) this.#isBeginLost = true;
  }

  #startAt(sequence: number): void {
    this.#log.ledger.startAt(sequence);
    this.#sequences.startAt(sequence);
  }

  #base(): void {
    if (this.#hasBase) return;
    this.#hasBase = true;
    this.#onBase(this.#latestMs || this.#rowLatestMs);
  }

  #expectRoom(): void {
    const { capacity } = this.#log.ledger.rows;
    if (this.#log.ledger.isFull) throw new Error(`the journal's payments must fit CAPACITY: capacity=${capacity}`);
  }
}

function recordOf(batch: RecordBatch, record: number): Trace {
  return { kind: batch.kind(record), processor: batch.processor(record), atMs: batch.atMs(record) };
}
