import { ALREADY_CHARGED, DROPPED, LOST, MISCONFIGURED, RESET } from "../values/payment.ts";
import {
  BY_EITHER,
  DOUBT,
  type Flights,
  LOOKING_UP,
  LOOKUP_FIRST,
  LOOKUP_SETTLES,
  NO_FLIGHT,
  POSTING,
} from "./flights.ts";
import { OPEN, SATURATED } from "./processor-gate.ts";
import type { Router } from "./router.ts";

const INTERVAL_MS_MIN = 100;
const INTERVAL_MS_MAX = 2000;
/** A doubt that asking does not settle is asked about less often. */
const STUCK_INTERVAL_MS = 30_000;
/** Lookups to one processor at once. */
const LOOKUPS_MAX = 16;

/**
 * When and how payments in doubt are asked about again: always at their processor, at their requestedAt.
 *
 *   nothing of it is under way    by GET, at once: its answer is final; where POSTs are answered as if nobody were there, such a 404 says
 *                                 nothing, so then by POST as well
 *   an attempt may still land     by POST where the processor takes payments, by GET where it does not; and by GET after every POST in vain: where
 *                                 all of them are, only a GET will ever tell. A connection that broke is worth another POST at once
 *
 * The interval doubles from 100 ms to 2 s, and is 30 s once the processor has answered 16 times in vain; when a processor is back, all are
 * due.
 */
export class Doubts {
  readonly #flights: Flights;
  readonly #router: Router;
  #nextDueAtMs = Number.POSITIVE_INFINITY;

  constructor(flights: Flights, router: Router) {
    this.#flights = flights;
    this.#router = router;
  }

  /** Whether any are waiting. */
  get areWaiting(): boolean {
    return this.#nextDueAtMs < Number.POSITIVE_INFINITY;
  }

  clear(): void {
    this.#nextDueAtMs = Number.POSITIVE_INFINITY;
  }

  /** The flight's outcome left it in doubt: it will be asked about later. `mayLand`: an attempt of it may still be under way. */
  defer(flight: number, outcome: number, mayLand: boolean, nowMs: number): void {
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
      if (flights.state[flight] === DOUBT && flights.processor[flight] === processor) flights.dueAtMs[flight] = nowMs;
    }
    this.#nextDueAtMs = nowMs;
  }

  /** The request about the flight did not leave. */
  putOff(flight: number, nowMs: number): void {
    this.#flights.dueAtMs[flight] = nowMs + INTERVAL_MS_MIN;
    this.#nextDueAtMs = Math.min(this.#nextDueAtMs, nowMs + INTERVAL_MS_MIN);
  }

  /** A flight that is to be asked about now, its state saying how, or NO_FLIGHT. `hasPending`: other payments wait to be sent. */
  ask(nowMs: number, hasPending: boolean): number {
    if (!this.areWaiting) return NO_FLIGHT;
    const probe = this.#probe(nowMs, hasPending);
    if (probe !== NO_FLIGHT || nowMs < this.#nextDueAtMs) return probe;
    const flights = this.#flights;
    let nextDueAtMs = Number.POSITIVE_INFINITY;
    for (let flight = 0; flight < flights.highWater; flight++) {
      if (flights.state[flight] !== DOUBT) continue;
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

  /** A processor that is to be tried is tried with a payment that is bound to it anyway, due or not, unless all need a lookup first. */
  #probe(nowMs: number, hasPending: boolean): number {
    for (let processor = 0; processor < this.#router.gates.length; processor++) {
      const gate = this.#router.gates[processor]!;
      if (this.#flights.doubtCount(processor) === 0 || !gate.isDown || gate.admit(nowMs) !== OPEN) continue;
      if (hasPending && gate.wantsFreshProbe) continue;
      const flight = this.#earliestDue(processor);
      if (flight !== NO_FLIGHT) return this.#begin(flight, POSTING, nowMs);
    }
    return NO_FLIGHT;
  }

  #earliestDue(processor: number): number {
    const flights = this.#flights;
    let earliest = NO_FLIGHT;
    for (let flight = 0; flight < flights.highWater; flight++) {
      if (flights.state[flight] !== DOUBT || flights.processor[flight] !== processor) continue;
      if (flights.askMode[flight] !== BY_EITHER) continue;
      if (earliest === NO_FLIGHT || flights.dueAtMs[flight]! < flights.dueAtMs[earliest]!) earliest = flight;
    }
    return earliest;
  }

  /** What ended without a word can be looked up at once, and what broke with its connection asked again. */
  #delayMs(flight: number, outcome: number, mayLand: boolean): number {
    const asked = this.#flights.askCount[flight]!;
    if (asked === 0 && (!mayLand || outcome === ALREADY_CHARGED || isBroken(outcome))) return 0;
    if (asked > 0 && this.#flights.state[flight] === POSTING) return INTERVAL_MS_MIN;
    return Math.min(INTERVAL_MS_MIN * 2 ** Math.min(asked, 10), INTERVAL_MS_MAX);
  }

  #modeAfter(flight: number, outcome: number): number {
    const isFirstBreak = this.#flights.askCount[flight] === 0 && isBroken(outcome);
    return this.#flights.state[flight] === POSTING && !isFirstBreak ? LOOKUP_FIRST : BY_EITHER;
  }

  /** Where a lookup has been of no use, only a POST will find out that the processor is back: there may be no other payment. */
  #modeOfEnded(flight: number): number {
    const { downReason } = this.#router.gates[this.#flights.processor[flight]!]!;
    const isInVain = this.#flights.state[flight] === LOOKING_UP && downReason === MISCONFIGURED;
    return isInVain ? BY_EITHER : LOOKUP_SETTLES;
  }

  #begin(flight: number, how: typeof POSTING | typeof LOOKING_UP, nowMs: number): number {
    const probe = this.#router.gates[this.#flights.processor[flight]!]!.began(how === POSTING, nowMs);
    this.#flights.ask(flight, how, nowMs, probe);
    return flight;
  }

  #howToAsk(flight: number, nowMs: number): typeof POSTING | typeof LOOKING_UP | undefined {
    const gate = this.#router.gates[this.#flights.processor[flight]!]!;
    if (this.#flights.askMode[flight] === BY_EITHER) {
      const admitted = gate.admit(nowMs);
      if (admitted === OPEN) return POSTING;
      if (admitted === SATURATED) return undefined;
    }
    return gate.isPaused(nowMs) || gate.lookupCount >= LOOKUPS_MAX ? undefined : LOOKING_UP;
  }
}

/** The connection broke, for reasons that may be its own. */
function isBroken(outcome: number): boolean {
  return outcome === RESET || outcome === LOST || outcome === DROPPED;
}
