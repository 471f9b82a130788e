import type { ProcessorTerms } from "../../core/values/processor.ts";

/** Two processors at 5 % and 15 %, each with at most `maxInFlight` POSTs at once. */
export function twoTerms(maxInFlight: number): ProcessorTerms[] {
  return [
    { feePpm: 50_000, maxInFlight },
    { feePpm: 150_000, maxInFlight },
  ];
}
