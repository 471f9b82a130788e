import { expect } from "chai";
import { Engine, type EngineOptions } from "../../core/engine.ts";
import { NOT_FOUND_SLOT } from "../../core/ledger/uuid-index.ts";
import { makeTotals } from "../../core/ledger/window-totals.ts";
import { RECORD_BYTES, RecordBatch } from "../../core/log/record.ts";
import * as FlightState from "../../core/routing/flight-state.ts";
import { NO_FLIGHT } from "../../core/routing/flights.ts";
import { HealthSnapshot } from "../../core/routing/health-snapshot.ts";
import { Ways } from "../../core/routing/ways.ts";
import { ACCEPTED_NEW, CONFLICT, DUPLICATE, FULL } from "../../core/values/accept-result.ts";
import { MAX_AMOUNT_CENTS } from "../../core/values/money.ts";
import * as Outcome from "../../core/values/outcome.ts";
import * as State from "../../core/values/state.ts";
import { formatUuid, UUID_WORDS } from "../../core/values/uuid.ts";
import { NOON_MS, uuid } from "../support/payments.ts";
import { DEFAULT, FALLBACK, TWO_NAMES, twoTerms } from "../support/terms.ts";

type HandOptions = EngineOptions & { maxInFlight: number };

const PATIENT: HandOptions = {
  partition: 3,
  capacity: 1000,
  seed: 0x5eed,
  giveUpAfterMs: 60_000,
  retainAtLeastMs: 0,
  maxInFlight: 100,
  settleWithinMs: Number.POSITIVE_INFINITY,
  answerWithinMs: Number.POSITIVE_INFINITY,
  waitsForSlow: true,
};

/** A request the engine asked for. */
type Request = { flight: number; slot: number; processor: number; how: number; requestedAtMs: number };

/** An engine whose caller does everything by hand; times are in milliseconds after noon. */
class Hand {
  readonly health = new HealthSnapshot(TWO_NAMES.length);
  readonly engine: Engine;
  /** Records written before those in the batch. */
  readonly log: Uint8Array[] = [];

  constructor(options: Partial<HandOptions> = {}) {
    this.engine = new Engine(Ways.open(this.health, twoTerms(options.maxInFlight ?? PATIENT.maxInFlight)), {
      ...PATIENT,
      ...options,
    });
  }

  get rows() {
    return this.engine.ledger.rows;
  }

  accept(n: number, atMs: number, cents = 1990): number {
    this.#writeOut();
    return this.engine.accept(uuid(n), 0, cents, NOON_MS + atMs);
  }

  /** Accepts payments 0 … count − 1. */
  acceptMany(count: number, atMs: number): void {
    for (let n = 0; n < count; n++) expect(this.accept(n, atMs)).to.equal(ACCEPTED_NEW);
  }

  /** The next request, or undefined. */
  next(atMs: number): Request | undefined {
    this.#writeOut();
    const flight = this.engine.dispatch(NOON_MS + atMs);
    if (flight === NO_FLIGHT) return undefined;
    const { flights } = this.engine;
    const slot = flights.slot[flight]!;
    const requestedAtMs = this.rows.requestedAtMs(slot) - NOON_MS;
    return { flight, slot, processor: flights.processor[flight]!, how: flights.state[flight]!, requestedAtMs };
  }

  /** The next request, which there must be. */
  send(atMs: number): Request {
    const request = this.next(atMs);
    if (request === undefined) throw new Error(`a request was expected: atMs=${atMs}`);
    return request;
  }

  /** Every request there is. */
  sendAll(atMs: number): Request[] {
    const requests: Request[] = [];
    for (let request = this.next(atMs); request !== undefined; request = this.next(atMs)) requests.push(request);
    return requests;
  }

  settle(request: Request, outcome: number, atMs: number): void {
    this.#writeOut();
    expect(this.engine.settle(request.flight, outcome, NOON_MS + atMs)).to.equal(request.slot);
  }

  /** The first request from `fromMs` on, looked for every millisecond, and when it came. */
  sendFirst(fromMs: number): Request & { atMs: number } {
    for (let atMs = fromMs; atMs < fromMs + 100_000; atMs++) {
      const request = this.next(atMs);
      if (request !== undefined) return { ...request, atMs };
    }
    throw new Error(`a request was expected: fromMs=${fromMs}`);
  }

  state(n: number): number {
    return this.rows.state[this.slot(n)]!;
  }

  slot(n: number): number {
    return this.engine.lookup(uuid(n));
  }

  outcome(n: number): string {
    return Outcome.NAMES[this.rows.outcome[this.slot(n)]!]!;
  }

  paymentId(n: number): Int32Array {
    const id = new Int32Array(UUID_WORDS);
    this.engine.paymentId(this.slot(n), id);
    return id;
  }

  stuckSlots(): number[] {
    const slots: number[] = [];
    this.engine.openDoubts.each((flight) => {
      if (this.engine.openDoubts.isStuck(flight, this.engine.nowMs)) slots.push(this.engine.flights.slot[flight]!);
    });
    return slots;
  }

  giveUp(atMs: number): number[] {
    const failed: number[] = [];
    // Nothing is given up whose acceptance is not in the log.
    this.log.push(...recordsIn(this.engine.batch));
    this.engine.batch.clear();
    this.engine.giveUpOld(NOON_MS + atMs, (slot) => failed.push(slot));
    return failed;
  }

  evict(atMs: number): void {
    this.#writeOut();
    this.engine.evictOld(NOON_MS + atMs);
  }

  /** With everything so far in the log. */
  settledUntil(atMs: number): number {
    this.engine.batch.clear();
    return this.engine.settledUntilMs(NOON_MS + atMs) - NOON_MS;
  }

  sum(fromMs = Number.NEGATIVE_INFINITY, toMs = Number.POSITIVE_INFINITY): number[] {
    const out = makeTotals(2);
    this.engine.ledger.sum(NOON_MS + fromMs, NOON_MS + toMs, out);
    return [...out];
  }

  /** The owner of the batch empties it in time. */
  #writeOut(): void {
    if (this.engine.batch.isHalfFull) this.engine.batch.clear();
  }

  /** Everything that a call without effect must leave alone. */
  fingerprint(): unknown {
    const { ledger } = this.engine;
    const slots = Array.from({ length: ledger.size }, (_, i) => ledger.slotOf(ledger.tail + i));
    return {
      tail: ledger.tail,
      head: ledger.head,
      totals: this.sum(),
      states: slots.map((slot) => this.rows.state[slot]),
      cents: slots.map((slot) => this.rows.cents[slot]),
      acceptedAtMs: slots.map((slot) => this.rows.acceptedAtMs[slot]),
    };
  }
}

/**
 * A hand whose payment 0 is in doubt at the default processor since 1010, requested at 10, asked again at 1110 at the
 * latest.
 */
function inDoubt(options: Partial<HandOptions> = {}, outcome: number = Outcome.TIMED_OUT): Hand {
  const hand = new Hand(options);
  hand.accept(0, 0);
  const request = hand.send(10);
  hand.settle(request, outcome, 1010);
  expect(hand.state(0)).to.equal(State.IN_DOUBT);
  return hand;
}

/** A hand whose default processor went down at 10 by payment 0, which is pending again. */
function defaultDown(options: Partial<HandOptions> = {}): Hand {
  const hand = new Hand(options);
  hand.accept(0, 0);
  hand.settle(hand.send(0), Outcome.FAILING, 10);
  expect(hand.state(0)).to.equal(State.PENDING);
  return hand;
}

