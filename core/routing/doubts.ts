import type { Flight, OutcomeCode } from "../values/number-types.ts";
import * as Outcome from "../values/outcome.ts";
import * as FlightState from "./flight-state.ts";
import { BY_EITHER, type Flights, LOOKUP_FIRST, LOOKUP_SETTLES, NO_FLIGHT } from "./flights.ts";
import { OPEN, type ProcessorGate, SATURATED } from "./processor-gate.ts";

const INTERVAL_MS_MIN = 100;
const INTERVAL_MS_MAX = 2000;
/** A doubt that asking does not settle is asked about less often. */
const STUCK_INTERVAL_MS = 30_000;
/** Lookups to one processor at once. */
const LOOKUPS_MAX = 16;

/**
 * When and how payments in doubt are asked about again: always at their processor, at their requestedAt.
 *
 *   nothing of it is under way    by GET, at once: its answer is final. Where POSTs are answered as if nobody were
 *                                 there, such a 404 says nothing, so then by POST as well, on record before it leaves
 *   an attempt may still land     by POST where the processor takes payments, by GET where it does not; and by GET
 *                                 after every POST in vain: where all of them are, only a GET will ever tell. A
 *                                 connection that broke is worth another POST at once
 *
 * The interval doubles from 100 ms to 2 s, and is 30 s once the processor has answered 16 times in vain; when a
 * processor is back, all are due.
 */
export class Doubts {
  readonly #flights: Flights;
  readonly #gates: readonly ProcessorGate[];
  #nextDueAtMs = Number.POSITIVE_INFINITY;

  constructor(flights: Flights, gates: readonly ProcessorGate[]) {
    this.#flights = flights;
    this.#gates = gates;
  }

  /** Whether any are waiting. */
  get areWaiting(): boolean {
    return this.#nextDueAtMs < Number.POSITIVE_INFINITY;
  }

  clear(): void {
    this.#nextDueAtMs = Number.POSITIVE_INFINITY;
  }

