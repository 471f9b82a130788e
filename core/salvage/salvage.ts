import { CheckpointSlices } from "../ledger/checkpoint-slices.ts";
import { latestTime } from "../log/log-time.ts";
import type { RecordBatch } from "../log/record.ts";
import * as Kind from "../log/record-kind.ts";
import { WATERMARK_STEP_MS } from "../log/watermark-bound.ts";
import type { Sequence } from "../values/number-types.ts";
import * as State from "../values/state.ts";
import type { SalvagedLog } from "./salvaged-log.ts";
import { SalvagedPayments, type Uncertain } from "./salvaged-payments.ts";
import { SequenceMap, type SequenceRange } from "./sequence-map.ts";

/** A payment that is not settled and of which records may be lost. */
export type Suspect = Uncertain & {
  /** In the damaged log. */
  original: number;
};

/** The last that is known of a payment whose acceptance is lost. */
export type Trace = { kind: number; processor: number; atMs: number };

/**
 * Makes a sound log of what is left of a damaged one. Sound records come in order, `gap` stands for those that are lost
 * between them; what comes out is a ledger and a log that leads to it.
 * Whatever is not certain in the end is a suspect (salvaged-payments.ts); nothing is guessed.
 */
export class Salvage {
  readonly #log: SalvagedLog;
  readonly #onBase: (latestMs: number) => void;
  readonly #slices = new CheckpointSlices();
  readonly #sequences = new SequenceMap();
  readonly #payments: SalvagedPayments;
  readonly #traces = new Map<number, Trace>();
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
    this.#payments = new SalvagedPayments(log);
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
    if (rows.state[slot]! <= State.IN_DOUBT) this.#payments.begin(ours, isCertain);
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
    this.#payments.gap();
    // The log may be ahead of its records by as much as it reserves for watermarks.
    this.#lostFromMs ??= Math.max(0, this.#latestMs - WATERMARK_STEP_MS);
    this.#losesPayments();
  }

  /** The next sound record of a segment. Throws for one that is of no known kind. */
  take(batch: RecordBatch, record: number, lsn: number): void {
    const kind = batch.kind(record);
    const sequence = batch.sequence(record);
    this.#latestMs = latestTime(batch, record, this.#latestMs);
    if (this.#slices.cover(kind, sequence, lsn)) return;
    if (kind === Kind.WATERMARK || kind === Kind.CLOCK) this.#timed(batch, record);
    else if (kind === Kind.ACCEPTED) this.#accepted(batch, record, sequence);
    else if (kind === Kind.PURGED || kind === Kind.EVICTED) this.#dropped(batch, record, sequence);
    else this.#about(batch, record, sequence);
    this.#log.flushIfDue();
  }

  /** What cannot be vouched for, by sequence. */
  suspects(): Suspect[] {
    return this.#payments
      .suspects()
      .map((suspect) => ({ ...suspect, original: this.#sequences.original(suspect.sequence) }));
  }

  /** Of time only: no business of the ledger's. */
  #timed(batch: RecordBatch, record: number): void {
    if (this.#sequences.isEmpty && !this.#hasBase) return;
    this.#base();
    this.#log.out.appendCopy(batch, record, batch.sequence(record));
  }

  #accepted(batch: RecordBatch, record: number, sequence: Sequence): void {
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
    this.#payments.begin(ours, true);
    this.#isEndLost = false;
  }

  #dropped(batch: RecordBatch, record: number, sequence: Sequence): void {
    if (this.#sequences.isEmpty && !this.#hasBase) this.#startAt(sequence);
    this.#base();
    this.#sequences.skipTo(sequence);
    if (batch.kind(record) === Kind.PURGED) this.#isEndLost = false;
    const end = this.#sequences.boundary(sequence);
    for (let ours = this.#log.ledger.tail; ours < end; ours++) this.#payments.end(ours);
    for (const traced of this.#traces.keys()) if (traced < sequence) this.#traces.delete(traced);
    this.#sequences.forgetBefore(sequence);
    if (this.#log.tryCopy(batch, record, end)) return;
    // The end of some that were dropped for having ended is lost: they are dropped all the same.
    this.#log.ledger.apply(
      this.#log.out,
      this.#log.out.append(Kind.PURGED, end, batch.atMs(record), batch.processor(record), 0, 0),
    );
  }

  #about(batch: RecordBatch, record: number, sequence: Sequence): void {
    const ours = this.#sequences.ours(sequence);
    if (ours === undefined) {
      // Before the first payment that is known nobody can say which there were, unless the log has its beginning.
      if (this.#sequences.isEmpty && this.#sequences.next === 0 && !this.#hasBase) this.#sequences.startAt(sequence);
      this.#sequences.skipTo(sequence + 1);
      const { kind, processor, atMs } = recordOf(batch, record);
      this.#traces.set(sequence, { kind, processor, atMs });
      return;
    }
    if (!this.#log.ledger.isKept(ours) || !this.#payments.has(ours)) {
      this.contradictionCount++;
      return;
    }
    this.#payments.follow(batch, record, ours);
  }

  #losesPayments(): void {
    this.#isEndLost = true;
    if (!this.#hasBase && !this.hasSlices) this.#isBeginLost = true;
  }

  #startAt(sequence: Sequence): void {
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