describe("engine: accepting", () => {
  it("takes a payment, sends it to the cheaper processor and counts it where and when it was charged", () => {
    const hand = new Hand();
    expect(hand.accept(0, 0)).to.equal(ACCEPTED_NEW);
    expect(hand.state(0)).to.equal(State.PENDING);
    const request = hand.send(25);
    expect(request).to.include({ processor: DEFAULT, how: FlightState.POSTING, requestedAtMs: 25, slot: hand.slot(0) });
    expect([hand.state(0), hand.next(25)]).to.deep.equal([State.SENDING, undefined]);
    hand.settle(request, Outcome.CHARGED, 30);
    expect([hand.state(0), hand.sum(), hand.sum(25, 25), hand.sum(26)]).to.deep.equal([
      State.PROCESSED,
      [1, 1990, 0, 0],
      [1, 1990, 0, 0],
      [0, 0, 0, 0],
    ]);
    expect(hand.next(1000)).to.equal(undefined);
  });

  it("tells a repetition from a conflict in every state of the payment, and neither changes anything", () => {
    const states: Record<number, (hand: Hand) => void> = {
      [State.PENDING]: () => {},
      [State.SENDING]: (hand) => void hand.send(1),
      [State.IN_DOUBT]: (hand) => hand.settle(hand.send(1), Outcome.TIMED_OUT, 2),
      [State.PROCESSED]: (hand) => hand.settle(hand.send(1), Outcome.CHARGED, 2),
      [State.FAILED]: (hand) => void hand.giveUp(60_000),
    };
    for (const [state, bring] of Object.entries(states)) {
      const hand = new Hand();
      hand.accept(0, 0);
      bring(hand);
      expect(hand.state(0)).to.equal(Number(state));
      const before = hand.fingerprint();
      expect(hand.accept(0, 100, 1990), state).to.equal(DUPLICATE);
      expect(hand.accept(0, 100, 1991), state).to.equal(CONFLICT);
      expect(hand.accept(0, 100, 1989), state).to.equal(CONFLICT);
      expect(hand.fingerprint(), state).to.deep.equal(before);
    }
  });

  it("sends a repeated payment once", () => {
    const hand = new Hand();
    for (let i = 0; i < 5; i++) hand.accept(0, i);
    expect(hand.sendAll(10)).to.have.length(1);
  });

  it("refuses the payment beyond its capacity, changes nothing, and still knows the others", () => {
    for (const capacity of [1, 2, 7]) {
      const hand = new Hand({ capacity });
      hand.acceptMany(capacity, 0);
      const before = hand.fingerprint();
      expect(hand.accept(999, 5)).to.equal(FULL);
      expect([hand.accept(0, 5), hand.accept(0, 5, 1), hand.slot(999)]).to.deep.equal([
        DUPLICATE,
        CONFLICT,
        NOT_FOUND_SLOT,
      ]);
      expect(hand.fingerprint()).to.deep.equal(before);
      expect(hand.sendAll(10)).to.have.length(capacity);
    }
  });

  it("reads the correlationId where it stands, and keeps amounts up to the maximum", () => {
    const hand = new Hand();
    const words = Int32Array.of(9, 9, ...uuid(1), 9);
    expect(hand.engine.accept(words, 2, MAX_AMOUNT_CENTS, NOON_MS)).to.equal(ACCEPTED_NEW);
    expect(hand.rows.cents[hand.slot(1)]).to.equal(MAX_AMOUNT_CENTS);
    hand.accept(2, 0, 1);
    for (const request of hand.sendAll(1)) hand.settle(request, Outcome.CHARGED, 2);
    expect(hand.sum()).to.deep.equal([2, MAX_AMOUNT_CENTS + 1, 0, 0]);
  });

  it("sends in the order of acceptance, and a refused payment before the others", () => {
    const hand = new Hand({ maxInFlight: 2 });
    hand.acceptMany(4, 0);
    const [first, second] = hand.sendAll(1);
    expect([first!.slot, second!.slot]).to.deep.equal([0, 1]);
    hand.settle(second!, Outcome.OVERLOADED, 2);
    hand.settle(first!, Outcome.CHARGED, 3);
    expect(hand.send(102).slot).to.equal(1);
  });

  it("never goes back in time: an earlier time counts as the latest it was told", () => {
    const hand = new Hand();
    hand.accept(0, 500);
    const request = hand.send(100);
    expect([request.requestedAtMs, hand.settledUntil(0), hand.engine.nowMs]).to.deep.equal([500, 500, NOON_MS + 500]);
    hand.settle(request, Outcome.CHARGED, 200);
    expect(hand.rows.processedAtMs(0)).to.equal(NOON_MS + 500);
    hand.accept(1, 300);
    expect(hand.rows.acceptedAtMs[hand.slot(1)]).to.equal(NOON_MS + 500);
  });
});

describe("engine: outcomes of a first attempt", () => {
  for (const [name, outcome] of Object.entries({
    FAILING: Outcome.FAILING,
    OVERLOADED: Outcome.OVERLOADED,
    MISCONFIGURED: Outcome.MISCONFIGURED,
    UNREACHABLE: Outcome.UNREACHABLE,
    REJECTED: Outcome.REJECTED,
  })) {
    it(`takes ${name} for certainly not charged: the payment is pending again, with a new requestedAt`, () => {
      const hand = new Hand();
      hand.accept(0, 0);
      hand.settle(hand.send(10), outcome, 20);
      expect([hand.state(0), hand.settledUntil(20)]).to.deep.equal([State.PENDING, 20]);
      const again = hand.sendFirst(20);
      expect(again.requestedAtMs).to.equal(again.atMs);
      hand.settle(again, Outcome.CHARGED, again.atMs + 1);
      expect(hand.sum(again.atMs, again.atMs)).to.deep.equal([1, 1990, 0, 0]);
    });
  }

  for (const [name, outcome] of Object.entries({
    TIMED_OUT: Outcome.TIMED_OUT,
    RESET: Outcome.RESET,
    UNEXPECTED: Outcome.UNEXPECTED,
  })) {
    it(`takes ${name} for a doubt`, () => {
      const hand = new Hand();
      hand.accept(0, 0);
      hand.settle(hand.send(10), outcome, 20);
      expect([hand.state(0), hand.settledUntil(500)]).to.deep.equal([State.IN_DOUBT, 10]);
    });
  }

  it("fails a payment rejected for the eighth time, and not before; it waits longer each time", () => {
    const hand = new Hand();
    hand.accept(0, 0);
    const sentAtMs: number[] = [];
    for (let i = 1; i <= 8; i++) {
      const { atMs, ...request } = hand.sendFirst(sentAtMs.at(-1) ?? 0);
      sentAtMs.push(atMs);
      hand.settle(request, Outcome.REJECTED, atMs);
      expect(hand.state(0)).to.equal(i < 8 ? State.PENDING : State.FAILED);
    }
    expect(sentAtMs).to.deep.equal([0, 100, 300, 700, 1500, 3100, 6300, 12_700]);
    expect([hand.outcome(0), hand.next(99_000)]).to.deep.equal(["rejected", undefined]);
  });

  it("lets the others go first while a rejected payment waits", () => {
    const hand = new Hand();
    hand.acceptMany(3, 0);
    hand.settle(hand.send(1), Outcome.REJECTED, 2);
    expect(hand.sendAll(3).map((request) => request.slot)).to.deep.equal([1, 2]);
    expect(hand.sendAll(102).map((request) => request.slot)).to.deep.equal([0]);
  });

  it("takes a processor that rejects eight payments for misconfigured: they stay pending, and fail over", () => {
    const hand = new Hand({ settleWithinMs: 0 });
    hand.acceptMany(12, 0);
    const requests = hand.sendAll(1);
    expect(requests.every(({ processor }) => processor === DEFAULT)).to.equal(true);
    for (const request of requests) hand.settle(request, Outcome.REJECTED, 2);
    const { downReason, isDown } = hand.engine.gates[DEFAULT]!;
    expect([isDown, downReason]).to.deep.equal([true, Outcome.REJECTED]);
    const again = hand.sendAll(3);
    expect(new Set(again.map(({ slot }) => slot)).size).to.equal(12);
    expect(again.every(({ processor }) => processor === FALLBACK)).to.equal(true);
  });

  it("never fails a payment for being rejected as a probe of a processor that is down", () => {
    const hand = new Hand();
    hand.acceptMany(8, 0);
    for (const request of hand.sendAll(1)) hand.settle(request, Outcome.REJECTED, 2);
    for (let i = 0, atMs = 3; i < 40; i++) {
      const probe = hand.sendFirst(atMs);
      atMs = probe.atMs;
      hand.settle(probe, Outcome.REJECTED, atMs);
    }
    expect(hand.engine.ledger.countIn(State.PENDING)).to.equal(8);
  });
});

