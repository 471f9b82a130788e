import type { Aging } from "../ledger/aging.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { NOT_FOUND_SLOT } from "../ledger/uuid-index.ts";
import type { RecordBatches } from "../log/record-batches.ts";
import * as Kind from "../log/record-kind.ts";
import type { Flight, OutcomeCode, Slot } from "../values/number-types.ts";
import * as Outcome from "../values/outcome.ts";
import type { ReasonCode } from "../values/reason.ts";
import * as State from "../values/state.ts";
import type { Backlog } from "./backlog.ts";
import type { Doubts } from "./doubts.ts";
import * as FlightState from "./flight-state.ts";
import { type Flights, NO_FLIGHT } from "./flights.ts";
import type { ProcessorGate } from "./processor-gate.ts";
import { NOWHERE, type Router } from "./router.ts";

/** What an engine is made of, for those that decide what is sent and what has come of it. */
export type EngineParts = {
  ledger: Ledger;
  batches: RecordBatches;
  flights: Flights;
  gates: readonly ProcessorGate[];
  doubts: Doubts;
  backlog: Backlog;
};

export type DispatchParts = EngineParts & {
  router: Router;
  aging: Aging;
  /** Whether the payment in a slot must not be sent yet. */
  isHeld: (slot: Slot) => boolean;
};

/** What is to be sent or asked about next, on record before it leaves. Times are engine time. */
export class Dispatch {
  readonly #ledger: Ledger;
  readonly #batches: RecordBatches;
  readonly #flights: Flights;
  readonly #gates: readonly ProcessorGate[];
  readonly #router: Router;
  readonly #doubts: Doubts;
  readonly #backlog: Backlog;
  readonly #aging: Aging;
  readonly #isHeld: (slot: Slot) => boolean;
  #nowMs = 0;

  constructor(parts: DispatchParts) {
    this.#ledger = parts.ledger;
    this.#batches = parts.batches;
    this.#flights = parts.flights;
    this.#gates = parts.gates;
    this.#router = parts.router;
    this.#doubts = parts.doubts;
    this.#backlog = parts.backlog;
    this.#aging = parts.aging;
    this.#isHeld = parts.isHeld;
  }

  /** See Engine.dispatch. Doubts come before what was never sent. */
  next(nowMs: number): Flight {
    this.#nowMs = nowMs;
    const doubt = this.#doubts.ask(nowMs, !this.#backlog.isEmpty);
    if (doubt === NO_FLIGHT) return this.#sendNextPending();
    this.#noteAsked(doubt);
    return doubt;
  }

  /** See Engine.resume. `hold` takes every payment that is not settled, if there is one. */
  resume(nowMs: number, hold: ((slot: Slot) => void) | undefined): void {
    this.#nowMs = nowMs;
    const ledger = this.#ledger;
    for (let sequence = ledger.tail; sequence < ledger.head; sequence++) {
      const slot = ledger.slotOf(sequence);
      const state = ledger.rows.state[slot]!;
      if (state === State.SENDING) this.#record(Kind.DOUBTED, slot, ledger.rows.processor[slot]!, Outcome.LOST);
      if (state > State.IN_DOUBT) continue;
      if (hold) hold(slot);
      else this.takeUp(slot, nowMs);
    }
  }

  /** A payment that is pending, or in doubt since another life; younger ones may be waiting already. */
  takeUp(slot: Slot, nowMs: number): void {
    const { rows } = this.#ledger;
    if (rows.state[slot] === State.PENDING) {
      this.#backlog.insert(slot);
      return;
    }
    const flight = this.#flights.openKnown(slot, rows.processor[slot]!, nowMs);
    this.#doubts.defer(flight, Outcome.LOST, rows.mayLand[slot] === 1, nowMs);
  }

  /** Whether `takeUp` has a place for the payment. */
  hasRoomFor(slot: Slot): boolean {
    const { rows } = this.#ledger;
    return rows.state[slot] === State.PENDING || this.#flights.hasRoom(rows.processor[slot]!);
  }

  /** The payment's SENDING was reverted: its request never left, and it is the next to be sent. */
  unsend(slot: Slot): void {
    const flights = this.#flights;
    for (let flight = 0; flight < flights.highWater; flight++) {
      if (flights.state[flight] !== FlightState.POSTING || flights.slot[flight] !== slot) continue;
      const gate = this.#gates[flights.processor[flight]!]!;
      gate.postDropped(flights.probe[flight]!, flights.beganAtMs[flight]!);
      flights.close(flight);
    }
    this.#backlog.insert(slot);
  }

  /** A POST about a payment of which nothing is under way is on record before it leaves: after a crash it may land. */
  #noteAsked(flight: Flight): void {
    const slot = this.#flights.slot[flight]!;
    if (this.#flights.state[flight] !== FlightState.POSTING || this.#ledger.rows.mayLand[slot] === 1) return;
    this.#record(Kind.DOUBTED, slot, this.#flights.processor[flight]!, Outcome.ASKED);
  }

  #sendNextPending(): Flight {
    const oldest = this.#backlog.peek(this.#nowMs, this.#isNotToBeSent, this.#isLate);
    if (this.#backlog.isEmpty) return NO_FLIGHT;
    const probe = this.#sendProbe();
    if (probe !== NO_FLIGHT) return probe;
    const processor = this.#choose(oldest);
    if (processor === NOWHERE) return this.#sendNextLate();
    this.#backlog.shift();
    return this.#send(oldest, processor);
  }

  #sendNextLate(): Flight {
    const late = this.#backlog.peekLate(this.#isNotToBeSent);
    const processor = this.#choose(late);
    if (processor === NOWHERE) return NO_FLIGHT;
    this.#backlog.shiftLate();
    return this.#send(late, processor);
  }

  #choose(slot: Slot): number {
    if (slot === NOT_FOUND_SLOT) return NOWHERE;
    return this.#router.choose(this.#aging.ageMs(slot, this.#nowMs), this.#backlog.count, this.#nowMs);
  }

  #sendProbe(): Flight {
    if (!this.#gates.some((gate) => gate.isDown)) return NO_FLIGHT;
    const youngest = this.#backlog.peekYoungest(this.#isNotToBeSent);
    if (youngest === NOT_FOUND_SLOT) return NO_FLIGHT;
    const isTried = this.#ledger.rows.attemptCount[youngest]! > 0;
    const processor = this.#router.probe(this.#aging.ageMs(youngest, this.#nowMs), isTried, this.#nowMs);
    if (processor === NOWHERE) return NO_FLIGHT;
    this.#backlog.removeYoungest(youngest);
    return this.#send(youngest, processor);
  }

  #send(slot: Slot, processor: number): Flight {
    this.#record(Kind.SENDING, slot, processor, this.#router.reason);
    const probe = this.#gates[processor]!.began(true, this.#nowMs);
    return this.#flights.open(slot, processor, this.#nowMs, probe);
  }

  /**
   * One that is too old for another attempt is failed by `Engine.giveUpOld`. One that is held comes back when it is
   * released: its slot may stand in the backlog for an earlier payment that was given up there.
   */
  readonly #isNotToBeSent = (slot: Slot): boolean => this.#aging.isTooOld(slot, this.#nowMs) || this.#isHeld(slot);

  readonly #isLate = (slot: Slot): boolean => this.#router.isLate(this.#aging.ageMs(slot, this.#nowMs), this.#nowMs);

  #record(kind: number, slot: Slot, processor: number, outcome: OutcomeCode | ReasonCode): void {
    this.#ledger.record(this.#batches.current, kind, slot, this.#nowMs, processor, outcome as OutcomeCode, 0);
  }
}
