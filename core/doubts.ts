import {
  BY_EITHER,
  DOUBT,
  type Flights,
  LOOKING_UP,
  LOOKUP_FIRST,
  LOOKUP_ONLY,
  NO_FLIGHT,
  POSTING,
} from "./flights.ts";
import { LOST, REJECTED, RESET, TIMED_OUT } from "./payment.ts";
import { OPEN, SATURATED } from "./processor-gate.ts";
import type { Router } from "./router.ts";

const INTERVAL_MS_MIN = 100;
const INTERVAL_MS_MAX = 2000;
/** Lookups to one processor at once. */
const LOOKUPS_MAX = 16;

/**
 * When and how payments in doubt are asked about again: always at their processor, at their requestedAt. By POST where the processor
 * takes payments, because 200 and 422 are both certain; by GET where it does not, and after every POST that took too long: where all of
 * them do, only a GET will ever tell. The interval doubles from 100 ms to 2 s.
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

  /** The flight's outcome left it in doubt: it will be asked about later. A connection that broke may be tried again at once. */
  defer(flight: number, outcome: number, nowMs: number): void {
    const asked = this.#flights.askCount[flight]!;
    const isBroken = outcome === RESET || outcome === LOST;
    const delayMs = isBroken && asked === 0 ? 0 : Math.min(INTERVAL_MS_MIN * 2 ** Math.min(asked, 10), INTERVAL_MS_MAX);
    this.#flights.doubt(flight, nowMs + delayMs, modeAfter(outcome));
    this.#nextDueAtMs = Math.min(this.#nextDueAtMs, nowMs + delayMs);
  }

  /** A flight that is to be asked about now, its state saying how, or NO_FLIGHT. */
  ask(nowMs: number): number {
    if (!this.areWaiting) return NO_FLIGHT;
    const probe = this.#probe(nowMs);
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
  #probe(nowMs: number): number {
    for (let processor = 0; processor < this.#router.gates.length; processor++) {
      const gate = this.#router.gates[processor]!;
      if (this.#flights.doubtCount(processor) === 0 || !gate.isDown || gate.admit(nowMs) !== OPEN) continue;
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

  #begin(flight: number, how: typeof POSTING | typeof LOOKING_UP, nowMs: number): number {
    const probe = this.#router.gates[this.#flights.processor[flight]!]!.began(how === POSTING, nowMs);
    this.#flights.ask(flight, how, nowMs, probe);
    return flight;
  }

  #howToAsk(flight: number, nowMs: number): typeof POSTING | typeof LOOKING_UP | undefined {
    const gate = this.#router.gates[this.#flights.processor[flight]!]!;
    const admitted = gate.admit(nowMs);
    if (admitted === OPEN && this.#flights.askMode[flight] === BY_EITHER) return POSTING;
    return admitted === SATURATED || gate.inFlightCount >= LOOKUPS_MAX ? undefined : LOOKING_UP;
  }
}

function modeAfter(outcome: number): number {
  if (outcome === REJECTED) return LOOKUP_ONLY;
  return outcome === TIMED_OUT ? LOOKUP_FIRST : BY_EITHER;
}
