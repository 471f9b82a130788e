import { Aging, type AgingOptions } from "./ledger/aging.ts";
import { Ledger } from "./ledger/ledger.ts";
import { NOT_FOUND_SLOT } from "./ledger/uuid-index.ts";
import { BATCH_RECORDS, DOUBTED, EVICTED, FAILED_AT, PURGED, RecordBatch, SENDING_TO } from "./log/record.ts";
import { WatermarkBound } from "./log/watermark-bound.ts";
import { applyFoundCharge } from "./restored/found-charge.ts";
import { HeldPayments, type HoldOptions, type Inquiry } from "./restored/held-payments.ts";
import type { FoundCharge } from "./restored/past-verdict.ts";
import { Backlog } from "./routing/backlog.ts";
import { Doubts } from "./routing/doubts.ts";
import { FLIGHT_FREE, Flights, NO_FLIGHT, POSTING } from "./routing/flights.ts";
import type { HealthSnapshot } from "./routing/health-snapshot.ts";
import { NOWHERE, Router, type RouterOptions } from "./routing/router.ts";
import { type HandResult, type HandWord, Settlement } from "./settling/settlement.ts";
import { settledUntilMs } from "./settling/watermark.ts";
import { GAVE_UP, IN_DOUBT, LOST, NO_OUTCOME, NO_PROCESSOR, PENDING, SENDING } from "./values/payment.ts";
import { encodePaymentId, instanceOfPaymentId, sequenceOfPaymentId } from "./values/payment-id.ts";
import { UUID_WORDS } from "./values/uuid.ts";

export const ACCEPTED_NEW = 0;
/** Same correlationId, same amount: nothing changes. */
export const DUPLICATE = 1;
/** Same correlationId, another amount: nothing changes. */
export const CONFLICT = 2;
/** No room: nothing changes. */
export const FULL = 3;
export type AcceptResult = typeof ACCEPTED_NEW | typeof DUPLICATE | typeof CONFLICT | typeof FULL;

/** In flight or in doubt at one processor, at most, unless told otherwise. */
const FLIGHT_QUOTA = 4096;
/** A doubt this old is shown to operators like one that asking does not settle. */
const OLD_DOUBT_MS = 300_000;

export type EngineOptions = RouterOptions &
  AgingOptions & {
    /** Number of this instance from 0, carried by its payment ids. */
    instance: number;
    /** Payments kept at most. */
    capacity: number;
    /** Payments in flight or in doubt at one processor, at most. */
    flightQuota?: number;
    /** Makes the index unpredictable to outsiders; any 32-bit number. */
    seed: number;
  };

/**
 * The payment engine of an instance: accepts, decides what is sent where and when, and takes in what came of it. Pure: the
 * time comes in with every call, what to do comes out of `dispatch`. Every change is a record that `Ledger.apply` carries out;
 * the queue, the flights and the gates are working state that follows from the ledger.
 *
 * Time is in milliseconds since the epoch and never goes back: a call with an earlier time counts as the latest time seen.
 */
export class Engine {
  readonly ledger: Ledger;
  readonly flights: Flights;
  readonly router: Router;
  /** Records applied and not yet written: its owner writes them out, then clears it, before it is full. */
  readonly batch = new RecordBatch(BATCH_RECORDS);
  readonly #instance: number;
  readonly #doubts: Doubts;
  readonly #aging: Aging;
  readonly #backlog: Backlog;
  readonly #settlement: Settlement;
  readonly #watermarkBound = new WatermarkBound();
  readonly #id = new Int32Array(UUID_WORDS);
  #held: HeldPayments | undefined;
  #nowMs = 0;

  constructor(health: HealthSnapshot, options: EngineOptions) {
    this.flights = new Flights(options.flightQuota ?? FLIGHT_QUOTA);
    this.ledger = new Ledger(options.capacity, options.seed);
    this.router = new Router(health, this.flights, options);
    this.#instance = options.instance;
    this.#doubts = new Doubts(this.flights, this.router);
    this.#aging = new Aging(this.ledger, options);
    this.#backlog = new Backlog(this.ledger);
    this.#settlement = new Settlement(this.ledger, this.batch, this.flights, this.router, this.#doubts, this.#backlog);
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

  /** Accepts the payment with the correlationId in words[at … at+3] and `cents` in 1 … MAX_AMOUNT_CENTS. Hot: no allocation. */
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
   * The next request to make, as a flight whose state says which (POSTING or LOOKING_UP), or NO_FLIGHT. The caller makes it
   * at once and reports with `settle`. Hot for payments that are simply sent: no allocation.
   */
  dispatch(nowMs: number): number {
    this.#advance(nowMs);
    const doubt = this.#doubts.ask(this.#nowMs, !this.#backlog.isEmpty);
    return doubt === NO_FLIGHT ? this.#sendNextPending() : doubt;
  }

  /**
   * A request about a doubt could not leave: it is asked about again later. (What was to be sent for the first time is taken back with its
   * record, see `revert`.)
   */
  unask(flight: number, nowMs: number): void {
    this.#advance(nowMs);
    this.#settlement.unask(flight, this.#nowMs);
  }

  /** What became of a flight. Returns the slot it was about, or NOT_FOUND_SLOT if its payment was purged meanwhile. */
  settle(flight: number, outcome: number, nowMs: number): number {
    this.#advance(nowMs);
    return this.#settlement.settle(flight, outcome, this.#nowMs);
  }

  /** See Settlement.byHand. */
  settleByHand(slot: number, word: HandWord, nowMs: number): HandResult {
    this.#advance(nowMs);
    return this.#settlement.byHand(slot, word, this.#nowMs);
  }

  /** To be called every few ten milliseconds: fails the payments that are too old. Calls back with each of their slots. */
  giveUpOld(nowMs: number, onFailed: (slot: number) => void): void {
    this.#advance(nowMs);
    this.#aging.giveUpOld(this.#nowMs, (slot) => {
      if (this.batch.isHalfFull) return false;
      if (this.#held?.has(slot)) return true;
      this.#record(FAILED_AT, slot, NO_PROCESSOR, GAVE_UP, 0);
      onFailed(slot);
      return true;
    });
  }

