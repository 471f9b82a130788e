import { Aging, type AgingOptions } from "./ledger/aging.ts";
import { Ledger } from "./ledger/ledger.ts";
import { PaymentIds } from "./ledger/payment-ids.ts";
import { NOT_FOUND_SLOT } from "./ledger/uuid-index.ts";
import { BATCH_RECORDS, type RecordBatch } from "./log/record.ts";
import { RecordBatches } from "./log/record-batches.ts";
import * as Kind from "./log/record-kind.ts";
import { WatermarkBound } from "./log/watermark-bound.ts";
import { applyFoundCharge } from "./restored/found-charge.ts";
import { HeldPayments, type HoldOptions, type Inquiry } from "./restored/held-payments.ts";
import { settleHeldByHand } from "./restored/held-word.ts";
import type { FoundCharge } from "./restored/past-verdict.ts";
import { Backlog } from "./routing/backlog.ts";
import { Dispatch } from "./routing/dispatch.ts";
import { Doubts } from "./routing/doubts.ts";
import type { Flights } from "./routing/flights.ts";
import { LeastFee, type LeastFeeOptions } from "./routing/least-fee.ts";
import type { ProcessorGate } from "./routing/processor-gate.ts";
import type { Router } from "./routing/router.ts";
import type { Ways } from "./routing/ways.ts";
import { OpenDoubts } from "./settling/open-doubts.ts";
import { type HandResult, type HandWord, Settlement } from "./settling/settlement.ts";
import { settledUntilMs } from "./settling/watermark.ts";
import { ACCEPTED_NEW, type AcceptResult, CONFLICT, DUPLICATE, FULL } from "./values/accept-result.ts";
import type { Flight, OutcomeCode, Slot } from "./values/number-types.ts";
import * as Outcome from "./values/outcome.ts";
import { NO_PROCESSOR } from "./values/processor.ts";

export type EngineOptions = LeastFeeOptions &
  AgingOptions & {
    /** Number of the partition from 0, carried by its payment ids. */
    partition: number;
    /** Payments kept at most. */
    capacity: number;
    /** Makes the index unpredictable to outsiders; any 32-bit number. */
    seed: number;
  };

/**
 * The payment engine of a partition: accepts, decides what is sent where and when, and takes in what came of it. Pure:
 * the time comes in with every call, what to do comes out of `dispatch`. Every change is a record that `Ledger.apply`
 * carries out; the queue, the flights and the gates are working state that follows from the ledger.
 *
 * Time is in milliseconds since the epoch and never goes back: a call with an earlier time counts as the latest time
 * seen.
 */
export class Engine {
  readonly ledger: Ledger;
  readonly flights: Flights;
  /** By number, as are their names. */
  readonly gates: readonly ProcessorGate[];
  readonly processorNames: readonly string[];
  readonly openDoubts: OpenDoubts;
  /** Records applied and not yet written: their owner writes them out before the current batch is full. */
  readonly batches = new RecordBatches(BATCH_RECORDS);
  readonly #ids: PaymentIds;
  readonly #doubts: Doubts;
  readonly #aging: Aging;
  readonly #backlog: Backlog;
  readonly #dispatch: Dispatch;
  readonly #settlement: Settlement;
  readonly #watermarkBound = new WatermarkBound();
  #held: HeldPayments | undefined;
  #nowMs = 0;