describe("engine: answers that do not say whether the payment was charged", () => {
  for (const [name, outcome] of Object.entries({
    ALREADY_CHARGED: Outcome.ALREADY_CHARGED,
    ERRED: Outcome.ERRED,
    UNCLEAR: Outcome.UNCLEAR,
    GARBLED: Outcome.GARBLED,
  })) {
    it(`looks a payment up at once after ${name}, and believes what it finds`, () => {
      for (const [told, state, count] of [
        [Outcome.FOUND, State.PROCESSED, 1],
        [Outcome.FOREIGN, State.FAILED, 0],
        [Outcome.NOT_FOUND, outcome === Outcome.ALREADY_CHARGED ? State.IN_DOUBT : State.PENDING, 0],
        [Outcome.UNREADABLE, State.IN_DOUBT, 0],
        [Outcome.NOT_TOLD, State.IN_DOUBT, 0],
      ] as const) {
        const hand = new Hand();
        hand.accept(0, 0);
        hand.settle(hand.send(10), outcome, 20);
        expect([hand.state(0), hand.settledUntil(20)]).to.deep.equal([State.IN_DOUBT, 10]);
        const lookup = hand.send(20);
        expect(lookup).to.include({ how: FlightState.LOOKING_UP, processor: DEFAULT, requestedAtMs: 10 });
        hand.settle(lookup, told, 25);
        expect([hand.state(0), hand.sum(10, 10)[0]]).to.deep.equal([state, count]);
      }
    });
  }

  it("lets a payment go elsewhere once a lookup proves that it was not charged", () => {
    const hand = new Hand({ settleWithinMs: 0 });
    hand.accept(0, 0);
    for (const atMs of [10, 20]) {
      hand.settle(hand.send(atMs), Outcome.ERRED, atMs + 1);
      hand.settle(hand.send(atMs + 1), Outcome.NOT_FOUND, atMs + 2);
      expect([hand.state(0), hand.outcome(0)]).to.deep.equal([State.PENDING, "not charged"]);
    }
    const again = hand.send(30);
    expect(again).to.include({ processor: FALLBACK, how: FlightState.POSTING, requestedAtMs: 30 });
    hand.settle(again, Outcome.CHARGED, 31);
    expect(hand.sum()).to.deep.equal([0, 0, 1, 1990]);
  });

  it("does not let it go while an earlier attempt there may still land", () => {
    const hand = new Hand({ settleWithinMs: 0 });
    hand.accept(0, 0);
    hand.settle(hand.send(10), Outcome.RESET, 20);
    const again = hand.send(20);
    expect(again.how).to.equal(FlightState.POSTING);
    hand.settle(again, Outcome.ERRED, 25);
    for (let i = 0, atMs = 26; i < 20; i++) {
      const request = hand.sendFirst(atMs);
      expect(request).to.include({ processor: DEFAULT, requestedAtMs: 10 });
      atMs = request.atMs;
      hand.settle(request, request.how === FlightState.POSTING ? Outcome.FAILING : Outcome.NOT_FOUND, atMs);
      expect(hand.state(0)).to.equal(State.IN_DOUBT);
    }
  });

  it("does not take a lookup without an answer for an attempt that may land", () => {
    const hand = new Hand();
    hand.accept(0, 0);
    hand.settle(hand.send(10), Outcome.UNCLEAR, 20);
    hand.settle(hand.send(20), Outcome.TIMED_OUT, 25);
    const lookup = hand.sendFirst(25);
    expect(lookup.how).to.equal(FlightState.LOOKING_UP);
    hand.settle(lookup, Outcome.NOT_FOUND, lookup.atMs);
    expect(hand.state(0)).to.equal(State.PENDING);
  });

  for (const tookMs of [10, 2000]) {
    it(`does not believe a 404 that comes right after a 422 that took ${tookMs} ms`, () => {
      const hand = new Hand({ settleWithinMs: 0 });
      hand.accept(0, 0);
      const answeredAtMs = 10 + tookMs;
      hand.settle(hand.send(10), Outcome.ALREADY_CHARGED, answeredAtMs);
      let atMs = answeredAtMs;
      for (;;) {
        const lookup = hand.sendFirst(atMs);
        expect([lookup.how, lookup.processor]).to.deep.equal([FlightState.LOOKING_UP, DEFAULT]);
        atMs = lookup.atMs;
        hand.settle(lookup, Outcome.NOT_FOUND, atMs);
        if (hand.state(0) === State.PENDING) break;
      }
      expect(atMs - answeredAtMs).to.be.within(1000, 3000);
    });
  }

  it("does not believe the 404 of a processor at which every POST is answered by one", () => {
    const hand = new Hand({ settleWithinMs: 0 });
    hand.acceptMany(2, 0);
    const [first, second] = hand.sendAll(10);
    hand.settle(first!, Outcome.UNCLEAR, 20);
    hand.settle(second!, Outcome.MISCONFIGURED, 20);
    const lookup = hand.sendAll(21).find(({ slot }) => slot === 0)!;
    hand.settle(lookup, Outcome.NOT_FOUND, 25);
    expect(hand.state(0)).to.equal(State.IN_DOUBT);
  });

  it("asks by POST where every 404 says nothing, on record before it leaves: from then on it may land", () => {
    const hand = new Hand({ settleWithinMs: 0 });
    hand.acceptMany(2, 0);
    const [first, second] = hand.sendAll(10);
    hand.settle(first!, Outcome.UNCLEAR, 20);
    hand.settle(second!, Outcome.MISCONFIGURED, 20);
    const lookup = hand.sendAll(21).find(({ slot }) => slot === 0)!;
    hand.settle(lookup, Outcome.NOT_FOUND, 25);
    hand.log.push(...recordsOf(hand).slice(hand.log.length));
    hand.engine.batch.clear();
    let post = hand.sendFirst(26);
    while (post.slot !== 0) post = hand.sendFirst(post.atMs);
    expect([post.how, post.requestedAtMs, hand.rows.mayLand[0]]).to.deep.equal([FlightState.POSTING, 10, 1]);
    const after = restarted(hand, recordsOf(hand));
    after.engine.resume(NOON_MS + 9000);
    let asked = after.sendFirst(9000);
    while (asked.slot !== 0) asked = after.sendFirst(asked.atMs);
    after.settle(asked, Outcome.NOT_FOUND, asked.atMs);
    expect(after.state(0)).to.equal(State.IN_DOUBT);
  });

  it("takes a charge of its own amount at another of its times for a doubt, unless it was sent just once", () => {
    for (const [refusals, state] of [
      [0, State.FAILED],
      [1, State.IN_DOUBT],
    ] as const) {
      const hand = new Hand();
      hand.accept(0, 0);
      let atMs = 10;
      for (let i = 0; i < refusals; i++) {
        hand.settle(hand.sendFirst(atMs), Outcome.FAILING, atMs);
        atMs += 200;
      }
      const post = hand.sendFirst(atMs);
      hand.settle(post, Outcome.ALREADY_CHARGED, post.atMs);
      hand.settle(hand.send(post.atMs), Outcome.DISPUTED, post.atMs + 1);
      expect(hand.state(0)).to.equal(state);
    }
  });

  it("knows after a restart that nothing of a payment is under way", () => {
    const hand = new Hand();
    hand.accept(0, 0);
    hand.settle(hand.send(10), Outcome.UNCLEAR, 20);
    const after = restarted(hand, recordsOf(hand));
    after.engine.resume(NOON_MS + 500);
    const lookup = after.send(500);
    expect(lookup).to.include({ how: FlightState.LOOKING_UP, requestedAtMs: 10 });
    after.settle(lookup, Outcome.NOT_FOUND, 505);
    expect(after.state(0)).to.equal(State.PENDING);
  });

  it("keeps sending to a processor whose unclear answers turn out to be charges", () => {
    const hand = new Hand({ settleWithinMs: 0, answerWithinMs: 2000, waitsForSlow: true });
    for (let n = 0; n < 30; n++) {
      const atMs = n * 100;
      hand.accept(n, atMs);
      const post = hand.send(atMs);
      expect(post.processor).to.equal(DEFAULT);
      hand.settle(post, Outcome.ALREADY_CHARGED, atMs + 1);
      hand.settle(hand.send(atMs + 1), Outcome.FOUND, atMs + 2);
    }
    expect(hand.sum()).to.deep.equal([30, 30 * 1990, 0, 0]);
  });

  it("brings a processor back by a doubt asked about again, once a lookup explains the answer", () => {
    const hand = inDoubt();
    const lookup = hand.sendFirst(1010);
    hand.settle(lookup, Outcome.NOT_FOUND, lookup.atMs);
    const probe = hand.sendFirst(lookup.atMs);
    expect([probe.how, hand.engine.gates[DEFAULT]!.isDown]).to.deep.equal([FlightState.POSTING, true]);
    hand.settle(probe, Outcome.ALREADY_CHARGED, probe.atMs);
    const second = hand.sendFirst(probe.atMs);
    hand.settle(second, Outcome.FOUND, second.atMs);
    expect([hand.state(0), hand.engine.gates[DEFAULT]!.isDown]).to.deep.equal([State.PROCESSED, false]);
  });

  it("takes a processor whose answers turn out to be none for misconfigured, and keeps the payments", () => {
    const hand = new Hand({ settleWithinMs: 0 });
    hand.acceptMany(8, 0);
    for (const post of hand.sendAll(1)) hand.settle(post, Outcome.UNCLEAR, 2);
    for (const lookup of hand.sendAll(3)) hand.settle(lookup, Outcome.NOT_FOUND, 4);
    const { isDown, downReason } = hand.engine.gates[DEFAULT]!;
    expect([isDown, downReason]).to.deep.equal([true, Outcome.REJECTED]);
    expect(hand.sendAll(5).filter(({ processor }) => processor === FALLBACK)).to.have.length(8);
  });
});

describe("engine: doubts that asking does not settle", () => {
  function stuck(): Hand {
    const hand = new Hand();
    hand.accept(0, 0);
    hand.settle(hand.send(10), Outcome.UNCLEAR, 20);
    for (let i = 0, atMs = 20; i < 16; i++) {
      const lookup = hand.sendFirst(atMs);
      atMs = lookup.atMs;
      hand.settle(lookup, Outcome.UNREADABLE, atMs);
    }
    return hand;
  }

  it("are told apart once the processor has answered 16 times, and asked about every 30 s", () => {
    const hand = stuck();
    const { nowMs } = hand.engine;
    const lookup = hand.sendFirst(nowMs - NOON_MS);
    expect(lookup.atMs).to.equal(nowMs - NOON_MS + 30_000);
    expect(hand.stuckSlots()).to.deep.equal([0]);
    hand.settle(lookup, Outcome.FOUND, lookup.atMs);
    expect([hand.state(0), hand.stuckSlots()]).to.deep.equal([State.PROCESSED, []]);
  });

  it("are not those whose processor is down, until they are old", () => {
    const hand = inDoubt();
    let atMs = 1010;
    for (let i = 0; i < 40; i++) {
      const request = hand.sendFirst(atMs);
      atMs = request.atMs;
      hand.settle(request, i % 2 === 0 ? Outcome.TIMED_OUT : Outcome.NOT_FOUND, atMs);
    }
    expect(hand.stuckSlots()).to.deep.equal([]);
    hand.engine.evictOld(NOON_MS + 300_011);
    expect(hand.stuckSlots()).to.deep.equal([0]);
  });

  for (const [word, state, sums] of [
    ["charged", State.PROCESSED, [1, 1990, 0, 0]],
    ["not charged", State.PENDING, [0, 0, 0, 0]],
    ["failed", State.FAILED, [0, 0, 0, 0]],
  ] as const) {
    it(`are settled by an operator's word, in the log as well: ${word}`, () => {
      const hand = stuck();
      const { nowMs } = hand.engine;
      expect(hand.engine.settleByHand(0, word, nowMs + 1)).to.equal("settled");
      for (const one of [hand, restarted(hand, recordsOf(hand))]) {
        expect([one.state(0), one.outcome(0), one.sum()]).to.deep.equal([state, "settled by hand", sums]);
      }
      expect([hand.engine.flights.openCount(DEFAULT), hand.stuckSlots()]).to.deep.equal([0, []]);
      const next = hand.next(nowMs - NOON_MS + 2);
      expect(next?.how).to.equal(word === "not charged" ? FlightState.POSTING : undefined);
    });
  }

  it("are not settled by hand while they are asked about, and nothing else is", () => {
    const hand = stuck();
    const lookup = hand.sendFirst(hand.engine.nowMs - NOON_MS);
    expect(hand.engine.settleByHand(0, "not charged", NOON_MS + lookup.atMs)).to.equal("being asked about");
    hand.settle(lookup, Outcome.FOUND, lookup.atMs);
    expect(hand.engine.settleByHand(0, "not charged", NOON_MS + lookup.atMs)).to.equal("not in doubt");
  });
});

