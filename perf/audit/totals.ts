import { centsOfDecimal } from "./cents.ts";

/** By a processor's name, in configured order. */
export type Named<Value> = Readonly<Record<string, Value>>;

/** The processors of the contest, and of all that measures by its load. */
export const ROLES = ["default", "fallback"] as const;
export type Role = (typeof ROLES)[number];
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

/** Over all processors. */
export function totalsCount(totals: Named<Totals>): number {
  return Object.values(totals).reduce((sum, { count }) => sum + count, 0);
}

/** What `make` makes of each value, all at once. */
export async function forEachNamed<Value, Made>(
  values: Named<Value>,
  make: (value: Value, name: string) => Promise<Made>,
): Promise<Record<string, Made>> {
  const made = Object.entries(values).map(async ([name, value]) => [name, await make(value, name)] as const);
  return Object.fromEntries(await Promise.all(made));
}

/** Of the two that the contest has. Throws where one is missing. */
export function perRole<Value>(values: Named<Value>): PerRole<Value> {
  const of = (role: Role): Value => {
    const value = values[role];
    if (value === undefined) throw new Error(`a processor must be there: name=${role}`);
    return value;
  };
  return { default: of("default"), fallback: of("fallback") };
}