  /**
   * The flight's outcome left it in doubt: it will be asked about later. `mayLand`: an attempt of it may still be under
   * way.
   */
  defer(flight: Flight, outcome: OutcomeCode, mayLand: boolean, nowMs: number): void {
    const flights = this.#flights;
    const dueAtMs = nowMs + (flights.isStuck(flight) ? STUCK_INTERVAL_MS : this.#delayMs(flight, outcome, mayLand));
    flights.doubt(flight, dueAtMs, mayLand ? this.#modeAfter(flight, outcome) : this.#modeOfEnded(flight));
    this.#nextDueAtMs = Math.min(this.#nextDueAtMs, dueAtMs);
  }

  /** The processor works again: whatever waits for it may be asked about now. */
  hurry(processor: number, nowMs: number): void {
    const flights = this.#flights;
    if (flights.doubtCount(processor) === 0) return;
    for (let flight = 0; flight < flights.highWater; flight++) {
      if (flights.state[flight] === FlightState.DOUBT && flights.processor[flight] === processor)
        flights.dueAtMs[flight] = nowMs;
    }
    this.#nextDueAtMs = nowMs;
  }

  /** The request about the flight did not leave. */
  putOff(flight: Flight, nowMs: number): void {
    this.#flights.dueAtMs[flight] = nowMs + INTERVAL_MS_MIN;
    this.#nextDueAtMs = Math.min(this.#nextDueAtMs, nowMs + INTERVAL_MS_MIN);
  }

  /**
   * A flight that is to be asked about now, its state saying how, or NO_FLIGHT. `hasPending`: other payments wait to be
   * sent.
   */
  ask(nowMs: number, hasPending: boolean): Flight {
    if (!this.areWaiting) return NO_FLIGHT;
    const probe = this.#probe(nowMs, hasPending);
    if (probe !== NO_FLIGHT || nowMs < this.#nextDueAtMs) return probe;
    const flights = this.#flights;
    let nextDueAtMs = Number.POSITIVE_INFINITY;
    for (let flight = 0; flight < flights.highWater; flight++) {
      if (flights.state[flight] !== FlightState.DOUBT) continue;
      if (flights.dueAtMs[flight]! <= nowMs) {
        const how = this.#howToAsk(flight, nowMs);
        if (how !== undefined) return this.#begin(flight, how, nowMs);
        flights.dueAtMs[flight] = nowMs + INTERVAL_MS_MIN;
      }
      nextDueAtMs = Math.min(nextDueAtMs, flights.dueAtMs[flight]!);
    }
    this.#nextDueAtMs = nextDueAtMs;
    return NO_FLIGHT;
  }

  /**
   * A processor that is to be tried is tried with a payment that is bound to it anyway, due or not, unless all need a
   * lookup first.
   */
  #probe(nowMs: number, hasPending: boolean): Flight {
    for (let processor = 0; processor < this.#gates.length; processor++) {
      const gate = this.#gates[processor]!;
      if (this.#flights.doubtCount(processor) === 0 || !gate.isDown || gate.admit(nowMs) !== OPEN) continue;
      if (hasPending && gate.wantsFreshProbe) continue;
      const flight = this.#earliestDue(processor);
      if (flight !== NO_FLIGHT) return this.#begin(flight, FlightState.POSTING, nowMs);
    }
    return NO_FLIGHT;
  }

  #earliestDue(processor: number): Flight {
    const flights = this.#flights;
    let earliest = NO_FLIGHT;
    for (let flight = 0; flight < flights.highWater; flight++) {
      if (flights.state[flight] !== FlightState.DOUBT || flights.processor[flight] !== processor) continue;
      if (flights.askMode[flight] !== BY_EITHER) continue;
      if (earliest === NO_FLIGHT || flights.dueAtMs[flight]! < flights.dueAtMs[earliest]!) earliest = flight;
    }
    return earliest;
  }

  /** What ended without a word can be looked up at once, and what broke with its connection asked again. */
  #delayMs(flight: Flight, outcome: OutcomeCode, mayLand: boolean): number {
    const asked = this.#flights.askCount[flight]!;
    if (asked === 0 && (!mayLand || outcome === Outcome.ALREADY_CHARGED || isBroken(outcome))) return 0;
    if (asked > 0 && this.#flights.state[flight] === FlightState.POSTING) return INTERVAL_MS_MIN;
    return Math.min(INTERVAL_MS_MIN * 2 ** Math.min(asked, 10), INTERVAL_MS_MAX);
  }

  #modeAfter(flight: Flight, outcome: OutcomeCode): number {
    const isFirstBreak = this.#flights.askCount[flight] === 0 && isBroken(outcome);
    return this.#flights.state[flight] === FlightState.POSTING && !isFirstBreak ? LOOKUP_FIRST : BY_EITHER;
  }

  /** Where lookups are of no use, only a POST finds out that the processor is back: there may be no other payment. */
  #modeOfEnded(flight: Flight): number {
    const { downReason } = this.#gates[this.#flights.processor[flight]!]!;
    const isInVain = this.#flights.state[flight] === FlightState.LOOKING_UP && downReason === Outcome.MISCONFIGURED;
    return isInVain ? BY_EITHER : LOOKUP_SETTLES;
  }

  #begin(flight: Flight, how: typeof FlightState.POSTING | typeof FlightState.LOOKING_UP, nowMs: number): Flight {
    const probe = this.#gates[this.#flights.processor[flight]!]!.began(how === FlightState.POSTING, nowMs);
    this.#flights.ask(flight, how, nowMs, probe);
    return flight;
  }

  #howToAsk(flight: Flight, nowMs: number): typeof FlightState.POSTING | typeof FlightState.LOOKING_UP | undefined {
    const gate = this.#gates[this.#flights.processor[flight]!]!;
    if (this.#flights.askMode[flight] === BY_EITHER) {
      const admitted = gate.admit(nowMs);
      if (admitted === OPEN) return FlightState.POSTING;
      if (admitted === SATURATED) return undefined;
    }
    return gate.isPaused(nowMs) || gate.lookupCount >= LOOKUPS_MAX ? undefined : FlightState.LOOKING_UP;
  }
}

/** The connection broke, for reasons that may be its own. */
function isBroken(outcome: OutcomeCode): boolean {
  return outcome === Outcome.RESET || outcome === Outcome.LOST || outcome === Outcome.DROPPED;
}