  /** `router`: another policy than the product's, to be measured beside it. */
  constructor(ways: Ways, options: EngineOptions, router: Router = new LeastFee(ways, options)) {
    this.ledger = new Ledger(options.capacity, options.seed, ways.gates.length);
    this.flights = ways.flights;
    this.gates = ways.gates;
    this.processorNames = ways.gates.map(({ name }) => name);
    this.#ids = new PaymentIds(this.ledger, options.partition);
    this.openDoubts = new OpenDoubts(this.ledger, this.flights);
    this.#doubts = new Doubts(this.flights, this.gates);
    this.#aging = new Aging(this.ledger, options);
    this.#backlog = new Backlog(this.ledger);
    const { ledger, batches, flights, gates } = this;
    const working = { ledger, batches, flights, gates, doubts: this.#doubts, backlog: this.#backlog };
    this.#dispatch = new Dispatch({ ...working, router, aging: this.#aging, isHeld: (slot) => this.#isHeld(slot) });
    this.#settlement = new Settlement(working);
  }

  /** The batch that is being filled. */
  get batch(): RecordBatch {
    return this.batches.current;
  }

  /** Engine time: the latest time it was told. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Payments that must not be sent yet: only after a restored start. */
  get held(): HeldPayments | undefined {
    return this.#held;
  }

  /** Whether payments wait to be asked about again. */
  get hasDoubts(): boolean {
    return this.#doubts.areWaiting;
  }

  /**
   * Accepts the payment with the correlationId in words[at … at+3] and `cents` in 1 … MAX_AMOUNT_CENTS. Hot: no
   * allocation.
   */
  accept(words: Int32Array, at: number, cents: number, nowMs: number): AcceptResult {
    const atMs = this.#advance(nowMs);
    const known = this.ledger.find(words, at);
    if (known !== NOT_FOUND_SLOT) return this.ledger.rows.cents[known] === cents ? DUPLICATE : CONFLICT;
    if (this.ledger.isFull) return FULL;
    const sequence = this.ledger.head;
    this.ledger.apply(this.batch, this.batch.appendAccepted(sequence, atMs, words, at, cents));
    const slot = this.ledger.slotOf(sequence);
    if (this.#held?.watches(atMs)) this.#held.add(slot);
    else this.#backlog.push(slot);
    return ACCEPTED_NEW;
  }

  /**
   * The next request to make, as a flight whose state says which (POSTING or LOOKING_UP), or NO_FLIGHT. The caller
   * makes it at once and reports with `settle`. Hot for payments that are simply sent: no allocation.
   */
  dispatch(nowMs: number): Flight {
    this.#advance(nowMs);
    return this.#dispatch.next(this.#nowMs);
  }

  /**
   * A request about a doubt could not leave: it is asked about again later. (What was to be sent for the first time is
   * taken back with its record, see `revert`.)
   */
  unask(flight: Flight, nowMs: number): void {
    this.#advance(nowMs);
    this.#settlement.unask(flight, this.#nowMs);
  }

  /** What became of a flight. Returns the slot it was about, or NOT_FOUND_SLOT if its payment was purged meanwhile. */
  settle(flight: Flight, outcome: OutcomeCode, nowMs: number): Slot {
    this.#advance(nowMs);
    return this.#settlement.settle(flight, outcome, this.#nowMs);
  }

  /** See Settlement.byHand, and settleHeldByHand for payments that are held. */
  settleByHand(slot: Slot, word: HandWord, nowMs: number): HandResult {
    this.#advance(nowMs);
    if (!this.#isHeld(slot)) return this.#settlement.byHand(slot, word, this.#nowMs);
    const result = settleHeldByHand(this.ledger, this.batches, this.#held!, slot, word, this.#nowMs);
    if (result === "settled" && word === "not charged") this.#backlog.insert(slot);
    return result;
  }

  /**
   * To be called every few ten milliseconds: fails the payments that are too old. Calls back with each of their slots.
   */
  giveUpOld(nowMs: number, onFailed: (slot: Slot) => void): void {
    this.#advance(nowMs);
    const unwrittenFrom = this.batches.unwrittenFrom(this.ledger.head);
    this.#aging.giveUpOld(this.#nowMs, (slot) => {
      if (this.batch.isHalfFull) return false;
      // What would be taken back if its acceptance could not be written cannot be failed.
      if (this.#isHeld(slot) || this.ledger.sequenceOf(slot) >= unwrittenFrom) return true;
      this.#record(Kind.FAILED, slot, NO_PROCESSOR, Outcome.GAVE_UP, 0);
      onFailed(slot);
      return true;
    });
  }

  /** To be called every few ten milliseconds: drops what is beyond retention, a bounded number at a time. */
  evictOld(nowMs: number): void {
    this.#advance(nowMs);
    this.#aging.evictOld(this.batch, this.#nowMs);
  }

  /**
   * The oldest batch that is not written could not be, and so none after it: takes back what was accepted and sent by
   * them, newest first. What remains in them has happened at the processors and is still to be written.
   */
  revert(): void {
    this.batches.eachNewestFirst((batch) => this.#revertBatch(batch));
    this.#watermarkBound.revert(this.batches);
    this.batches.refused((batch, record) => {
      const kind = batch.kind(record);
      return kind !== Kind.WATERMARK && !Ledger.isRevertible(kind);
    });
    this.#held?.compact();
    this.#backlog.compact();
  }

  /** To be called before `resume` where later records may be lost: nothing unsettled is taken up until released. */
  hold(options: HoldOptions): void {
    this.#held = new HeldPayments(this.ledger, options);
  }

  /**
   * Takes up the work that a ledger rebuilt from the log implies: pending payments are queued in their order, and what
   * was being sent when the log ended is in doubt. `latestMs` is the latest time or watermark that the log has given
   * out.
   */
  resume(nowMs: number, latestMs = 0): void {
    this.#advance(nowMs);
    this.#watermarkBound.startAt(latestMs);
    this.#aging.startAt(this.#nowMs);
    this.#held?.startAt(this.#nowMs);
    this.#dispatch.resume(this.#nowMs, this.#held && ((slot) => this.#held!.add(slot)));
  }

  /**
   * A held payment is free to be sent, or to be asked about as any doubt. False while there is no room: it stays held.
   */
  release({ slot }: Inquiry, nowMs: number): boolean {
    this.#advance(nowMs);
    if (!this.#dispatch.hasRoomFor(slot)) return false;
    this.#held!.released(slot);
    this.#dispatch.takeUp(slot, this.#nowMs);
    return true;
  }

  /** A held payment was found charged. The batch must have room for two records. */
  settleHeld({ slot }: Inquiry, charge: FoundCharge, nowMs: number): void {
    this.#advance(nowMs);
    applyFoundCharge(this.ledger, this.batch, slot, charge, this.#nowMs);
    this.#held!.found(slot, charge);
  }

  /**
   * Another carries the log on from here: what is in flight is let go, and nothing becomes of its outcome here. What
   * was being sent is in doubt where the log is replayed.
   */
  letGo(): void {
    this.flights.orphanAll();
    this.#doubts.clear();
  }

  /** Forgets every payment. What is in flight is let go: its outcome no longer matters. No batch may be under way. */
  purge(nowMs: number): void {
    if (this.batches.underWayCount > 0) throw new Error("a purge waits for what is under way to the log: underWay");
    this.#advance(nowMs);
    this.ledger.apply(
      this.batch,
      this.batch.append(Kind.PURGED, this.ledger.head, this.#nowMs, NO_PROCESSOR, Outcome.NONE, 0),
    );
    this.#backlog.clear();
    this.#held?.clear();
    this.flights.orphanAll();
    this.#doubts.clear();
  }

  /** Earliest requestedAt still in flight or in doubt, or engine time if there is none: totals before it are final. */
  settledUntilMs(nowMs: number): number {
    this.#advance(nowMs);
    const untilMs = settledUntilMs(this.ledger, this.flights, this.batches, this.#nowMs);
    return Math.min(untilMs, this.#held?.settledUntilMs(this.#nowMs) ?? untilMs);
  }

  /**
   * The same as may be told to others, once what is in the batch is written; if that fails, no more than
   * `watermarkBoundMs`. Appends a record where the log does not say yet that so late a watermark was given out, unless
   * nothing can be written.
   */
  giveOutWatermark(nowMs: number, isWritable: boolean): number {
    return this.#watermarkBound.cover(this.settledUntilMs(nowMs), this.batches, isWritable);
  }

  /** The latest watermark that may be told while nothing can be written. */
  get watermarkBoundMs(): number {
    return this.#watermarkBound.boundMs;
  }

  /** Writes the payment id of `slot` into out[0 … 3]. */
  paymentId(slot: Slot, out: Int32Array): void {
    this.#ids.write(slot, out);
  }

  /** Slot of the payment with this correlationId or payment id, or NOT_FOUND_SLOT. O(1). */
  lookup(id: Int32Array): Slot {
    const slot = this.ledger.find(id);
    return slot === NOT_FOUND_SLOT ? this.#ids.find(id) : slot;
  }

  #isHeld(slot: Slot): boolean {
    return this.#held?.has(slot) === true;
  }

  #revertBatch(batch: RecordBatch): void {
    for (let record = batch.count - 1; record >= 0; record--) {
      const kind = batch.kind(record);
      if (!Ledger.isRevertible(kind)) continue;
      const slot = this.ledger.revert(batch, record);
      if (kind === Kind.SENDING) this.#dispatch.unsend(slot);
      else this.#held?.forget(slot);
    }
  }

  /**
   * Returns engine time: mostly the argument, an object already where calls are not inlined. One made of the field for
   * each call would be all the garbage that accept makes.
   */
  #advance(nowMs: number): number {
    if (nowMs < this.#nowMs) return this.#nowMs;
    this.#nowMs = nowMs;
    return nowMs;
  }

  #record(kind: number, slot: Slot, processor: number, outcome: OutcomeCode, elapsedMs: number): void {
    this.ledger.record(this.batch, kind, slot, this.#nowMs, processor, outcome, elapsedMs);
  }
}