  /** To be called every few ten milliseconds: drops what is beyond retention, a bounded number at a time. */
  evictOld(nowMs: number): void {
    this.#advance(nowMs);
    const sequence = this.#aging.evictionEnd(this.#nowMs);
    if (sequence === this.ledger.tail) return;
    this.ledger.apply(this.batch, this.batch.append(EVICTED, sequence, this.#nowMs, NO_PROCESSOR, NO_OUTCOME, 0));
  }

  /**
   * The batch could not be written: takes back what was accepted and sent by it, newest first. What remains in the batch has
   * happened at the processors and is still to be written.
   */
  revert(): void {
    for (let record = this.batch.count - 1; record >= 0; record--) {
      const kind = this.batch.kind(record);
      if (!Ledger.isRevertible(kind)) continue;
      const slot = this.ledger.revert(this.batch, record);
      if (kind === SENDING_TO) this.#unsend(slot);
      else this.#held?.forget(slot);
    }
    this.batch.retain((record) => !Ledger.isRevertible(this.batch.kind(record)));
    this.#watermarkBound.revert(this.batch);
    this.#held?.compact();
    this.#backlog.compact();
  }

  /** To be called before `resume` where records after the end of the log may be lost: nothing unsettled is taken up until it is released. */
  hold(options: HoldOptions): void {
    this.#held = new HeldPayments(this.ledger, options);
  }

  /**
   * Takes up the work that a ledger rebuilt from the log implies: pending payments are queued in their order, and what was being
   * sent when the log ended is in doubt. `latestMs` is the latest time or watermark that the log has given out.
   */
  resume(nowMs: number, latestMs = 0): void {
    this.#advance(nowMs);
    this.#watermarkBound.startAt(latestMs);
    this.#aging.startAt(this.#nowMs);
    const { rows } = this.ledger;
    for (let sequence = this.ledger.tail; sequence < this.ledger.head; sequence++) {
      const slot = this.ledger.slotOf(sequence);
      const state = rows.state[slot]!;
      if (state === SENDING) this.#record(DOUBTED, slot, rows.processor[slot]!, LOST, 0);
      if (state > IN_DOUBT) continue;
      if (this.#held) this.#held.add(slot);
      else this.#takeUp(slot);
    }
  }

  /** A held payment is free to be sent, or to be asked about as any doubt. False while there is no room: it stays held. */
  release({ slot }: Inquiry, nowMs: number): boolean {
    this.#advance(nowMs);
    const { rows } = this.ledger;
    if (rows.state[slot] === IN_DOUBT && !this.flights.hasRoom(rows.processor[slot]!)) return false;
    this.#held!.released(slot);
    this.#takeUp(slot);
    return true;
  }

  /** A held payment was found charged. The batch must have room for two records. */
  settleHeld({ slot }: Inquiry, charge: FoundCharge, nowMs: number): void {
    this.#advance(nowMs);
    applyFoundCharge(this.ledger, this.batch, slot, charge, this.#nowMs);
    this.#held!.found(slot, charge);
  }

  /** Forgets every payment. What is in flight is let go: its outcome no longer matters. */
  purge(nowMs: number): void {
    this.#advance(nowMs);
    this.ledger.apply(
      this.batch,
      this.batch.append(PURGED, this.ledger.head, this.#nowMs, NO_PROCESSOR, NO_OUTCOME, 0),
    );
    this.#backlog.clear();
    this.#held?.clear();
    this.flights.orphanAll();
    this.#doubts.clear();
  }

  /** Calls back with the flight of each payment in doubt, asked about just now or waiting. */
  eachDoubt(onDoubt: (flight: number) => void): void {
    const { flights, ledger } = this;
    for (let flight = 0; flight < flights.highWater; flight++) {
      if (flights.state[flight] === FLIGHT_FREE || flights.isOrphan(flight)) continue;
      if (ledger.rows.state[flights.slot[flight]!] === IN_DOUBT) onDoubt(flight);
    }
  }

  /** Whether a payment in doubt needs an operator: the processor has answered many times in vain, or has long been gone. */
  isStuck(flight: number, nowMs: number): boolean {
    const sinceMs = this.ledger.rows.requestedAtMs(this.flights.slot[flight]!);
    return this.flights.isStuck(flight) || nowMs - sinceMs > OLD_DOUBT_MS;
  }

  /** Earliest requestedAt still in flight or in doubt, or engine time if there is none: totals before it are final. */
  settledUntilMs(nowMs: number): number {
    this.#advance(nowMs);
    const untilMs = settledUntilMs(this.ledger, this.flights, this.batch, this.#nowMs);
    return Math.min(untilMs, this.#held?.settledUntilMs(this.#nowMs) ?? untilMs);
  }

  /**
   * The same as may be told to others, once what is in the batch is written; if that fails, no more than `watermarkBoundMs`. Appends a
   * record where the log does not say yet that so late a watermark was given out, unless nothing can be written.
   */
  giveOutWatermark(nowMs: number, isWritable: boolean): number {
    return this.#watermarkBound.cover(this.settledUntilMs(nowMs), this.batch, isWritable);
  }

  /** The latest watermark that may be told while nothing can be written. */
  get watermarkBoundMs(): number {
    return this.#watermarkBound.boundMs;
  }

  /** Writes the payment id of `slot` into out[0 … 3]. */
  paymentId(slot: number, out: Int32Array): void {
    const { rows } = this.ledger;
    const sequence = this.ledger.sequenceOf(slot);
    const at = slot * UUID_WORDS;
    encodePaymentId(out, rows.acceptedAtMs[slot]!, sequence, this.#instance, rows.correlationIds, at);
  }

  /** Slot of the payment with this correlationId or payment id, or NOT_FOUND_SLOT. O(1). */
  lookup(id: Int32Array): number {
    const slot = this.ledger.find(id);
    if (slot !== NOT_FOUND_SLOT || instanceOfPaymentId(id) !== this.#instance) return slot;
    const sequence = sequenceOfPaymentId(id);
    if (!this.ledger.isKept(sequence)) return NOT_FOUND_SLOT;
    const carried = this.ledger.slotOf(sequence);
    this.paymentId(carried, this.#id);
    return this.#id.every((word, i) => word === id[i]) ? carried : NOT_FOUND_SLOT;
  }

  #unsend(slot: number): void {
    for (let flight = 0; flight < this.flights.highWater; flight++) {
      if (this.flights.state[flight] !== POSTING || this.flights.slot[flight] !== slot) continue;
      this.router.gates[this.flights.processor[flight]!]!.postDropped(this.flights.probe[flight]!);
      this.flights.close(flight);
    }
    this.#backlog.pushFirst(slot);
  }

  /** A payment that is pending, or in doubt since another life. */
  #takeUp(slot: number): void {
    const { rows } = this.ledger;
    if (rows.state[slot] === PENDING) {
      this.#backlog.push(slot);
      return;
    }
    const flight = this.flights.open(slot, rows.processor[slot]!, this.#nowMs);
    this.#doubts.defer(flight, LOST, rows.mayLand[slot] === 1, this.#nowMs);
  }

  /**
   * Returns engine time. Mostly that is the argument itself, which is an object already where calls are not inlined; a number read from
   * the field would be made one for each call, which would be all the garbage that accept makes.
   */
  #advance(nowMs: number): number {
    if (nowMs < this.#nowMs) return this.#nowMs;
    this.#nowMs = nowMs;
    return nowMs;
  }

  #sendNextPending(): number {
    const slot = this.#backlog.peek(this.#nowMs, this.#isTooOld);
    if (slot === NOT_FOUND_SLOT) return NO_FLIGHT;
    const isTried = this.ledger.rows.attemptCount[slot]! > 0;
    const processor = this.router.choose(this.#aging.ageMs(slot, this.#nowMs), isTried, this.#nowMs);
    if (processor === NOWHERE) return NO_FLIGHT;
    this.#backlog.shift();
    this.#record(SENDING_TO, slot, processor, NO_OUTCOME, 0);
    const probe = this.router.gates[processor]!.began(true, this.#nowMs);
    return this.flights.open(slot, processor, this.#nowMs, probe);
  }

  /** One that is too old for another attempt is failed by `giveUpOld`. */
  readonly #isTooOld = (slot: number): boolean => this.#aging.isTooOld(slot, this.#nowMs);

  #record(kind: number, slot: number, processor: number, outcome: number, elapsedMs: number): void {
    this.ledger.record(this.batch, kind, slot, this.#nowMs, processor, outcome, elapsedMs);
  }
}