describe("engine: doubts", () => {
  it("counts a payment in doubt at its first requestedAt once a repetition is charged", () => {
    const hand = inDoubt({}, Outcome.RESET);
    const again = hand.sendFirst(1010);
    expect(again).to.include({ processor: DEFAULT, requestedAtMs: 10 });
    hand.settle(again, Outcome.CHARGED, again.atMs + 5);
    expect([hand.state(0), hand.sum(10, 10), hand.settledUntil(9999)]).to.deep.equal([
      State.PROCESSED,
      [1, 1990, 0, 0],
      9999,
    ]);
  });

  it("looks up a 422 after a doubt: the charge may be its own or a stranger's", () => {
    for (const [told, state, sum] of [
      [Outcome.FOUND, State.PROCESSED, 1],
      [Outcome.FOREIGN, State.FAILED, 0],
      [Outcome.NOT_FOUND, State.IN_DOUBT, 0],
    ] as const) {
      const hand = inDoubt({}, Outcome.RESET);
      const again = hand.send(1010);
      expect(again.how).to.equal(FlightState.POSTING);
      hand.settle(again, Outcome.ALREADY_CHARGED, 1015);
      const lookup = hand.sendFirst(1015);
      expect(lookup.how).to.equal(FlightState.LOOKING_UP);
      hand.settle(lookup, told, lookup.atMs);
      expect([hand.state(0), hand.sum(10, 10)[0]]).to.deep.equal([state, sum]);
    }
  });

  it("takes a charge found under its own requestedAt for its own, and under another for somebody else's", () => {
    for (const [outcome, state, count] of [
      [Outcome.FOUND, State.PROCESSED, 1],
      [Outcome.FOREIGN, State.FAILED, 0],
    ] as const) {
      const hand = inDoubt();
      const lookup = hand.send(1110 - 1 + 1);
      hand.settle(lookup, outcome, 1120);
      expect([hand.state(0), hand.sum(10, 10)[0], hand.settledUntil(1120)]).to.deep.equal([state, count, 1120]);
    }
  });

  for (const [name, outcome] of Object.entries({
    FAILING: Outcome.FAILING,
    OVERLOADED: Outcome.OVERLOADED,
    REJECTED: Outcome.REJECTED,
    MISCONFIGURED: Outcome.MISCONFIGURED,
    UNREACHABLE: Outcome.UNREACHABLE,
    TIMED_OUT: Outcome.TIMED_OUT,
    RESET: Outcome.RESET,
    UNEXPECTED: Outcome.UNEXPECTED,
    NOT_FOUND: Outcome.NOT_FOUND,
    NOT_TOLD: Outcome.NOT_TOLD,
  })) {
    it(`stays in doubt on ${name}, at the same processor with the same requestedAt`, () => {
      const hand = inDoubt({ settleWithinMs: 0, answerWithinMs: 2000, waitsForSlow: true });
      for (let i = 0, atMs = 1010; i < 12; i++) {
        const again = hand.sendFirst(atMs);
        expect(again).to.include({ processor: DEFAULT, requestedAtMs: 10 });
        atMs = again.atMs + 3;
        hand.settle(again, outcome, atMs);
        expect([hand.state(0), hand.settledUntil(atMs)]).to.deep.equal([State.IN_DOUBT, 10]);
      }
      expect(hand.giveUp(1e9)).to.deep.equal([]);
    });
  }

  it("asks at once after the first broken connection, then by lookups after every POST, ever later up to 2 s", () => {
    const hand = new Hand();
    hand.accept(0, 0);
    hand.settle(hand.send(0), Outcome.RESET, 5);
    let again = hand.send(5);
    expect(again).to.include({ how: FlightState.POSTING, requestedAtMs: 0 });
    const waitsMs = [];
    for (let i = 0, atMs = 5; i < 6; i++) {
      // A 400 says nothing of the processor, so it stays up.
      hand.settle(again, Outcome.REJECTED, atMs);
      const next = hand.sendFirst(atMs);
      waitsMs.push(next.atMs - atMs);
      atMs = next.atMs;
      again = next;
    }
    expect(waitsMs).to.deep.equal([100, 400, 100, 1600, 100, 2000]);
  });

  it("asks by POST and by GET in turn, so that a probe that is always in vain does not hide its own answer", () => {
    const hand = new Hand();
    hand.accept(0, 0);
    hand.settle(hand.send(0), Outcome.GATEWAY_FAILED, 5);
    const asked: number[] = [];
    for (let i = 0, atMs = 5; i < 8; i++) {
      const request = hand.sendFirst(atMs);
      asked.push(request.how);
      atMs = request.atMs;
      hand.settle(request, request.how === FlightState.POSTING ? Outcome.GATEWAY_FAILED : Outcome.NOT_FOUND, atMs);
    }
    expect(asked).to.deep.equal([1, 2, 3, 4].flatMap(() => [FlightState.LOOKING_UP, FlightState.POSTING]));
  });

  it("does not probe with a payment that was in vain while another processor would take it", () => {
    const hand = new Hand({ settleWithinMs: 0 });
    hand.accept(0, 0);
    hand.settle(hand.send(0), Outcome.FAILING, 10);
    expect(hand.send(5000)).to.include({ slot: 0, processor: FALLBACK });
    hand.accept(1, 5000);
    expect(hand.send(5011)).to.include({ slot: 1, processor: DEFAULT });
  });

  it("has no more than 16 lookups out at a processor that is down", () => {
    const hand = new Hand();
    hand.acceptMany(40, 0);
    const requests = hand.sendAll(0);
    expect(requests).to.have.length(16);
    // The in-flight limit doubles once a whole round was charged.
    for (let i = 0; i < 16; i++) hand.settle(requests.shift()!, Outcome.CHARGED, 1);
    requests.push(...hand.sendAll(1));
    expect(requests).to.have.length(24);
    for (const request of requests) hand.settle(request, Outcome.UNEXPECTED, 1001);
    const asked = hand.sendAll(1101);
    expect(asked.map((request) => request.how)).to.deep.equal(new Array(16).fill(FlightState.LOOKING_UP));
    for (const request of asked.slice(-5)) hand.settle(request, Outcome.NOT_FOUND, 1110);
    // Those five can be the probe; whichever is, five more are looked up.
    const next = hand.sendAll(1201).map((request) => request.how);
    expect(next.sort()).to.deep.equal([FlightState.POSTING, ...new Array(5).fill(FlightState.LOOKING_UP)]);
  });

  it("probes with a payment in doubt rather than risk a new one, and the others follow its success", () => {
    const hand = inDoubt();
    for (let n = 1; n <= 3; n++) hand.accept(n, 1010);
    const lookup = hand.sendFirst(1010);
    expect([lookup.slot, lookup.how, hand.sendAll(lookup.atMs)]).to.deep.equal([0, FlightState.LOOKING_UP, []]);
    hand.settle(lookup, Outcome.NOT_FOUND, lookup.atMs);
    const probe = hand.sendFirst(lookup.atMs);
    expect([probe.slot, probe.how, hand.sendAll(probe.atMs)]).to.deep.equal([0, FlightState.POSTING, []]);
    hand.settle(probe, Outcome.CHARGED, probe.atMs + 5);
    expect(hand.sendAll(probe.atMs + 5).map((request) => request.slot)).to.deep.equal([1, 2, 3]);
  });

  it("finds by GET what was charged at a processor that answers every POST too late", () => {
    const hand = inDoubt();
    const first = hand.sendFirst(1010);
    expect(first.how).to.equal(FlightState.LOOKING_UP);
    hand.settle(first, Outcome.NOT_FOUND, first.atMs);
    const again = hand.sendFirst(first.atMs);
    expect(again.how).to.equal(FlightState.POSTING);
    hand.settle(again, Outcome.TIMED_OUT, again.atMs + 1000);
    const second = hand.sendFirst(again.atMs + 1000);
    expect(second.how).to.equal(FlightState.LOOKING_UP);
    hand.settle(second, Outcome.FOUND, second.atMs);
    expect(hand.state(0)).to.equal(State.PROCESSED);
  });

  it("does not keep a processor down for the sake of a payment it does not take", () => {
    const hand = inDoubt();
    const lookup = hand.sendFirst(1010);
    hand.settle(lookup, Outcome.NOT_FOUND, lookup.atMs);
    const probe = hand.sendFirst(lookup.atMs);
    hand.settle(probe, Outcome.REJECTED, probe.atMs);
    hand.accept(1, probe.atMs);
    let fresh = hand.sendFirst(probe.atMs);
    for (; fresh.how === FlightState.LOOKING_UP; fresh = hand.sendFirst(fresh.atMs))
      hand.settle(fresh, Outcome.NOT_FOUND, fresh.atMs);
    expect(fresh).to.include({ slot: 1, how: FlightState.POSTING, processor: DEFAULT });
  });

  it("probes with a payment in doubt at once when a poll says the processor is well, due or not", () => {
    const hand = inDoubt();
    let atMs = 1010;
    for (let i = 0; i < 8; i++) {
      const again = hand.sendFirst(atMs);
      atMs = again.atMs + 1;
      hand.settle(again, again.how === FlightState.POSTING ? Outcome.FAILING : Outcome.NOT_FOUND, atMs);
    }
    hand.accept(1, atMs);
    hand.health.polled(DEFAULT, false, 0, NOON_MS + 60_000);
    let probe = hand.sendFirst(atMs);
    if (probe.how === FlightState.LOOKING_UP) {
      hand.settle(probe, Outcome.NOT_FOUND, probe.atMs);
      probe = hand.sendFirst(probe.atMs);
    }
    expect(probe).to.include({ slot: 0, how: FlightState.POSTING });
    expect(probe.atMs - atMs).to.be.at.most(100);
  });

  it("throws when a flight is settled that has no request out", () => {
    const hand = inDoubt();
    const { flights } = hand.engine;
    expect(() => hand.engine.settle(0, Outcome.CHARGED, NOON_MS + 1011)).to.throw();
    expect([hand.state(0), hand.engine.gates[DEFAULT]!.inFlightCount]).to.deep.equal([State.IN_DOUBT, 0]);
    const again = hand.sendFirst(1010);
    hand.settle(again, Outcome.FOUND, again.atMs);
    expect(flights.state[again.flight]).to.equal(FlightState.FREE);
    expect(() => hand.engine.settle(again.flight, Outcome.CHARGED, NOON_MS + again.atMs)).to.throw();
    expect(hand.engine.gates[DEFAULT]!.inFlightCount).to.equal(0);
  });

  it("keeps at most 4096 payments in flight or in doubt at one processor, and the other one takes the rest", () => {
    const hand = new Hand({ capacity: 10_000, maxInFlight: 10_000, settleWithinMs: 1000 });
    hand.acceptMany(10_000, 0);
    const requests = hand.sendAll(1);
    // The in-flight limit grows by one with every success while it is used up.
    for (let i = 0; i < 4096; i++) {
      hand.settle(requests.shift()!, Outcome.CHARGED, 2);
      requests.push(...hand.sendAll(2));
    }
    expect(requests).to.have.length(4096);
    expect(hand.engine.flights.openCount(DEFAULT)).to.equal(4096);
    const spilled = hand.send(1000);
    expect(spilled.processor).to.equal(FALLBACK);
    hand.settle(requests.pop()!, Outcome.CHARGED, 1001);
    expect(hand.send(1001).processor).to.equal(DEFAULT);
  });
});

