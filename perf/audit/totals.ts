import type { PROCESSOR_NAMES } from "../../core/values/processor.ts";
import { centsOfDecimal } from "./cents.ts";

export type Role = (typeof PROCESSOR_NAMES)[number];
export type PerRole<Value> = Readonly<Record<Role, Value>>;

/** How many payments, and their sum. */
export type Totals = {
  readonly count: number;
  readonly cents: bigint;
};

export const NO_TOTALS: Totals = { count: 0, cents: 0n };

/** From `{"totalRequests", "totalAmount"}`, the amount still as text (see parseWithDecimals). */
export function readTotals(value: unknown): Totals | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { totalRequests, totalAmount } = value as Record<string, unknown>;
  if (typeof totalRequests !== "number" || !Number.isSafeInteger(totalRequests)) return undefined;
  const cents = typeof totalAmount === "string" ? centsOfDecimal(totalAmount) : undefined;
  return cents === undefined ? undefined : { count: totalRequests, cents };
}

export function totalsEqual(a: Totals, b: Totals): boolean {
  return a.count === b.count && a.cents === b.cents;
}

/** Over both processors. */
export function totalsCount(totals: PerRole<Totals>): number {
  return totals.default.count + totals.fallback.count;
}

export async function forEachRole<Value>(make: (role: Role) => Promise<Value>): Promise<PerRole<Value>> {
  const [ofDefault, ofFallback] = await Promise.all([make("default"), make("fallback")]);
  return { default: ofDefault, fallback: ofFallback };
}
