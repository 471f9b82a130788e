import { DOUBT, FLIGHT_FREE, Flights, LOOKING_UP, NO_FLIGHT, ORPHAN, POSTING } from "./flights.ts";
import type { HealthSnapshot } from "./health-snapshot.ts";
import { Ledger } from "./ledger.ts";
import {
  ALREADY_CHARGED,
  FAILED,
  FOREIGN,
  GAVE_UP,
  IN_DOUBT,
  isCharged,
  isRefused,
  LOST,
  NO_OUTCOME,
  NO_PROCESSOR,
  PENDING,
  PROCESSED,
  REJECTED,
  RESET,
  SENDING,
} from "./payment.ts";
import { encodePaymentId, instanceOfPaymentId, sequenceOfPaymentId } from "./payment-id.ts";
import { PendingQueue } from "./pending-queue.ts";
import { OPEN, SATURATED } from "./processor-gate.ts";
import {
  BATCH_RECORDS,
  DOUBTED,
  EVICTED,
  FAILED_AT,
  PROCESSED_AT,
  PURGED,
  REFUSED,
  RecordBatch,
  SENDING_TO,
} from "./record.ts";
import { NOWHERE, Router, type RouterOptions } from "./router.ts";
import { UUID_WORDS } from "./uuid.ts";
import { NOT_FOUND_SLOT } from "./uuid-index.ts";

export const ACCEPTED_NEW = 0;
/** Same correlationId, same amount: nothing changes. */
export const DUPLICATE = 1;
/** Same correlationId, another amount: nothing changes. */
export const CONFLICT = 2;
/** No room: nothing changes. */
export const FULL = 3;
export type AcceptResult = typeof ACCEPTED_NEW | typeof DUPLICATE | typeof CONFLICT | typeof FULL;

/** In flight or in doubt at one processor, at most. */
const FLIGHT_QUOTA = 4096;
/** A payment rejected (400) this late in its life will not be taken at all. */
const ATTEMPTS_BEFORE_REJECTION_COUNTS = 8;
const DOUBT_INTERVAL_MS_MIN = 100;
const DOUBT_INTERVAL_MS_MAX = 2000;
const LOOKUPS_MAX = 16;
/** Payments dropped by one call of `evictOld`: some hundred microseconds. */
const EVICTIONS_MAX = 512;

