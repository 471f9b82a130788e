import type { ProcessorTerms } from "../../core/values/processor.ts";

/** Two processors at 5 % and 15 %, each with at most `maxInFlight` POSTs at once. */
export function twoTerms(maxInFlight: number): ProcessorTerms[] {
  return [
    { name: "default", feePpm: 50_000, maxInFlight },
    { name: "fallback", feePpm: 150_000, maxInFlight },
  ];
}
