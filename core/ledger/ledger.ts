import { mayStillLand } from "../answers/verdict.ts";
import {
  ACCEPTED,
  DOUBTED,
  EVICTED,
  FAILED_AT,
  PROCESSED_AT,
  PURGED,
  REFUSED,
  type RecordBatch,
  SENDING_TO,
  SENT,
} from "../log/record.ts";
import {
  FAILED,
  FREE,
  IN_DOUBT,
  NO_PROCESSOR,
  NOT_CHARGED,
  PENDING,
  PROCESSED,
  REJECTED,
  SENDING,
  SETTLED_BY_HAND,
  STATE_NAMES,
} from "../values/payment.ts";
import { UUID_WORDS } from "../values/uuid.ts";
import { AttemptTrail, type TrailEntry } from "./attempt-trail.ts";
import { PaymentRows } from "./payment-rows.ts";
import { NOT_FOUND_SLOT, UuidIndex } from "./uuid-index.ts";
import { WindowTotals } from "./window-totals.ts";

/** With MAX_AMOUNT_CENTS (money.ts) it keeps every sum below 2^53: 2^26 × 10^8 < 9.007 × 10^15. */
export const MAX_CAPACITY = 2 ** 26;

/** Attempts shown of one payment. */
export const MAX_TRAIL = 32;
/** Entries of the attempt trail over all payments (1 MiB), unless there are so few that each has room for what is shown. */
const TRAIL_ENTRIES = 65_536;

/**
 * All payments of an instance. Payments are numbered by a sequence; the row (slot) of a payment is sequence mod capacity, so
 * the ledger is a ring over the sequence:
 *
 *            tail                     head
 *   … gone │ kept │ kept │ … │ kept │ next …      sequence →       head − tail ≤ capacity
 *
 * `apply` is the only way anything changes here: the ledger is what the records applied in order make of it.
 */
export class Ledger {
  readonly rows: PaymentRows;
  readonly #index: UuidIndex;
  readonly #totals: WindowTotals;
  readonly #trail: AttemptTrail;
  readonly #stateCounts = new Float64Array(STATE_NAMES.length);
  #isReplaying = false;
  /** Sequence up to which the end of a replay has indexed. */
  #indexedTo = 0;
  #tail = 0;
  #head = 0;