export type EngineOptions = RouterOptions & {
  /** Number of this instance from 0, carried by its payment ids. */
  instance: number;
  /** Payments kept at most. */
  capacity: number;
  /** Makes the index unpredictable to outsiders; any 32-bit number. */
  seed: number;
  /** A payment pending this long after acceptance is failed. Payments in doubt never are. */
  giveUpAfterMs: number;
  /** Ended payments beyond this many payments kept are dropped, oldest first; 0 keeps them until the ledger is full. */
  retainCount?: number;
  /** Ended payments accepted longer ago than this are dropped, oldest first; 0 keeps them. */
  retainMs?: number;
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
  readonly flights = new Flights(FLIGHT_QUOTA);
  readonly router: Router;
  /** Records applied and not yet written: its owner writes them out, then clears it, before it is full. */
  readonly batch = new RecordBatch(BATCH_RECORDS);
  readonly #instance: number;
  readonly #giveUpAfterMs: number;
  readonly #retainCount: number;
  readonly #retainMs: number;
  readonly #pending: PendingQueue;
  readonly #id = new Int32Array(UUID_WORDS);
  #nowMs = 0;
  #nextDueAtMs = Number.POSITIVE_INFINITY;
  /** Every payment before this sequence has ended or is in flight or in doubt, or is younger than the give-up age. */
  #giveUpCursor = 0;

  constructor(health: HealthSnapshot, options: EngineOptions) {
    this.ledger = new Ledger(options.capacity, options.seed);
    this.router = new Router(health, this.flights, options);
    this.#instance = options.instance;
    this.#giveUpAfterMs = options.giveUpAfterMs;
    this.#retainCount = options.retainCount || Number.POSITIVE_INFINITY;
    this.#retainMs = options.retainMs || Number.POSITIVE_INFINITY;
    this.#pending = new PendingQueue(options.capacity);
  }

  /** Engine time: the latest time it was told. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Whether payments wait to be asked about again. */
  get hasDoubts(): boolean {
    return this.#nextDueAtMs < Number.POSITIVE_INFINITY;
  }

  /** Accepts the payment with the correlationId in words[at … at+3] and `cents` in 1 … MAX_AMOUNT_CENTS. Hot: no allocation. */
  accept(words: Int32Array, at: number, cents: number, nowMs: number): AcceptResult {
    this.#advance(nowMs);
    const known = this.ledger.find(words, at);
    if (known !== NOT_FOUND_SLOT) return this.ledger.rows.cents[known] === cents ? DUPLICATE : CONFLICT;
    if (this.ledger.isFull) return FULL;
    const sequence = this.ledger.head;
    this.ledger.apply(this.batch, this.batch.appendAccepted(sequence, this.#nowMs, words, at, cents));
    const slot = this.ledger.slotOf(sequence);
    this.#makeRoomFor(slot);
    this.#pending.push(slot);
    return ACCEPTED_NEW;
  }

  /**
   * The next request to make, as a flight whose state says which (POSTING or LOOKING_UP), or NO_FLIGHT. The caller makes it
   * at once and reports with `settle`. Hot for payments that are simply sent: no allocation.
   */
  dispatch(nowMs: number): number {
    this.#advance(nowMs);
    if (this.#nowMs >= this.#nextDueAtMs) {
      const doubt = this.#askDueDoubt();
      if (doubt !== NO_FLIGHT) return doubt;
    }
    return this.#sendNextPending();
  }

  /** What became of a flight. Returns the slot it was about, or NOT_FOUND_SLOT if its payment was purged meanwhile. */
  settle(flight: number, outcome: number, nowMs: number): number {
    this.#advance(nowMs);
    const state = this.flights.state[flight]!;
    const beganAtMs = this.flights.beganAtMs[flight]!;
    const slot = this.flights.slot[flight]!;
    const gate = this.router.gates[this.flights.processor[flight]!]!;
    if (state === ORPHAN) {
      gate.answerDropped();
      this.flights.close(flight);
      return NOT_FOUND_SLOT;
    }
    const wasProbe = state === POSTING && gate.isProbe(beganAtMs);
    if (state === POSTING) gate.postEnded(outcome, beganAtMs, this.#nowMs);
    else gate.answerDropped();
    this.#conclude(flight, slot, outcome, this.#nowMs - beganAtMs, wasProbe);
    return slot;
  }

  /** To be called every few ten milliseconds: fails the payments that are too old. Calls back with each of their slots. */
  giveUpOld(nowMs: number, onFailed: (slot: number) => void): void {
    this.#advance(nowMs);
    const { rows } = this.ledger;
    this.#giveUpCursor = Math.max(this.#giveUpCursor, this.ledger.tail);
    let cursorFollows = true;
    for (let sequence = this.#giveUpCursor; sequence < this.ledger.head && !this.batch.isHalfFull; sequence++) {
      const slot = this.ledger.slotOf(sequence);
      if (this.#nowMs - rows.acceptedAtMs[slot]! < this.#giveUpAfterMs) return;
      if (rows.state[slot] === PENDING) {
        this.#commit(FAILED_AT, slot, NO_PROCESSOR, GAVE_UP, 0);
        onFailed(slot);
      }
      // Few are passed over again next time: only payments in flight or in doubt can come back to pending.
      cursorFollows &&= rows.state[slot]! > IN_DOUBT;
      if (cursorFollows) this.#giveUpCursor = sequence + 1;
    }
  }

  /**
   * To be called every few ten milliseconds: drops what is beyond retention, a bounded number at a time. The oldest payment that has
   * not ended holds back all after it.
   */
  evictOld(nowMs: number): void {
    this.#advance(nowMs);
    const { rows } = this.ledger;
    let sequence = this.ledger.tail;
    const end = Math.min(sequence + EVICTIONS_MAX, this.ledger.head);
    for (; sequence < end; sequence++) {
      const slot = this.ledger.slotOf(sequence);
      const isOver =
        this.ledger.head - sequence > this.#retainCount || this.#nowMs - rows.acceptedAtMs[slot]! > this.#retainMs;
      if (!isOver || (rows.state[slot] !== PROCESSED && rows.state[slot] !== FAILED)) break;
    }
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
    }
    this.batch.retain((record) => !Ledger.isRevertible(this.batch.kind(record)));
    this.#giveUpCursor = Math.min(this.#giveUpCursor, this.ledger.head);
    this.#pending.compact((slot) => this.ledger.rows.state[slot] === PENDING);
  }

  /**
   * Takes up the work that a ledger rebuilt from the log implies: pending payments are queued in their order, and what was being
   * sent when the log ended is in doubt.
   */
  resume(nowMs: number): void {
    this.#advance(nowMs);
    const { rows } = this.ledger;
    for (let sequence = this.ledger.tail; sequence < this.ledger.head; sequence++) {
      const slot = this.ledger.slotOf(sequence);
      const state = rows.state[slot]!;
      if (state === PENDING) this.#pending.push(slot);
      else if (state === SENDING || state === IN_DOUBT) this.#resumeDoubt(slot, state);
    }
  }

  /** Forgets every payment. What is in flight is let go: its outcome no longer matters. */
  purge(nowMs: number): void {
    this.#advance(nowMs);
    this.ledger.apply(
      this.batch,
      this.batch.append(PURGED, this.ledger.head, this.#nowMs, NO_PROCESSOR, NO_OUTCOME, 0),
    );
    this.#pending.clear();
    this.flights.orphanAll();
    this.#nextDueAtMs = Number.POSITIVE_INFINITY;
  }

  /** Earliest requestedAt still in flight or in doubt, or engine time if there is none: totals before it are final. */
  settledUntilMs(nowMs: number): number {
    this.#advance(nowMs);
    let untilMs = this.#nowMs;
    for (let flight = 0; flight < this.flights.highWater; flight++) {
      const state = this.flights.state[flight]!;
      if (state === FLIGHT_FREE || state === ORPHAN) continue;
      untilMs = Math.min(untilMs, this.ledger.rows.requestedAtMs(this.flights.slot[flight]!));
    }
    return untilMs;
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
      this.router.gates[this.flights.processor[flight]!]!.answerDropped();
      this.flights.close(flight);
    }
    this.#makeRoomFor(slot);
    this.#pending.pushFront(slot);
  }

  #resumeDoubt(slot: number, state: number): void {
    const processor = this.ledger.rows.processor[slot]!;
    const flight = this.flights.open(slot, processor, this.#nowMs);
    if (state === SENDING) this.#commit(DOUBTED, slot, processor, LOST, 0);
    this.#deferDoubt(flight, LOST);
  }

  #advance(nowMs: number): void {
    if (nowMs > this.#nowMs) this.#nowMs = nowMs;
  }

  #sendNextPending(): number {
    const { rows } = this.ledger;
    while (this.#pending.length > 0) {
      const slot = this.#pending.peek();
      if (rows.state[slot] !== PENDING) {
        this.#pending.shift();
        continue;
      }
      const processor = this.router.choose(this.#nowMs - rows.acceptedAtMs[slot]!, this.#nowMs);
      if (processor === NOWHERE) return NO_FLIGHT;
      this.#pending.shift();
      this.#commit(SENDING_TO, slot, processor, NO_OUTCOME, 0);
      this.router.gates[processor]!.began(true, this.#nowMs);
      return this.flights.open(slot, processor, this.#nowMs);
    }
    return NO_FLIGHT;
  }

  /** Asks about one doubt that is due: by POST where the processor takes payments, by GET where it does not. */
  #askDueDoubt(): number {
    let nextDueAtMs = Number.POSITIVE_INFINITY;
    for (let flight = 0; flight < this.flights.highWater; flight++) {
      if (this.flights.state[flight] !== DOUBT) continue;
      if (this.flights.dueAtMs[flight]! <= this.#nowMs) {
        const how = this.#howToAsk(this.flights.processor[flight]!);
        if (how !== undefined) return this.#ask(flight, how);
        this.flights.dueAtMs[flight] = this.#nowMs + DOUBT_INTERVAL_MS_MIN;
      }
      nextDueAtMs = Math.min(nextDueAtMs, this.flights.dueAtMs[flight]!);
    }
    this.#nextDueAtMs = nextDueAtMs;
    return NO_FLIGHT;
  }

  #howToAsk(processor: number): typeof POSTING | typeof LOOKING_UP | undefined {
    const admitted = this.router.admitsAgain(processor, this.#nowMs);
    if (admitted === OPEN) return POSTING;
    if (admitted === SATURATED || this.router.gates[processor]!.inFlightCount >= LOOKUPS_MAX) return undefined;
    return LOOKING_UP;
  }

  #ask(flight: number, how: typeof POSTING | typeof LOOKING_UP): number {
    this.router.gates[this.flights.processor[flight]!]!.began(how === POSTING, this.#nowMs);
    this.flights.ask(flight, how, this.#nowMs);
    return flight;
  }

  #conclude(flight: number, slot: number, outcome: number, elapsedMs: number, wasProbe: boolean): void {
    const wasInDoubt = this.ledger.rows.state[slot] === IN_DOUBT;
    const processor = this.flights.processor[flight]!;
    if (outcome === FOREIGN || (outcome === ALREADY_CHARGED && !wasInDoubt)) {
      this.#commit(FAILED_AT, slot, processor, FOREIGN, elapsedMs);
    } else if (isCharged(outcome)) {
      this.#commit(PROCESSED_AT, slot, processor, outcome, elapsedMs);
    } else if (wasInDoubt || !isRefused(outcome)) {
      this.#commit(DOUBTED, slot, processor, outcome, elapsedMs);
      this.#deferDoubt(flight, outcome);
      return;
    } else if (outcome === REJECTED && this.ledger.rows.attemptCount[slot]! >= ATTEMPTS_BEFORE_REJECTION_COUNTS) {
      this.#commit(FAILED_AT, slot, processor, REJECTED, elapsedMs);
    } else {
      this.#commit(REFUSED, slot, processor, outcome, elapsedMs);
      // A probe goes behind the others, so that one odd payment cannot be every probe.
      this.#makeRoomFor(slot);
      if (wasProbe || outcome === REJECTED) this.#pending.push(slot);
      else this.#pending.pushFront(slot);
    }
    this.flights.close(flight);
  }

  #deferDoubt(flight: number, outcome: number): void {
    const asked = this.flights.askCount[flight]!;
    const backoffMs = Math.min(DOUBT_INTERVAL_MS_MIN * 2 ** Math.min(asked, 10), DOUBT_INTERVAL_MS_MAX);
    const dueAtMs = this.#nowMs + ((outcome === RESET || outcome === LOST) && asked === 0 ? 0 : backoffMs);
    this.flights.doubt(flight, dueAtMs);
    this.#nextDueAtMs = Math.min(this.#nextDueAtMs, dueAtMs);
  }

  /** The queue has room for every pending payment once what is no longer pending, or there twice, is dropped from it. */
  #makeRoomFor(slot: number): void {
    if (!this.#pending.isFull) return;
    const seen = new Set([slot]);
    this.#pending.compact((queued) => {
      if (seen.has(queued) || this.ledger.rows.state[queued] !== PENDING) return false;
      seen.add(queued);
      return true;
    });
  }

  #commit(kind: number, slot: number, processor: number, outcome: number, elapsedMs: number): void {
    const sequence = this.ledger.sequenceOf(slot);
    this.ledger.apply(this.batch, this.batch.append(kind, sequence, this.#nowMs, processor, outcome, elapsedMs));
  }
}