describe("engine: routing", () => {
  it("fails over at once without patience", () => {
    const hand = defaultDown({ settleWithinMs: 0 });
    hand.accept(1, 10);
    const requests = hand.sendAll(10);
    expect(requests.map((request) => [request.slot, request.processor])).to.deep.equal([
      [0, FALLBACK],
      [1, FALLBACK],
    ]);
    for (const request of requests) hand.settle(request, Outcome.CHARGED, 20);
    expect(hand.sum()).to.deep.equal([0, 0, 2, 3980]);
  });

  it("waits for the cheaper processor while that is worth it, and then goes in the order of acceptance", () => {
    const hand = defaultDown({ settleWithinMs: 20_000, giveUpAfterMs: 600_000 });
    for (let n = 1; n < 4; n++) hand.accept(n, 10 + n);
    const gone: number[] = [];
    for (let atMs = 20; gone.length < 4; ) {
      const request = hand.sendFirst(atMs);
      atMs = request.atMs;
      if (request.processor === FALLBACK) gone.push(request.slot);
      else hand.settle(request, Outcome.FAILING, atMs);
      if (gone.length === 1) expect(atMs).to.be.within(1000, 19_900);
    }
    expect(gone).to.deep.equal([0, 1, 2, 3]);
  });

  it("never fails over with endless patience", () => {
    const hand = defaultDown();
    for (let atMs = 10; atMs < 50_000; atMs += 7) {
      const request = hand.next(atMs);
      if (request === undefined) continue;
      expect(request.processor).to.equal(DEFAULT);
      hand.settle(request, Outcome.FAILING, atMs);
    }
  });

  it("does not spill from a default at its limit while that can charge what waits in time", () => {
    const hand = new Hand({ maxInFlight: 2, settleWithinMs: 2000 });
    hand.acceptMany(3, 0);
    expect(hand.sendAll(0).map((request) => request.processor)).to.deep.equal([DEFAULT, DEFAULT]);
    expect(hand.next(100)).to.equal(undefined);
    expect(hand.sendFirst(100)).to.include({ slot: 2, processor: FALLBACK });
  });

  it("sends nothing to a default that a poll says is failing", () => {
    const hand = new Hand();
    hand.health.polled(DEFAULT, true, 0, NOON_MS);
    hand.acceptMany(3, 0);
    expect(hand.sendAll(1)).to.deep.equal([]);
    const failover = new Hand({ settleWithinMs: 0 });
    failover.health.polled(DEFAULT, true, 0, NOON_MS);
    failover.acceptMany(3, 0);
    expect(failover.sendAll(1).map((request) => request.processor)).to.deep.equal([FALLBACK, FALLBACK, FALLBACK]);
  });

  it("follows a poll that says well again with a single probe, and its success with the backlog", () => {
    const hand = new Hand();
    hand.health.polled(DEFAULT, true, 0, NOON_MS);
    hand.acceptMany(10, 0);
    expect(hand.next(1)).to.equal(undefined);
    hand.health.polled(DEFAULT, false, 0, NOON_MS + 5000);
    const probe = hand.send(50);
    expect([probe.processor, hand.sendAll(50), hand.sendAll(1000)]).to.deep.equal([DEFAULT, [], []]);
    hand.settle(probe, Outcome.CHARGED, 1001);
    expect(hand.sendAll(1001)).to.have.length(9);
  });

  it("recovers without polls by single probes, each with a payment that was not tried before", () => {
    const hand = defaultDown();
    for (let n = 1; n < 10; n++) hand.accept(n, 10);
    const probed = [];
    for (let i = 0, atMs = 10; i < 4; i++) {
      const probe = hand.sendFirst(atMs);
      expect(hand.next(probe.atMs)).to.equal(undefined);
      probed.push([probe.slot, probe.atMs]);
      atMs = probe.atMs;
      hand.settle(probe, Outcome.FAILING, atMs);
    }
    expect(probed).to.deep.equal([
      [9, 110],
      [8, 310],
      [7, 710],
      [6, 1510],
    ]);
    const last = hand.sendFirst(1510);
    expect([last.slot, last.atMs]).to.deep.equal([5, 2510]);
    hand.settle(last, Outcome.CHARGED, 2520);
    expect(hand.sendAll(2520)).to.have.length(9);
  });

  it("goes on with a new probe after a purge took the one that was out", () => {
    const hand = defaultDown();
    const probe = hand.send(110);
    hand.engine.purge(NOON_MS + 120);
    hand.accept(1, 130);
    expect(hand.engine.settle(probe.flight, Outcome.CHARGED, NOON_MS + 140)).to.equal(NOT_FOUND_SLOT);
    expect(hand.sendFirst(140).atMs).to.be.below(1200);
  });

  it("halves the limit once for a round of 429 and pauses, and the payments go out again later", () => {
    const hand = new Hand();
    hand.acceptMany(20, 0);
    const requests = hand.sendAll(0);
    expect(requests).to.have.length(16);
    for (const request of requests) hand.settle(request, Outcome.OVERLOADED, 5);
    expect([hand.engine.gates[DEFAULT]!.limit, hand.sendAll(104)]).to.deep.equal([8, []]);
    expect(hand.sendAll(105)).to.have.length(8);
  });

  it("doubles what is in flight every round, also when all answers of a round come together", () => {
    const hand = new Hand();
    hand.acceptMany(500, 0);
    const inFlight = [0, 10, 20, 30].map((atMs) => {
      const requests = hand.sendAll(atMs);
      for (const request of requests) hand.settle(request, Outcome.CHARGED, atMs + 5);
      return requests.length;
    });
    expect(inFlight).to.deep.equal([16, 32, 64, 100]);
  });

  it("goes down on a second broken connection, not on the first", () => {
    const hand = new Hand();
    hand.acceptMany(3, 0);
    const [one, two, three] = hand.sendAll(0);
    hand.settle(one!, Outcome.RESET, 5);
    hand.accept(3, 5);
    expect(hand.sendAll(5).map((request) => request.how)).to.deep.equal([FlightState.POSTING, FlightState.POSTING]);
    hand.settle(two!, Outcome.RESET, 6);
    hand.accept(4, 6);
    expect(hand.sendAll(6).filter((request) => request.how === FlightState.POSTING)).to.deep.equal([]);
    hand.settle(three!, Outcome.CHARGED, 7);
    expect(hand.state(2)).to.equal(State.PROCESSED);
  });
});

