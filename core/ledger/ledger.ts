import type { RecordBatch } from "../log/record.ts";
import * as Kind from "../log/record-kind.ts";
import type { OutcomeCode, Sequence, Slot } from "../values/number-types.ts";
import * as State from "../values/state.ts";
import type { TrailEntry } from "./attempt-trail.ts";
import { PaymentRows, type RowsView } from "./payment-rows.ts";
import { PaymentStates } from "./payment-states.ts";
import { NOT_FOUND_SLOT, UuidIndex } from "./uuid-index.ts";
import { WindowTotals } from "./window-totals.ts";

/** With MAX_AMOUNT_CENTS (money.ts) it keeps every sum below 2^53: 2^26 × 10^8 < 9.007 × 10^15. */
export const MAX_CAPACITY = 2 ** 26;

/**
 * All payments of a partition. Payments are numbered by a sequence; the row (slot) of a payment is sequence mod
 * capacity, so the ledger is a ring over the sequence:
 *
 *            tail                     head
 *   … gone │ kept │ kept │ … │ kept │ next …      sequence →       head − tail ≤ capacity
 *
 * `apply` is the only way anything changes here: the ledger is what the records applied in order make of it.
 */
export class Ledger {
  readonly rows: RowsView;
  readonly processorCount: number;
  readonly #rows: PaymentRows;
  readonly #index: UuidIndex;
  readonly #totals: WindowTotals;
  readonly #states: PaymentStates;
  #isReplaying = false;
  /** Sequence up to which the end of a replay has indexed. */
  #indexedTo = 0;
  #tail = 0;
  #head = 0;