  /** `capacity` in payments, 1 … MAX_CAPACITY. `seed` makes the index unpredictable to outsiders. */
  constructor(capacity: number, seed: number) {
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > MAX_CAPACITY) {
      throw new RangeError(`capacity is 1 to ${MAX_CAPACITY} payments: capacity=${capacity}`);
    }
    this.rows = new PaymentRows(capacity);
    this.#index = new UuidIndex(this.rows.correlationIds, seed);
    this.#totals = new WindowTotals(this.rows);
    this.#trail = new AttemptTrail(Math.min(TRAIL_ENTRIES, capacity * MAX_TRAIL));
  }

  /** Payments kept. */
  get size(): number {
    return this.#head - this.#tail;
  }

  get isFull(): boolean {
    return this.size === this.rows.capacity;
  }

  /** Sequence of the oldest payment kept. */
  get tail(): number {
    return this.#tail;
  }

  /** Sequence the next payment will get. */
  get head(): number {
    return this.#head;
  }

  /** Bytes per payment at full capacity, every way of finding it included. */
  get bytesPerPayment(): number {
    return (this.rows.byteLength + this.#index.byteLength + this.#totals.usedBytes) / this.rows.capacity;
  }

  countIn(state: number): number {
    return this.#stateCounts[state]!;
  }

  slotOf(sequence: number): number {
    return sequence % this.rows.capacity;
  }

  /** Inverse of slotOf for a kept payment. */
  sequenceOf(slot: number): number {
    const lap = this.#tail - (this.#tail % this.rows.capacity);
    const sequence = lap + slot;
    return sequence < this.#tail ? sequence + this.rows.capacity : sequence;
  }

  isKept(sequence: number): boolean {
    return sequence >= this.#tail && sequence < this.#head;
  }

  /** Slot of a correlationId in words[at … at+3], or NOT_FOUND_SLOT. Hot: no allocation. */
  find(words: Int32Array, at = 0): number {
    return this.#index.find(words, at);
  }

  /** See WindowTotals.sum. */
  sum(fromMs: number, toMs: number, out: Float64Array): void {
    this.#totals.sum(fromMs, toMs, out);
  }

  /** Attempts that did not simply succeed, oldest first, the newest MAX_TRAIL of them. */
  trail(slot: number): TrailEntry[] {
    return this.#trail.read(this.rows.lastTrailEntry[slot]!, MAX_TRAIL);
  }

  /** Applies one record. Throws when it does not fit: memory and log no longer agree, and going on would lose money. */
  apply(batch: RecordBatch, record: number): void {
    const kind = batch.kind(record);
    if (kind === ACCEPTED) this.#accepted(batch, record);
    else if (kind === SENDING_TO) this.#sending(batch, record);
    else if (kind === REFUSED) this.#ended(batch, record, PENDING);
    else if (kind === DOUBTED) this.#ended(batch, record, IN_DOUBT);
    else if (kind === PROCESSED_AT) this.#processed(batch, record);
    else if (kind === FAILED_AT) this.#ended(batch, record, FAILED);
    else if (kind === PURGED) this.#purged(batch.sequence(record));
    else if (kind === EVICTED) this.#evicted(batch.sequence(record));
    else if (kind === SENT) this.#sent(batch, record);
    else throw new Error(`a record is of a known kind: kind=${kind}`);
  }

  /** Appends a record about the payment in `slot` to the batch and applies it. */
  record(
    batch: RecordBatch,
    kind: number,
    slot: number,
    atMs: number,
    processor: number,
    outcome: number,
    elapsedMs: number,
  ): void {
    this.apply(batch, batch.append(kind, this.sequenceOf(slot), atMs, processor, outcome, elapsedMs));
  }

  /** Whether `revert` can take the record back: the others report what has happened and stay true. */
  static isRevertible(kind: number): boolean {
    return kind === ACCEPTED || kind === SENDING_TO;
  }

  /**
   * Takes back a record that did not reach the log: ACCEPTED or SENDING, the newest first. Returns the slot.
   * The payment is then as if it had never been accepted, or pending as before.
   */
  revert(batch: RecordBatch, record: number): number {
    const slot = this.#slotOfRecord(batch, record);
    if (batch.kind(record) === SENDING_TO) {
      this.rows.expectState(slot, SENDING, SENDING);
      this.rows.processor[slot] = NO_PROCESSOR;
      this.rows.attemptCount[slot]!--;
      this.#setState(slot, PENDING);
      return slot;
    }
    if (batch.sequence(record) !== this.#head - 1)
      throw new Error(`records are reverted newest first: head=${this.#head}`);
    this.rows.expectState(slot, PENDING, PENDING);
    this.#setState(slot, FREE);
    this.#stateCounts[FREE]!--;
    this.#index.remove(slot);
    this.#head--;
    return slot;
  }

  /**
   * From here to `finishReplay` records are applied and rows restored, but nothing is looked up. The index is left alone meanwhile and
   * built at once at the end: most of the time of a replay is waiting for its memory, and in a loop of nothing else the waits overlap.
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
  startAt(sequence: number): void {
    if (this.#head !== 0) throw new Error(`only an empty ledger is started elsewhere: head=${this.#head}`);
    this.#tail = sequence;
    this.#head = sequence;
  }

  /** Puts a row of a checkpoint back, as the next payment in sequence. Returns its slot, or NOT_FOUND_SLOT when the ledger is full. */
  restore(batch: RecordBatch, record: number): number {
    if (this.isFull) return NOT_FOUND_SLOT;
    const slot = this.slotOf(this.#head++);
    batch.restoreRow(record, this.rows, slot);
    if (!this.#isReplaying) this.#index.insert(slot);
    this.#stateCounts[this.rows.state[slot]!]!++;
    if (this.rows.state[slot] === PROCESSED) this.#totals.add(slot);
    return slot;
  }

  #accepted(batch: RecordBatch, record: number): void {
    const sequence = batch.sequence(record);
    if (sequence !== this.#head || this.isFull) {
      throw new Error(`payments are accepted in sequence: sequence=${sequence} head=${this.#head} size=${this.size}`);
    }
    const slot = this.slotOf(sequence);
    batch.copyId(record, this.rows.correlationIds, slot * UUID_WORDS);
    this.rows.open(slot, batch.atMs(record), batch.cents(record), FREE);
    this.#head++;
    if (!this.#isReplaying) this.#index.insert(slot);
    this.#stateCounts[FREE]!++;
    this.#setState(slot, PENDING);
  }

  #sending(batch: RecordBatch, record: number): void {
    const slot = this.#slotOfRecord(batch, record);
    this.rows.expectState(slot, PENDING, PENDING);
    this.rows.processor[slot] = batch.processor(record);
    this.rows.mayLand[slot] = 0;
    // A payment accepted in a time that was set back since (CLOCK) is never requested before it was accepted.
    this.rows.setRequestedAtMs(slot, Math.max(batch.atMs(record), this.rows.acceptedAtMs[slot]!));
    this.#setState(slot, SENDING);
  }

  #sent(batch: RecordBatch, record: number): void {
    const slot = this.#slotOfRecord(batch, record);
    if (this.rows.state[slot] !== SENDING) this.rows.expectState(slot, PENDING, IN_DOUBT);
    this.rows.processor[slot] = batch.processor(record);
    this.rows.setSentAtMs(slot, batch.atMs(record));
    this.#setState(slot, SENDING);
  }

  /** An attempt ended without a charge for certain. A payment that fails while pending had no attempt to end. */
  #ended(batch: RecordBatch, record: number, state: number): void {
    const slot = this.#slotOfRecord(batch, record);
    const { rows } = this;
    const outcome = batch.outcome(record);
    if (rows.state[slot] === PENDING && state === FAILED) {
      rows.outcome[slot] = outcome;
    } else {
      if (outcome === NOT_CHARGED && rows.mayLand[slot] === 1)
        throw new Error(`what may still land is not proven uncharged: slot=${slot}`);
      rows.expectState(slot, SENDING, state === PENDING && !endsDoubt(outcome) ? SENDING : IN_DOUBT);
      this.#trace(slot, batch, record);
    }
    if (state === PENDING) {
      rows.processor[slot] = NO_PROCESSOR;
      rows.rejectionCount[slot] = outcome === REJECTED ? Math.min(rows.rejectionCount[slot]! + 1, 0xff) : 0;
    }
    if (state === IN_DOUBT && mayStillLand(outcome)) rows.mayLand[slot] = 1;
    this.#setState(slot, state);
  }

  #processed(batch: RecordBatch, record: number): void {
    const slot = this.#slotOfRecord(batch, record);
    this.rows.expectState(slot, SENDING, IN_DOUBT);
    // The attempt that succeeds at first asking stands in the row; one that settles a doubt is another than the row's.
    if (this.rows.state[slot] === SENDING) this.rows.outcome[slot] = batch.outcome(record);
    else this.#trace(slot, batch, record);
    this.rows.setProcessedAtMs(slot, batch.atMs(record));
    this.#setState(slot, PROCESSED);
    this.#totals.add(slot);
  }

  /** Everything there is, or on recovery: everything but what a checkpoint has of later payments. */
  #purged(newTail: number): void {
    if (newTail < this.#head) {
      while (this.#tail < newTail) this.#dropTail();
      return;
    }
    this.#index.clear();
    this.#totals.clear();
    if (this.size > 0) this.rows.clear(0, Math.min(this.#head, this.rows.capacity));
    this.#stateCounts.fill(0);
    this.#tail = this.#head;
  }

  /** Drops the payments before `newTail`, all of which have ended. */
  #evicted(newTail: number): void {
    while (this.#tail < newTail) {
      this.rows.expectState(this.slotOf(this.#tail), PROCESSED, FAILED);
      this.#dropTail();
    }
  }

  #dropTail(): void {
    const slot = this.slotOf(this.#tail++);
    if (this.rows.state[slot] === PROCESSED) this.#totals.remove(slot);
    if (!this.#isReplaying) this.#index.remove(slot);
    this.#setState(slot, FREE);
    this.#stateCounts[FREE]!--;
  }

  #trace(slot: number, batch: RecordBatch, record: number): void {
    const rows = this.rows;
    const elapsedMs = batch.elapsedMs(record);
    const beganAfterMs = Math.max(0, batch.atMs(record) - elapsedMs - rows.acceptedAtMs[slot]!);
    const outcome = batch.outcome(record);
    rows.outcome[slot] = outcome;
    rows.lastTrailEntry[slot] = this.#trail.push(
      rows.lastTrailEntry[slot]!,
      beganAfterMs,
      elapsedMs,
      rows.processor[slot]!,
      outcome,
    );
  }

  #slotOfRecord(batch: RecordBatch, record: number): number {
    const sequence = batch.sequence(record);
    if (!this.isKept(sequence)) {
      throw new Error(`records speak of kept payments: sequence=${sequence} tail=${this.#tail} head=${this.#head}`);
    }
    return this.slotOf(sequence);
  }

  #setState(slot: number, state: number): void {
    this.#stateCounts[this.rows.state[slot]!]!--;
    this.#stateCounts[state]!++;
    this.rows.state[slot] = state;
  }
}

/** Whether an outcome frees a payment in doubt from its processor. */
function endsDoubt(outcome: number): boolean {
  return outcome === NOT_CHARGED || outcome === SETTLED_BY_HAND;
}
