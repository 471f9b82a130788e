import { DEFAULT, FALLBACK } from "../values/processor.ts";
import type { Flights } from "./flights.ts";
import { DOWN, OPEN, type ProcessorGate, type SATURATED } from "./processor-gate.ts";
import type { Ways } from "./ways.ts";

export const NOWHERE = -1;

export type RouterOptions = {
  /** How long a payment waits for the cheaper processor while that is down. */
  failoverPatienceMs: number;
  /** How long a payment waits, at least, for the cheaper processor while that is working at its in-flight limit. */
  saturationPatienceMs: number;
};

/** The policy: the cheaper processor takes a payment unless it cannot and the payment has waited long enough. */
export class Router {
  readonly gates: readonly ProcessorGate[];
  readonly #flights: Flights;
  readonly #downPatienceMs: number;
  readonly #saturatedPatienceMs: number;

  constructor({ gates, flights }: Ways, options: RouterOptions) {
    this.gates = gates;
    this.#flights = flights;
    this.#downPatienceMs = options.failoverPatienceMs;
    this.#saturatedPatienceMs = Math.max(options.failoverPatienceMs, options.saturationPatienceMs);
  }

  /**
   * Where a payment that has waited `waitedMs` goes now, or NOWHERE. `isTried`: it has been sent before, so that it is
   * no probe where another processor would take it. Hot: one atomic load per processor asked.
   */
  choose(waitedMs: number, isTried: boolean, nowMs: number): number {
    const cheaper = this.#admitNew(DEFAULT, nowMs);
    const isProbe = cheaper === OPEN && this.gates[DEFAULT]!.isDown;
    if (cheaper === OPEN && !(isProbe && isTried)) return DEFAULT;
    if (isProbe) {
      const isElsewhere = waitedMs >= this.#downPatienceMs && this.#isWorking(FALLBACK, nowMs);
      return isElsewhere ? FALLBACK : DEFAULT;
    }
    if (waitedMs < (cheaper === DOWN ? this.#downPatienceMs : this.#saturatedPatienceMs)) return NOWHERE;
    return this.#admitNew(FALLBACK, nowMs) === OPEN ? FALLBACK : NOWHERE;
  }

  #isWorking(processor: number, nowMs: number): boolean {
    return this.#admitNew(processor, nowMs) === OPEN && !this.gates[processor]!.isDown;
  }

  /** A payment not yet bound to a processor must not be risked as a probe while a doubt there can be one. */
  #admitNew(processor: number, nowMs: number): typeof OPEN | typeof SATURATED | typeof DOWN {
    if (!this.#flights.hasRoom(processor)) return DOWN;
    const gate = this.gates[processor]!;
    const admitted = gate.admit(nowMs);
    const isDoubtsTurn = this.#flights.probeCandidateCount(processor) > 0 && !gate.wantsFreshProbe;
    if (admitted === OPEN && gate.isDown && isDoubtsTurn) return DOWN;
    return admitted;
  }
}