  /**
   * `capacity` in payments, 1 … MAX_CAPACITY. `seed` makes the index unpredictable to outsiders. `processorCount`: 1 …
   * PROCESSORS_MAX.
   */
  constructor(capacity: number, seed: number, processorCount: number) {
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > MAX_CAPACITY) {
      throw new RangeError(`capacity is 1 to ${MAX_CAPACITY} payments: capacity=${capacity}`);
    }
    this.processorCount = processorCount;
    this.#rows = new PaymentRows(capacity);
    this.rows = this.#rows;
    this.#index = new UuidIndex(this.#rows.correlationIds, seed);
    this.#totals = new WindowTotals(this.#rows, processorCount);
    this.#states = new PaymentStates(this.#rows);
  }

  /** Payments kept. */
  get size(): number {
    return this.#head - this.#tail;
  }

  get isFull(): boolean {
    return this.size === this.#rows.capacity;
  }

  /** Sequence of the oldest payment kept. */
  get tail(): Sequence {
    return this.#tail;
  }

  /** Sequence the next payment will get. */
  get head(): Sequence {
    return this.#head;
  }

  /** Bytes per payment at full capacity, every way of finding it included. */
  get bytesPerPayment(): number {
    return (this.#rows.byteLength + this.#index.byteLength + this.#totals.usedBytes) / this.#rows.capacity;
  }

  countIn(state: number): number {
    return this.#states.countIn(state);
  }

  slotOf(sequence: Sequence): Slot {
    return sequence % this.#rows.capacity;
  }

  /** Inverse of slotOf for a kept payment. */
  sequenceOf(slot: Slot): Sequence {
    const lap = this.#tail - (this.#tail % this.#rows.capacity);
    const sequence = lap + slot;
    return sequence < this.#tail ? sequence + this.#rows.capacity : sequence;
  }

  isKept(sequence: Sequence): boolean {
    return sequence >= this.#tail && sequence < this.#head;
  }

  /** Slot of a correlationId in words[at … at+3], or NOT_FOUND_SLOT. Hot: no allocation. */
  find(words: ArrayLike<number>, at = 0): Slot {
    return this.#index.find(words, at);
  }

  /** See WindowTotals.sum. */
  sum(fromMs: number, toMs: number, out: Float64Array): void {
    this.#totals.sum(fromMs, toMs, out);
  }

  /** See PaymentStates.trail. */
  trail(slot: Slot): TrailEntry[] {
    return this.#states.trail(slot);
  }

  /** Applies one record. Throws when it does not fit: memory and log no longer agree, and going on would lose money. */
  apply(batch: RecordBatch, record: number): void {
    const kind = batch.kind(record);
    const states = this.#states;
    if (kind === Kind.ACCEPTED) this.#accepted(batch, record);
    else if (kind === Kind.SENDING) states.sending(this.#slotOfRecord(batch, record), batch, record);
    else if (kind === Kind.REFUSED) states.refused(this.#slotOfRecord(batch, record), batch, record);
    else if (kind === Kind.DOUBTED) states.doubted(this.#slotOfRecord(batch, record), batch, record);
    else if (kind === Kind.PROCESSED) this.#processed(batch, record);
    else if (kind === Kind.FAILED) states.failed(this.#slotOfRecord(batch, record), batch, record);
    else if (kind === Kind.PURGED) this.#purged(batch.sequence(record));
    else if (kind === Kind.EVICTED) this.#evicted(batch.sequence(record));
    else if (kind === Kind.SENT) states.sent(this.#slotOfRecord(batch, record), batch, record);
    else throw new Error(`a record is of a known kind: kind=${kind}`);
  }

  /** Appends a record about the payment in `slot` to the batch and applies it. */
  record(
    batch: RecordBatch,
    kind: number,
    slot: Slot,
    atMs: number,
    processor: number,
    outcome: OutcomeCode,
    elapsedMs: number,
  ): void {
    this.apply(batch, batch.append(kind, this.sequenceOf(slot), atMs, processor, outcome, elapsedMs));
  }

  /** Whether `revert` can take the record back: the others report what has happened and stay true. */
  static isRevertible(kind: number): boolean {
    return kind === Kind.ACCEPTED || kind === Kind.SENDING;
  }

  /**
   * Takes back a record that did not reach the log: ACCEPTED or SENDING, the newest first. Returns the slot.
   * The payment is then as if it had never been accepted, or pending as before.
   */
  revert(batch: RecordBatch, record: number): Slot {
    const slot = this.#slotOfRecord(batch, record);
    if (batch.kind(record) === Kind.SENDING) {
      this.#states.unsent(slot);
      return slot;
    }
    if (batch.sequence(record) !== this.#head - 1)
      throw new Error(`records are reverted newest first: head=${this.#head}`);
    this.#states.unaccepted(slot);
    this.#index.remove(slot);
    this.#head--;
    return slot;
  }

  /**
   * From here to `finishReplay` records are applied and rows restored, but nothing is looked up. The index is left
   * alone meanwhile and built at once at the end: most of the time of a replay is waiting for its memory, and in a loop
   * of nothing else the waits overlap.
   */
  beginReplay(): void {
    this.#isReplaying = true;
  }

  /** True when all is indexed; at most `countMax` payments are at a time, for whoever must not be away for long. */
  finishReplay(countMax = Number.POSITIVE_INFINITY): boolean {
    const from = this.#isReplaying ? this.#tail : this.#indexedTo;
    this.#isReplaying = false;
    this.#indexedTo = Math.min(this.#head, from + countMax);
    for (let sequence = from; sequence < this.#indexedTo; sequence++) this.#index.insert(this.slotOf(sequence));
    return this.#indexedTo === this.#head;
  }

  /** Begins a ledger that is restored from a checkpoint: its first payment will have this sequence. */
  startAt(sequence: Sequence): void {
    if (this.#head !== 0) throw new Error(`only an empty ledger is started elsewhere: head=${this.#head}`);
    this.#tail = sequence;
    this.#head = sequence;
  }

  /**
   * Puts a row of a checkpoint back, as the next payment in sequence. Returns its slot, or NOT_FOUND_SLOT when the
   * ledger is full.
   */
  restore(batch: RecordBatch, record: number): Slot {
    if (this.isFull) return NOT_FOUND_SLOT;
    const slot = this.slotOf(this.#head++);
    this.#states.restored(slot, batch, record);
    if (!this.#isReplaying) this.#index.insert(slot);
    if (this.#rows.state[slot] === State.PROCESSED) this.#count(slot);
    return slot;
  }

  #accepted(batch: RecordBatch, record: number): void {
    const sequence = batch.sequence(record);
    if (sequence !== this.#head || this.isFull) {
      throw new Error(`payments are accepted in sequence: sequence=${sequence} head=${this.#head} size=${this.size}`);
    }
    const slot = this.slotOf(sequence);
    this.#states.accepted(slot, batch, record);
    this.#head++;
    if (!this.#isReplaying) this.#index.insert(slot);
  }

  #processed(batch: RecordBatch, record: number): void {
    const slot = this.#slotOfRecord(batch, record);
    this.#states.processed(slot, batch, record);
    this.#count(slot);
  }

  /** One whose processor is not configured is in no total: recovery refuses the ledger while there are any. */
  #count(slot: Slot): void {
    if (this.#rows.processor[slot]! < this.processorCount) this.#totals.add(slot);
  }

  /** Everything there is, or on recovery: everything but what a checkpoint has of later payments. */
  #purged(newTail: number): void {
    if (newTail < this.#head) {
      while (this.#tail < newTail) this.#dropTail();
      return;
    }
    this.#index.clear();
    this.#totals.clear();
    this.#states.allDropped(this.size > 0 ? Math.min(this.#head, this.#rows.capacity) : 0);
    this.#tail = this.#head;
  }

  /** Drops the payments before `newTail`, all of which have ended. */
  #evicted(newTail: number): void {
    while (this.#tail < newTail) {
      this.#rows.expectState(this.slotOf(this.#tail), State.PROCESSED, State.FAILED);
      this.#dropTail();
    }
  }

  #dropTail(): void {
    const slot = this.slotOf(this.#tail++);
    const isCounted = this.#rows.state[slot] === State.PROCESSED && this.#rows.processor[slot]! < this.processorCount;
    if (isCounted) this.#totals.remove(slot);
    if (!this.#isReplaying) this.#index.remove(slot);
    this.#states.dropped(slot);
  }

  #slotOfRecord(batch: RecordBatch, record: number): Slot {
    const sequence = batch.sequence(record);
    if (!this.isKept(sequence)) {
      throw new Error(`records speak of kept payments: sequence=${sequence} tail=${this.#tail} head=${this.#head}`);
    }
    return this.slotOf(sequence);
  }
}
