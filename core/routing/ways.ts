import type { ProcessorTerms } from "../values/processor.ts";
import { Flights } from "./flights.ts";
import type { HealthSnapshot } from "./health-snapshot.ts";
import { DOWN, OPEN, ProcessorGate, type SATURATED } from "./processor-gate.ts";

/** In flight or in doubt at one processor, at most, over all engines of the process, unless told otherwise. */
const FLIGHT_QUOTA = 4096;

/**
 * An engine's ways to the processors: a gate each, with its in-flight limit, which all engines of a process share; and
 * the flights, of which each engine has its own within one quota.
 */
export class Ways {
  readonly gates: readonly ProcessorGate[];
  readonly flights: Flights;

  private constructor(gates: readonly ProcessorGate[], flights: Flights) {
    this.gates = gates;
    this.flights = flights;
  }

  /** The ways of the first engine of a process. `terms`: of each processor, in the order of their numbers. */
  static open(health: HealthSnapshot, terms: readonly ProcessorTerms[], flightQuota: number = FLIGHT_QUOTA): Ways {
    const gates = terms.map((own, processor) => new ProcessorGate(processor, health, own));
    return new Ways(gates, new Flights(flightQuota, terms.length));
  }

  /** The ways of another engine of the same process. */
  beside(): Ways {
    return new Ways(this.gates, this.flights.beside());
  }

  /** How many requests may be out to each processor from here on, in the order of their numbers; at least 1. */
  bound(maxInFlight: readonly number[]): void {
    this.gates.forEach((gate, processor) => {
      gate.bound(maxInFlight[processor]!);
    });
  }

  /**
   * Whether a payment that is bound to no processor may be sent to this one now. It must not be risked as a probe while
   * a payment in doubt there can be one. Hot: one atomic load.
   */
  admitNew(processor: number, nowMs: number): typeof OPEN | typeof SATURATED | typeof DOWN {
    if (!this.flights.hasRoom(processor)) return DOWN;
    const gate = this.gates[processor]!;
    const admitted = gate.admit(nowMs);
    const isDoubtsTurn = this.flights.probeCandidateCount(processor) > 0 && !gate.wantsFreshProbe;
    if (admitted === OPEN && gate.isDown && isDoubtsTurn) return DOWN;
    return admitted;
  }
}