describe("engine: giving up", () => {
  it("fails a pending payment at exactly its age, the older ones only", () => {
    const hand = new Hand({ giveUpAfterMs: 1000 });
    hand.health.polled(DEFAULT, true, 0, NOON_MS);
    hand.accept(0, 0);
    hand.accept(1, 1);
    expect(hand.giveUp(999)).to.deep.equal([]);
    expect(hand.giveUp(1000)).to.deep.equal([0]);
    expect([hand.state(0), hand.outcome(0), hand.state(1)]).to.deep.equal([State.FAILED, "gave up", State.PENDING]);
    expect(hand.giveUp(1001)).to.deep.equal([1]);
    expect(hand.giveUp(5000)).to.deep.equal([]);
    expect([hand.next(5000), hand.accept(0, 5000)]).to.deep.equal([undefined, DUPLICATE]);
  });

  it("never fails a payment that is in flight or in doubt", () => {
    const hand = new Hand({ giveUpAfterMs: 1000 });
    hand.acceptMany(4, 0);
    const [charged, doubted, refused] = [hand.send(1), hand.send(1), hand.send(1)];
    hand.settle(charged, Outcome.CHARGED, 2);
    hand.settle(doubted, Outcome.UNEXPECTED, 3);
    expect(hand.giveUp(1e6)).to.deep.equal([3]);
    hand.settle(refused, Outcome.FAILING, 1e6 + 1);
    expect(hand.giveUp(1e6 + 1)).to.deep.equal([2]);
    expect([0, 1, 2, 3].map((n) => hand.state(n))).to.deep.equal([
      State.PROCESSED,
      State.IN_DOUBT,
      State.FAILED,
      State.FAILED,
    ]);
    expect(hand.giveUp(1e7)).to.deep.equal([]);
  });

  it("says why, without an attempt that was not made", () => {
    const hand = new Hand({ giveUpAfterMs: 1000 });
    hand.health.polled(DEFAULT, true, 0, NOON_MS);
    hand.accept(0, 0);
    hand.giveUp(1000);
    expect([hand.rows.outcome[0], hand.engine.ledger.trail(0), hand.rows.attemptCount[0]]).to.deep.equal([
      Outcome.GAVE_UP,
      [],
      0,
    ]);
  });

  it("goes on after a purge with the payments accepted since", () => {
    const hand = new Hand({ giveUpAfterMs: 1000, capacity: 4 });
    hand.health.polled(DEFAULT, true, 0, NOON_MS);
    hand.acceptMany(3, 0);
    hand.engine.purge(NOON_MS + 10);
    for (let n = 10; n < 14; n++) hand.accept(n, n);
    expect(hand.giveUp(1012)).to.deep.equal([3, 0, 1]);
    expect(hand.giveUp(1013)).to.deep.equal([2]);
  });
});

describe("engine: giving up many", () => {
  it("stops when the batch is half full, and goes on from there the next time", () => {
    const hand = new Hand({ giveUpAfterMs: 1000, capacity: 5000 });
    hand.health.polled(DEFAULT, true, 0, NOON_MS);
    hand.acceptMany(5000, 0);
    hand.engine.batch.clear();
    const rounds = [hand.giveUp(1000), hand.giveUp(1000), hand.giveUp(1000), hand.giveUp(1000)];
    expect(rounds.map((slots) => slots.length)).to.deep.equal([2048, 2048, 904, 0]);
    expect(rounds.flat()).to.deep.equal(Array.from({ length: 5000 }, (_, slot) => slot));
  });
});

describe("engine: retention", () => {
  /** Nothing is dropped before an engine has taken up its work. */
  function begun(options: Partial<HandOptions>): Hand {
    const hand = new Hand(options);
    hand.engine.resume(NOON_MS);
    return hand;
  }

  /** Payments 0 … count − 1, accepted a millisecond apart and charged at once. */
  function charged(count: number, options: Partial<HandOptions>): Hand {
    const hand = begun(options);
    for (let n = 0; n < count; n++) {
      hand.accept(n, n);
      hand.settle(hand.send(n), Outcome.CHARGED, n);
    }
    return hand;
  }

  it("drops the oldest beyond the count, in every way they are known", () => {
    const hand = charged(5, { retainCount: 3 });
    const id = hand.paymentId(1);
    expect(hand.sum()).to.deep.equal([5, 9950, 0, 0]);
    hand.evict(10);
    expect([0, 1, 2, 3, 4].map((n) => hand.slot(n))).to.deep.equal([NOT_FOUND_SLOT, NOT_FOUND_SLOT, 2, 3, 4]);
    expect([hand.engine.lookup(id), hand.engine.ledger.size, hand.sum()]).to.deep.equal([
      NOT_FOUND_SLOT,
      3,
      [3, 5970, 0, 0],
    ]);
    expect([hand.sum(0, 1)[0], hand.sum(2, 2)[0]]).to.deep.equal([0, 1]);
    hand.evict(20);
    expect(hand.engine.ledger.size).to.equal(3);
  });

  it("drops those accepted longer ago than the age, to the millisecond", () => {
    const hand = charged(3, { retainMs: 1000 });
    hand.evict(1000);
    expect(hand.engine.ledger.size).to.equal(3);
    hand.evict(1001);
    expect([hand.slot(0), hand.slot(1)]).to.deep.equal([NOT_FOUND_SLOT, 1]);
    hand.evict(1e6);
    expect([hand.engine.ledger.size, hand.sum()]).to.deep.equal([0, [0, 0, 0, 0]]);
  });

  it("keeps everything without limits, and refuses when full", () => {
    const hand = charged(3, { capacity: 3 });
    hand.evict(1e9);
    expect([hand.engine.ledger.size, hand.accept(3, 1e9)]).to.deep.equal([3, FULL]);
  });

  it("makes room for others, in the same rows", () => {
    const hand = charged(3, { capacity: 3, retainCount: 1 });
    hand.evict(10);
    expect([hand.accept(3, 10), hand.accept(0, 10, 7), hand.accept(4, 10)]).to.deep.equal([
      ACCEPTED_NEW,
      ACCEPTED_NEW,
      FULL,
    ]);
    expect([hand.slot(3), hand.slot(0), hand.slot(2)]).to.deep.equal([0, 1, 2]);
    for (const request of hand.sendAll(11)) hand.settle(request, Outcome.CHARGED, 12);
    expect(hand.sum()).to.deep.equal([3, 1990 + 1990 + 7, 0, 0]);
  });

  it("never drops a payment that has not ended, nor what was accepted after it", () => {
    for (const outcome of [undefined, Outcome.UNEXPECTED, Outcome.MISCONFIGURED]) {
      const hand = begun({ retainCount: 1 });
      hand.acceptMany(3, 0);
      const [first, ...others] = hand.sendAll(0);
      for (const request of others) hand.settle(request, Outcome.CHARGED, 1);
      if (outcome !== undefined) hand.settle(first!, outcome, 2);
      hand.evict(3);
      expect(hand.engine.ledger.size).to.equal(3);
    }
  });

  it("drops 512 at a time", () => {
    const hand = charged(900, { retainMs: 1 });
    hand.evict(5000);
    expect(hand.engine.ledger.size).to.equal(388);
    hand.evict(5000);
    expect(hand.engine.ledger.size).to.equal(0);
  });

  it("sends each payment once, in rows of payments that were given up while they waited", () => {
    const hand = begun({ capacity: 4, giveUpAfterMs: 1000, retainMs: 1 });
    hand.health.polled(DEFAULT, true, 0, NOON_MS);
    let atMs = 0;
    for (let round = 0; round < 10; round++, atMs += 1000) {
      for (let n = 0; n < 4; n++) expect(hand.accept(round * 4 + n, atMs)).to.equal(ACCEPTED_NEW);
      expect(hand.giveUp(atMs + 1000)).to.have.length(4);
      hand.evict(atMs + 1000);
    }
    for (let n = 100; n < 104; n++) expect(hand.accept(n, atMs)).to.equal(ACCEPTED_NEW);
    const probe = hand.sendFirst(atMs);
    hand.settle(probe, Outcome.CHARGED, probe.atMs);
    const sent = hand.sendAll(probe.atMs);
    expect([probe, ...sent].map((request) => request.slot).sort()).to.deep.equal([0, 1, 2, 3]);
    for (const request of sent) hand.settle(request, Outcome.CHARGED, probe.atMs);
    expect([hand.sendAll(probe.atMs), hand.sum()]).to.deep.equal([[], [4, 7960, 0, 0]]);
  });
});

describe("engine: retention while a payment may be repeated", () => {
  const MINUTE_MS = 60_000;
  const TIGHT: Partial<HandOptions> = { retainCount: 1, retainMs: 1000, retainAtLeastMs: MINUTE_MS };

  /** So many payments, accepted and charged at these times. */
  function charged(...atMs: readonly number[]): Hand {
    const hand = new Hand(TIGHT);
    hand.engine.resume(NOON_MS);
    for (const [n, acceptedAtMs] of atMs.entries()) {
      hand.accept(n, acceptedAtMs);
      hand.settle(hand.send(acceptedAtMs), Outcome.CHARGED, acceptedAtMs);
    }
    return hand;
  }

  it("keeps each for a minute after its acceptance, whatever the limits say", () => {
    const hand = charged(30_000, 40_000, 50_000);
    for (const [atMs, kept] of [
      [89_999, 3],
      [90_000, 2],
      [100_000, 1],
      [109_999, 1],
      [110_000, 0],
    ] as const) {
      hand.evict(atMs);
      expect(hand.engine.ledger.size, `atMs=${atMs}`).to.equal(kept);
    }
  });

  it("is a minute unless told otherwise", () => {
    const { retainAtLeastMs: _, ...otherwise } = PATIENT;
    const ways = Ways.open(new HealthSnapshot(TWO_NAMES.length), twoTerms(16));
    const engine = new Engine(ways, { ...otherwise, retainCount: 1, giveUpAfterMs: 1 });
    engine.resume(NOON_MS);
    for (let n = 0; n < 3; n++) engine.accept(uuid(n), 0, 1990, NOON_MS);
    engine.batch.clear();
    engine.giveUpOld(NOON_MS + 10, () => {});
    engine.evictOld(NOON_MS + MINUTE_MS - 1);
    expect(engine.ledger.size).to.equal(3);
    engine.evictOld(NOON_MS + MINUTE_MS);
    expect(engine.ledger.size).to.equal(1);
  });

  it("keeps all for a minute after a start: a carrier before may have had another clock", () => {
    const before = charged(0, 10, 20);
    const after = restarted(before, recordsOf(before), TIGHT);
    after.engine.resume(NOON_MS + 10 * MINUTE_MS);
    after.evict(11 * MINUTE_MS - 1);
    expect(after.engine.ledger.size).to.equal(3);
    after.evict(11 * MINUTE_MS);
    expect(after.engine.ledger.size).to.equal(0);
  });
});

