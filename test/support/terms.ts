import type { ProcessorTerms } from "../../core/values/processor.ts";

/** The two processors of most tests: their numbers, and their names by number. */
export const DEFAULT = 0;
export const FALLBACK = 1;
export const TWO_NAMES: readonly string[] = ["default", "fallback"];

/** The names of the first `count` processors. */
export function namesOf(count: number): string[] {
  return Array.from({ length: count }, (_, number) => TWO_NAMES[number] ?? `processor-${number + 1}`);
}

/** Processors at 5 %, 15 %, 20 % and so on, each with at most `maxInFlight` POSTs at once. */
export function termsOf(count: number, maxInFlight: number): ProcessorTerms[] {
  return namesOf(count).map((name, number) => {
    return { name, feePpm: number === DEFAULT ? 50_000 : 100_000 + 50_000 * number, maxInFlight };
  });
}

/** Two processors at 5 % and 15 %, each with at most `maxInFlight` POSTs at once. */
export function twoTerms(maxInFlight: number): ProcessorTerms[] {
  return termsOf(TWO_NAMES.length, maxInFlight);
}
