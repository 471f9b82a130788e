import type { ProcessorTerms } from "../../core/values/processor.ts";

/** The two processors of most tests: their numbers, and their names by number. */
export const DEFAULT = 0;
export const FALLBACK = 1;
export const TWO_NAMES: readonly string[] = ["default", "fallback"];

/** Two processors at 5 % and 15 %, each with at most `maxInFlight` POSTs at once. */
export function twoTerms(maxInFlight: number): ProcessorTerms[] {
  return TWO_NAMES.map((name, number) => ({ name, feePpm: number === DEFAULT ? 50_000 : 150_000, maxInFlight }));
}
