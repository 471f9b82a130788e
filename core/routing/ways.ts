import type { ProcessorTerms } from "../values/processor.ts";
import { Flights } from "./flights.ts";
import type { HealthSnapshot } from "./health-snapshot.ts";
import { ProcessorGate } from "./processor-gate.ts";

/** In flight or in doubt at one processor, at most, over all engines of the process, unless told otherwise. */
const FLIGHT_QUOTA = 4096;

/**
 * An engine's ways to the processors: a gate each, with its in-flight limit, which all engines of a process share; and
 * the flights, of which each engine has its own within one quota.
 */
export type Ways = { readonly gates: readonly ProcessorGate[]; readonly flights: Flights };

/** The ways of the first engine of a process. `terms`: of each processor, in the order of their numbers. */
export function openWays(
  health: HealthSnapshot,
  terms: readonly ProcessorTerms[],
  flightQuota: number = FLIGHT_QUOTA,
): Ways {
  const gates = terms.map((own, processor) => new ProcessorGate(processor, health, own));
  return { gates, flights: new Flights(flightQuota, terms.length) };
}

/** The ways of another engine beside it. */
export function shareWays({ gates, flights }: Ways): Ways {
  return { gates, flights: flights.beside() };
}
