import { expect } from "chai";
import { Ledger } from "../../core/ledger/ledger.ts";
import { NOT_FOUND_SLOT } from "../../core/ledger/uuid-index.ts";
import { makeTotals } from "../../core/ledger/window-totals.ts";
import { RECORD_BYTES, RecordBatch } from "../../core/log/record.ts";
import * as Kind from "../../core/log/record-kind.ts";
import * as Outcome from "../../core/values/outcome.ts";
import { NO_PROCESSOR } from "../../core/values/processor.ts";
import * as Reason from "../../core/values/reason.ts";
import * as State from "../../core/values/state.ts";
import { NaiveTotals, NOON_MS } from "./payments.ts";
import type { Random } from "./random.ts";

type Details = { processor?: number; outcome?: number; elapsedMs?: number };

/** A ledger and the log of all that was applied to it; times are in milliseconds after noon. */
export class Book {
  readonly ledger: Ledger;
  readonly log: Uint8Array[] = [];
  readonly #batch = new RecordBatch(1);

  constructor(capacity: number, processorCount = 2) {
    this.ledger = new Ledger(capacity, 0x5eed, processorCount);
  }

  accept(sequence: number, id: Int32Array, cents: number, atMs: number): void {
    this.#batch.clear();
    this.#apply(this.#batch.appendAccepted(sequence, NOON_MS + atMs, id, 0, cents));
  }

  write(kind: number, sequence: number, atMs: number, details: Details = {}): void {
    const { processor = NO_PROCESSOR, outcome = Outcome.NONE, elapsedMs = 0 } = details;
    this.#batch.clear();
    this.#apply(this.#batch.append(kind, sequence, NOON_MS + atMs, processor, outcome, elapsedMs));
  }

  /** The log from the record `first` on, sealed. */
  batchFrom(first: number): RecordBatch {
    const batch = new RecordBatch(Math.max(1, this.log.length - first));
    this.log.slice(first).forEach((bytes, record) => {
      batch.bytes.set(bytes, record * RECORD_BYTES);
    });
    batch.refill(this.log.length - first);
    batch.seal(first);
    return batch;
  }

  /** Another ledger made of the log's bytes. */
  replayed(): Ledger {
    const ledger = new Ledger(this.ledger.rows.capacity, 0xfeed, this.ledger.processorCount);
    const batch = this.batchFrom(0);
    for (let record = 0; record < batch.count; record++) ledger.apply(batch, record);
    return ledger;
  }

  sum(fromMs = Number.NEGATIVE_INFINITY, toMs = Number.POSITIVE_INFINITY): number[] {
    return sumOf(this.ledger, fromMs, toMs);
  }

  #apply(record: number): void {
    this.ledger.apply(this.#batch, record);
    this.log.push(this.#batch.bytes.slice(0, RECORD_BYTES));
  }
}

/** Which records may follow in which state, and the state after them. Everything else is a broken invariant. */
export const FOLLOWING: Record<number, Record<number, number>> = {
  [State.PENDING]: { [Kind.SENDING]: State.SENDING, [Kind.FAILED]: State.FAILED, [Kind.SENT]: State.SENDING },
  [State.SENDING]: {
    [Kind.REFUSED]: State.PENDING,
    [Kind.DOUBTED]: State.IN_DOUBT,
    [Kind.PROCESSED]: State.PROCESSED,
    [Kind.FAILED]: State.FAILED,
    [Kind.SENT]: State.SENDING,
  },
  [State.IN_DOUBT]: {
    [Kind.DOUBTED]: State.IN_DOUBT,
    [Kind.PROCESSED]: State.PROCESSED,
    [Kind.FAILED]: State.FAILED,
    [Kind.SENT]: State.SENDING,
  },
  [State.PROCESSED]: {},
  [State.FAILED]: {},
};

export function sumOf(ledger: Ledger, fromMs: number, toMs: number): number[] {
  const out = makeTotals(ledger.processorCount);
  ledger.sum(fromMs, toMs, out);
  return [...out];
}

type Payment = {
  sequence: number;
  key: string;
  id: Int32Array;
  cents: number;
  acceptedAtMs: number;
  state: number;
  processor: number;
  reason: number;
  requestedAtMs: number;
  processedAtMs: number;
  attemptCount: number;
};

/** Random records that fit, and a list of payments as the naive ledger. */
export class RandomLife {
  readonly book: Book;
  /** Purges happen. */
  hasPurges = true;
  readonly #random: Random;
  #payments: Payment[] = [];
  #head = 0;
  #atMs = 0;

  constructor(random: Random) {
    this.#random = random;
    this.book = new Book(random.between(1, 300), random.pick([1, 2, 3, 16]));
  }

  /** In milliseconds since the epoch. */
  get nowMs(): number {
    return NOON_MS + this.#atMs;
  }