describe("engine: purging", () => {
  it("forgets every payment in every state", () => {
    const hand = new Hand({ capacity: 4 });
    hand.acceptMany(4, 0);
    hand.settle(hand.send(1), Outcome.CHARGED, 2);
    hand.settle(hand.send(1), Outcome.UNEXPECTED, 2);
    hand.engine.purge(NOON_MS + 10);
    for (let n = 0; n < 4; n++) expect(hand.slot(n)).to.equal(NOT_FOUND_SLOT);
    expect([hand.sum(), hand.sendAll(9999), hand.settledUntil(9999)]).to.deep.equal([[0, 0, 0, 0], [], 9999]);
    expect(hand.giveUp(1e9)).to.deep.equal([]);
    hand.acceptMany(4, 1e9);
    expect(hand.accept(4, 1e9)).to.equal(FULL);
  });

  it("lets what is in flight go: its outcome matters to nobody, the place is free again", () => {
    const hand = new Hand({ capacity: 2, maxInFlight: 2 });
    hand.acceptMany(2, 0);
    const requests = hand.sendAll(1);
    hand.engine.purge(NOON_MS + 2);
    hand.acceptMany(2, 3);
    expect([hand.sendAll(3), hand.settledUntil(3)]).to.deep.equal([[], 3]);
    for (const [i, outcome] of [Outcome.CHARGED, Outcome.TIMED_OUT].entries()) {
      expect(hand.engine.settle(requests[i]!.flight, outcome, NOON_MS + 4)).to.equal(NOT_FOUND_SLOT);
    }
    expect([hand.state(0), hand.state(1), hand.sum()[0]]).to.deep.equal([State.PENDING, State.PENDING, 0]);
    const again = hand.sendAll(5);
    expect(again).to.have.length(2);
    for (const request of again) hand.settle(request, Outcome.CHARGED, 6);
    expect([hand.sum(), hand.engine.flights.openCount(DEFAULT)]).to.deep.equal([[2, 3980, 0, 0], 0]);
  });

  it("leaves no trace in the order of what is sent later", () => {
    const hand = new Hand({ capacity: 4 });
    hand.acceptMany(3, 0);
    hand.engine.purge(NOON_MS + 1);
    for (const n of [10, 11, 12]) hand.accept(n, 2);
    expect(hand.sendAll(3).map((request) => request.slot)).to.deep.equal([3, 0, 1]);
  });

  it("may be done twice while answers are out, and on nothing", () => {
    const hand = new Hand();
    hand.engine.purge(NOON_MS);
    hand.accept(0, 1);
    const request = hand.send(2);
    hand.engine.purge(NOON_MS + 3);
    hand.engine.purge(NOON_MS + 4);
    expect(hand.engine.settle(request.flight, Outcome.CHARGED, NOON_MS + 5)).to.equal(NOT_FOUND_SLOT);
    expect(hand.engine.gates[DEFAULT]!.inFlightCount).to.equal(0);
  });
});

describe("engine: the watermark", () => {
  it("is now while nothing is in flight or in doubt, pending payments or not", () => {
    const hand = new Hand();
    expect(hand.settledUntil(7)).to.equal(7);
    hand.accept(0, 10);
    expect(hand.settledUntil(500)).to.equal(500);
  });

  it("is the earliest requestedAt of those in flight or in doubt", () => {
    const hand = new Hand();
    hand.acceptMany(3, 0);
    const [one, two, three] = [hand.send(10), hand.send(20), hand.send(30)];
    expect(hand.settledUntil(40)).to.equal(10);
    hand.settle(two, Outcome.CHARGED, 50);
    expect(hand.settledUntil(50)).to.equal(10);
    hand.settle(one, Outcome.OVERLOADED, 60);
    expect(hand.settledUntil(60)).to.equal(30);
    hand.settle(three, Outcome.UNEXPECTED, 70);
    expect(hand.settledUntil(9999)).to.equal(30);
    const again = hand.sendFirst(9999);
    hand.settle(again, Outcome.FOUND, 10_000);
    expect(hand.settledUntil(10_000)).to.equal(10_000);
  });

  it("waits for outcomes to be in the log: what a crash would put in doubt again is not settled", () => {
    const hand = new Hand();
    hand.acceptMany(2, 0);
    const [one, two] = [hand.send(10), hand.send(20)];
    hand.engine.batch.clear();
    hand.settle(two, Outcome.OVERLOADED, 30);
    expect(hand.engine.settledUntilMs(NOON_MS + 40)).to.equal(NOON_MS + 10);
    hand.settle(one, Outcome.CHARGED, 30);
    expect(hand.engine.settledUntilMs(NOON_MS + 40)).to.equal(NOON_MS + 10);
    hand.engine.batch.clear();
    expect(hand.engine.settledUntilMs(NOON_MS + 40)).to.equal(NOON_MS + 40);
  });

  it("waits for a refusal to be in the log even when the payment has been sent again", () => {
    const hand = new Hand({ settleWithinMs: 0 });
    hand.accept(0, 0);
    const request = hand.send(10);
    hand.engine.batch.clear();
    hand.settle(request, Outcome.FAILING, 20);
    expect(hand.send(30)).to.include({ processor: FALLBACK, requestedAtMs: 30 });
    expect(hand.engine.settledUntilMs(NOON_MS + 40)).to.equal(NOON_MS + 10);
    hand.engine.revert();
    expect(hand.engine.settledUntilMs(NOON_MS + 40)).to.equal(NOON_MS + 10);
  });

  it("is never before a charge that is counted later", () => {
    const hand = new Hand();
    hand.acceptMany(2, 0);
    const untilMs = hand.settledUntil(100);
    expect(hand.send(100).requestedAtMs).to.be.at.least(untilMs);
  });
});

describe("engine: looking up", () => {
  it("finds a payment by correlationId and by payment id, a UUIDv7 of its own", () => {
    const hand = new Hand();
    hand.acceptMany(50, 5);
    const ids = Array.from({ length: 50 }, (_, n) => hand.paymentId(n));
    for (let n = 0; n < 50; n++) expect([hand.slot(n), hand.engine.lookup(ids[n]!)]).to.deep.equal([n, n]);
    expect(new Set(ids.map((id) => formatUuid(id))).size).to.equal(50);
    expect(formatUuid(ids[0]!)).to.match(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab]/);
  });

  it("gives a payment the same id through its whole life", () => {
    const hand = new Hand();
    hand.accept(0, 0);
    const id = formatUuid(hand.paymentId(0));
    hand.settle(hand.send(5), Outcome.OVERLOADED, 10);
    hand.settle(hand.send(200), Outcome.CHARGED, 210);
    expect(formatUuid(hand.paymentId(0))).to.equal(id);
  });

  it("finds nothing by a payment id that differs in any single bit", () => {
    const hand = new Hand({ capacity: 4 });
    hand.acceptMany(4, 5);
    for (let n = 0; n < 4; n++) {
      for (let bit = 0; bit < 128; bit++) {
        const id = hand.paymentId(n);
        id[bit >> 5]! ^= 1 << (bit & 31);
        expect(hand.engine.lookup(id), `payment ${n} bit ${bit}`).to.equal(NOT_FOUND_SLOT);
      }
    }
  });

  it("finds nothing by the payment id of another instance, of a payment to come or of one that was purged", () => {
    const hand = new Hand({ capacity: 2 });
    const other = new Hand({ capacity: 2, partition: 4 });
    hand.acceptMany(2, 5);
    other.acceptMany(2, 5);
    expect(hand.engine.lookup(other.paymentId(0))).to.equal(NOT_FOUND_SLOT);
    const gone = hand.paymentId(0);
    hand.engine.purge(NOON_MS + 10);
    expect(hand.engine.lookup(gone)).to.equal(NOT_FOUND_SLOT);
    hand.acceptMany(2, 5);
    expect(hand.engine.lookup(gone)).to.equal(NOT_FOUND_SLOT);
    const fresh = hand.paymentId(0);
    expect(hand.engine.lookup(fresh)).to.equal(hand.slot(0));
    hand.engine.purge(NOON_MS + 20);
    hand.engine.accept(uuid(0), 0, 1, NOON_MS + 10);
    expect(hand.engine.lookup(fresh)).to.equal(NOT_FOUND_SLOT);
  });
});

describe("engine: when the log cannot be written", () => {
  it("takes back what was accepted: nobody knows it, its place is free", () => {
    const hand = new Hand({ capacity: 3 });
    hand.accept(0, 0);
    hand.engine.batch.clear();
    for (const n of [1, 2]) hand.accept(n, 1);
    const id = hand.paymentId(2);
    expect(hand.engine.lookup(id)).to.equal(2);
    hand.engine.revert();
    expect(hand.engine.lookup(id)).to.equal(NOT_FOUND_SLOT);
    expect([0, 1, 2].map((n) => hand.slot(n))).to.deep.equal([0, NOT_FOUND_SLOT, NOT_FOUND_SLOT]);
    expect([hand.engine.ledger.size, hand.engine.batch.count]).to.deep.equal([1, 0]);
    expect(hand.sendAll(2).map((request) => request.slot)).to.deep.equal([0]);
    for (const n of [3, 4]) expect(hand.accept(n, 3)).to.equal(ACCEPTED_NEW);
    expect([hand.accept(1, 3), hand.slot(3), hand.slot(4)]).to.deep.equal([FULL, 1, 2]);
    expect(hand.sendAll(4).map((request) => request.slot)).to.deep.equal([1, 2]);
  });

  it("takes back what was to be sent: pending again, in the order it had", () => {
    const hand = new Hand({ maxInFlight: 3 });
    hand.acceptMany(5, 0);
    hand.engine.batch.clear();
    hand.sendAll(5);
    hand.engine.revert();
    expect([0, 1, 2, 3, 4].map((n) => hand.state(n))).to.deep.equal(Array(5).fill(State.PENDING));
    expect([hand.rows.attemptCount[0], hand.engine.gates[DEFAULT]!.inFlightCount]).to.deep.equal([0, 0]);
    expect([hand.engine.flights.openCount(DEFAULT), hand.settledUntil(5)]).to.deep.equal([0, 5]);
    const again = hand.sendAll(9);
    expect(again.map((request) => [request.slot, request.requestedAtMs])).to.deep.equal([
      [0, 9],
      [1, 9],
      [2, 9],
    ]);
  });

  it("takes back what was accepted and sent in one turn", () => {
    const hand = new Hand();
    hand.acceptMany(2, 0);
    hand.sendAll(0);
    hand.engine.revert();
    expect([hand.engine.ledger.size, hand.engine.batch.count, hand.sendAll(1)]).to.deep.equal([0, 0, []]);
    hand.acceptMany(2, 2);
    expect(hand.sendAll(2)).to.have.length(2);
  });

  it("keeps what has happened at the processors, and its records for the next write", () => {
    const hand = new Hand({ maxInFlight: 4 });
    hand.acceptMany(4, 0);
    const [charged, refused, doubted] = hand.sendAll(0);
    hand.engine.batch.clear();
    hand.accept(4, 1);
    hand.settle(charged!, Outcome.CHARGED, 2);
    hand.settle(refused!, Outcome.MISCONFIGURED, 3);
    hand.settle(doubted!, Outcome.UNEXPECTED, 4);
    hand.engine.revert();
    const { batch } = hand.engine;
    expect(Array.from({ length: batch.count }, (_, record) => batch.sequence(record))).to.deep.equal([0, 1, 2]);
    expect([0, 1, 2, 3].map((n) => hand.state(n))).to.deep.equal([
      State.PROCESSED,
      State.PENDING,
      State.IN_DOUBT,
      State.SENDING,
    ]);
    expect(hand.slot(4)).to.equal(NOT_FOUND_SLOT);
  });

  it("takes back a second sending, and keeps the refusal before it", () => {
    const hand = new Hand({ settleWithinMs: 0 });
    hand.accept(0, 0);
    const request = hand.send(0);
    hand.engine.batch.clear();
    hand.settle(request, Outcome.FAILING, 5);
    expect(hand.send(5).processor).to.equal(FALLBACK);
    hand.engine.revert();
    expect([hand.state(0), hand.rows.attemptCount[0], hand.engine.batch.count]).to.deep.equal([State.PENDING, 1, 1]);
    expect(hand.engine.ledger.trail(0)).to.have.length(1);
    expect(hand.send(6)).to.include({ processor: FALLBACK, requestedAtMs: 6 });
  });

  it("does not keep the next probe waiting for one that was taken back", () => {
    const hand = defaultDown();
    hand.engine.batch.clear();
    expect(hand.send(110).processor).to.equal(DEFAULT);
    hand.engine.revert();
    expect(hand.sendFirst(111).atMs).to.be.below(1200);
  });

  it("puts off what was to be asked about a doubt", () => {
    for (const outcome of [Outcome.RESET, Outcome.UNCLEAR]) {
      const hand = inDoubt({}, outcome);
      hand.engine.batch.clear();
      const again = hand.send(1010);
      hand.engine.revert();
      hand.engine.unask(again.flight, NOON_MS + 1010);
      const gate = hand.engine.gates[DEFAULT]!;
      expect([hand.state(0), gate.inFlightCount, gate.lookupCount]).to.deep.equal([State.IN_DOUBT, 0, 0]);
      const later = hand.sendFirst(1011);
      expect([later.atMs, later.how, later.slot]).to.deep.equal([1110, again.how, 0]);
      hand.settle(later, later.how === FlightState.POSTING ? Outcome.CHARGED : Outcome.FOUND, later.atMs + 5);
      expect(hand.sum(10, 10)).to.deep.equal([1, 1990, 0, 0]);
    }
  });

  it("lets go of what was asked about a payment that is gone", () => {
    const hand = inDoubt({}, Outcome.RESET);
    hand.engine.batch.clear();
    const again = hand.send(1010);
    hand.engine.purge(NOON_MS + 1010);
    hand.engine.unask(again.flight, NOON_MS + 1010);
    const gate = hand.engine.gates[DEFAULT]!;
    expect([gate.inFlightCount, hand.engine.flights.openCount(DEFAULT)]).to.deep.equal([0, 0]);
  });
});

/** A new engine with the ledger of another one, as after a restart. */
function restarted(hand: Hand, log: readonly Uint8Array[], options: Partial<HandOptions> = {}): Hand {
  const after = new Hand(options);
  const batch = new RecordBatch(1);
  for (const bytes of log) {
    batch.bytes.set(bytes);
    after.engine.ledger.apply(batch, 0);
  }
  expect(after.engine.ledger.size).to.equal(hand.engine.ledger.size);
  return after;
}

function recordsOf(hand: Hand): Uint8Array[] {
  return [...hand.log, ...recordsIn(hand.engine.batch)];
}

function recordsIn(batch: RecordBatch): Uint8Array[] {
  return Array.from({ length: batch.count }, (_, i) => batch.bytes.slice(i * RECORD_BYTES, (i + 1) * RECORD_BYTES));
}

describe("engine: after a restart", () => {
  it("sends pending payments in their order, and asks about what was being sent where and as it was sent", () => {
    const hand = new Hand({ maxInFlight: 3, answerWithinMs: 2000, waitsForSlow: true, settleWithinMs: 0 });
    hand.acceptMany(8, 0);
    const requests = hand.sendAll(10);
    expect(requests.map((request) => request.processor)).to.deep.equal([0, 0, 0, 1, 1, 1]);
    hand.settle(requests[0]!, Outcome.CHARGED, 11);
    hand.settle(requests[3]!, Outcome.UNEXPECTED, 11);
    const after = restarted(hand, recordsOf(hand));
    after.engine.resume(NOON_MS + 500);
    expect(after.settledUntil(500)).to.equal(10);
    const asked = after.sendAll(500);
    expect(asked.map((request) => [request.slot, request.processor, request.requestedAtMs])).to.deep.equal([
      [1, DEFAULT, 10],
      [2, DEFAULT, 10],
      [3, FALLBACK, 10],
      [4, FALLBACK, 10],
      [5, FALLBACK, 10],
      [6, DEFAULT, 500],
      [7, DEFAULT, 500],
    ]);
    for (const request of asked) after.settle(request, Outcome.CHARGED, 501);
    expect([after.sum(10, 10), after.sum(500, 500)]).to.deep.equal([
      [3, 5970, 3, 5970],
      [2, 3980, 0, 0],
    ]);
    expect([after.settledUntil(600), after.outcome(1)]).to.deep.equal([600, "charged"]);
  });

  it("does not take a charge of before the restart for somebody else's", () => {
    const hand = new Hand();
    hand.accept(0, 0);
    hand.send(10);
    const after = restarted(hand, recordsOf(hand));
    after.engine.resume(NOON_MS + 20);
    expect(after.state(0)).to.equal(State.IN_DOUBT);
    after.settle(after.send(20), Outcome.ALREADY_CHARGED, 25);
    const lookup = after.sendFirst(25);
    after.settle(lookup, Outcome.FOUND, lookup.atMs);
    expect([after.state(0), after.sum(10, 10)]).to.deep.equal([State.PROCESSED, [1, 1990, 0, 0]]);
  });

  it("knows every payment again, by both ids, and gives up by the age since acceptance", () => {
    const hand = new Hand();
    hand.acceptMany(3, 0);
    hand.settle(hand.send(5), Outcome.CHARGED, 6);
    const ids = [0, 1, 2].map((n) => hand.paymentId(n));
    const after = restarted(hand, recordsOf(hand));
    after.engine.resume(NOON_MS + 100);
    expect([after.accept(0, 100), after.accept(1, 100, 5)]).to.deep.equal([DUPLICATE, CONFLICT]);
    expect(ids.map((id) => after.engine.lookup(id))).to.deep.equal([0, 1, 2]);
    expect([after.giveUp(59_999), after.giveUp(60_000)]).to.deep.equal([[], [1, 2]]);
  });

  it("has nothing to do with an empty ledger", () => {
    const hand = new Hand();
    hand.engine.resume(NOON_MS);
    expect([hand.sendAll(1), hand.engine.hasDoubts, hand.settledUntil(1)]).to.deep.equal([[], false, 1]);
  });
});