  /** The latest time of any payment kept. */
  get latestMs(): number {
    return (
      NOON_MS + Math.max(0, ...this.#payments.map((p) => Math.max(p.acceptedAtMs, p.requestedAtMs, p.processedAtMs)))
    );
  }

  step(): void {
    this.#atMs += this.#random.below(3);
    const open = this.#payments.filter((payment) => payment.state < State.PROCESSED);
    if (this.hasPurges && this.#random.chance(0.002)) this.#purge();
    else if (this.#random.chance(this.book.ledger.isFull ? 0.1 : 0.01)) this.#evict();
    else if (open.length === 0 || (this.#random.chance(0.3) && !this.book.ledger.isFull)) this.#accept();
    else this.#move(this.#random.pick(open));
  }

  expectSame(ledger: Ledger): void {
    const naive = new NaiveTotals(ledger.processorCount);
    expect([ledger.size, ledger.head, ledger.head - ledger.tail]).to.deep.equal([
      this.#payments.length,
      this.#head,
      this.#payments.length,
    ]);
    for (const payment of this.#payments) {
      const slot = ledger.find(payment.id);
      expect([slot, ledger.sequenceOf(slot)]).to.deep.equal([ledger.slotOf(payment.sequence), payment.sequence]);
      const { rows } = ledger;
      expect([rows.state[slot], rows.cents[slot], rows.acceptedAtMs[slot]]).to.deep.equal([
        payment.state,
        payment.cents,
        NOON_MS + payment.acceptedAtMs,
      ]);
      expect(rows.reason[slot]).to.equal(payment.reason);
      expect(rows.attemptCount[slot]).to.equal(Math.min(payment.attemptCount, 255));
      if (payment.state === State.PENDING || payment.state === State.FAILED) continue;
      expect(rows.processor[slot]).to.equal(payment.processor);
      if (payment.state === State.PROCESSED) expect(rows.processedAtMs(slot)).to.equal(NOON_MS + payment.processedAtMs);
      expect(rows.requestedAtMs(slot)).to.equal(NOON_MS + payment.requestedAtMs);
      if (payment.state === State.PROCESSED)
        naive.add(NOON_MS + payment.requestedAtMs, payment.cents, payment.processor);
    }
    for (const state of [State.FREE, State.PENDING, State.SENDING, State.IN_DOUBT, State.PROCESSED, State.FAILED]) {
      expect(ledger.countIn(state)).to.equal(this.#payments.filter((payment) => payment.state === state).length);
    }
    for (let i = 0; i < 5; i++) {
      const fromMs = NOON_MS + this.#random.between(-1, this.#atMs + 1);
      const toMs = NOON_MS + this.#random.between(-1, this.#atMs + 1);
      expect(sumOf(ledger, fromMs, toMs)).to.deep.equal(naive.sum(fromMs, toMs));
    }
  }

  #accept(): void {
    if (this.book.ledger.isFull) return;
    const id = this.#random.uuid();
    const cents = this.#random.between(1, 100_000_000);
    this.book.accept(this.#head, id, cents, this.#atMs);
    this.#payments.push({
      sequence: this.#head++,
      key: id.join(),
      id,
      cents,
      acceptedAtMs: this.#atMs,
      state: State.PENDING,
      processor: NO_PROCESSOR,
      reason: Reason.NONE,
      requestedAtMs: 0,
      processedAtMs: 0,
      attemptCount: 0,
    });
  }

  #move(payment: Payment): void {
    const [kind, state] = this.#random.pick(Object.entries(FOLLOWING[payment.state]!));
    let atMs = this.#atMs;
    if (Number(kind) === Kind.SENDING || Number(kind) === Kind.SENT) {
      if (Number(kind) === Kind.SENT) atMs = Math.max(0, atMs - this.#random.below(50));
      payment.processor = this.#random.below(this.book.ledger.processorCount);
      payment.reason = Number(kind) === Kind.SENDING ? this.#random.below(Reason.NAMES.length) : Reason.NONE;
      payment.requestedAtMs = atMs;
      payment.acceptedAtMs = Math.min(payment.acceptedAtMs, atMs);
      payment.attemptCount++;
    }
    if (state === State.PROCESSED) payment.processedAtMs = this.#atMs;
    if (state === State.PENDING) payment.reason = Reason.NONE;
    payment.state = state;
    const outcome = Number(kind) === Kind.SENDING ? payment.reason : Outcome.CHARGED;
    this.book.write(Number(kind), payment.sequence, atMs, { processor: payment.processor, outcome });
  }

  /** Some of the oldest that have ended. */
  #evict(): void {
    const ended = this.#payments.findIndex((payment) => payment.state < State.PROCESSED);
    const count = this.#random.below((ended < 0 ? this.#payments.length : ended) + 1);
    const gone = this.#payments.splice(0, count);
    if (count > 0) this.book.write(Kind.EVICTED, gone.at(-1)!.sequence + 1, this.#atMs);
    for (const payment of gone) expect(this.book.ledger.find(payment.id)).to.equal(NOT_FOUND_SLOT);
  }

  #purge(): void {
    this.book.write(Kind.PURGED, this.#head, this.#atMs);
    for (const payment of this.#payments) expect(this.book.ledger.find(payment.id)).to.equal(NOT_FOUND_SLOT);
    this.#payments = [];
  }
}
